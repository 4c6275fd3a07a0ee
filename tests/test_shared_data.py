"""Foreign personas and a foreign world compile and chat."""

import pytest

from npc_engine.content.library import Library
from npc_engine.engine import Engine
from npc_engine.model.scripted import ScriptedSession
from tests.shared_content import CORPUS, PERSONAS, write_personas, write_world

pytestmark = pytest.mark.skipif(
    not (PERSONAS.is_dir() and CORPUS.is_file()),
    reason="the folder of shared data is not beside this checkout",
)

QUESTIONS = (
    "Who is Finn Brightwood?",
    "What are the Aether Cannons of Thaloria?",
    "What does the Merchant's Council want of Queen Liora?",
    "Tell me of General Thalor.",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("foreign")
    (folder / "characters").mkdir()
    (folder / "worlds").mkdir()
    ids = write_personas(folder / "characters")
    return write_world(folder / "worlds"), folder / "characters", ids


def test_six_personas_and_a_world_load_without_faults(project):
    world, characters, ids = project
    library = Library.open(characters, world.parent)
    assert len(ids) == 6
    assert library.faults() == ()
    assert len(library.world("doria").facts) > 100


def test_every_persona_talks_about_the_world_inside_the_window(project):
    world, characters, ids = project
    with Engine.open(world, characters, None, ScriptedSession(["I see. Go on."])) as engine:
        for sheet_id in ids:
            npc = engine.new_chat(sheet_id)
            for question in QUESTIONS:
                plan = npc.plan(question)
                assert plan.total_tokens + plan.reply_tokens + plan.margin_tokens <= 4096
                assert npc.sheet.persona.split(".")[0] in plan.text
                assert npc.ask(question).text == "I see. Go on."


def test_what_one_persona_knows_the_others_do_not(project):
    world, characters, ids = project
    with Engine.open(world, characters, None, ScriptedSession(["So."])) as engine:
        own = [fact for fact in engine.cast.world.facts if "everyone" not in fact.known_by]
        asked = [fact for fact in own if fact.keys][:40]
        told = 0
        for fact in asked:
            line = f"What about {fact.keys[0]}?"
            told += fact.text in engine.npc("isabella_rodriguez").plan(line).text
            assert fact.text not in engine.npc("tom_moreno").plan(line).text
        assert told >= len(asked) // 2
