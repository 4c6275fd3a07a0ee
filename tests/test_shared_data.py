"""Foreign personas and a foreign world compile and chat."""

import pytest

from npc_engine.content.library import Library
from npc_engine.engine import Engine
from npc_engine.model.scripted import ScriptedSession
from tests.shared_content import (
    CORPUS,
    PERSONAS,
    sample_questions,
    write_lore_world,
    write_personas,
    write_world,
)

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
    said = ["I see. Go on.", "So it is.", "Well, well."]
    with Engine.open(world, characters, None, ScriptedSession(said)) as engine:
        for sheet_id in ids:
            npc = engine.new_chat(sheet_id)
            for question in QUESTIONS:
                plan = npc.plan(question)
                assert plan.total_tokens + plan.reply_tokens + plan.margin_tokens <= 4096
                assert npc.sheet.persona.split(".")[0] in plan.text
                assert npc.ask(question).text in said


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


ANSWERS = {
    1: "young farm boy",
    2: "long range and precision",
    3: "key player in the kingdom's affairs",
    4: "solidified Eldoria's reputation",
    5: "Inn: The Rusty Tankard",
}
"""By the number of the question, words of the passage that answers it."""


@pytest.fixture(scope="module")
def lore_project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lore")
    (folder / "characters").mkdir()
    write_personas(folder / "characters")
    return write_lore_world(folder / "worlds"), folder / "characters"


def passages_for(npc, question):
    plan = npc.plan(question)
    return plan, [shown for shown in plan.memories if shown.offer.kind == "passage"]


def test_the_passage_that_answers_a_sample_question_is_among_the_first_five(lore_project):
    world, characters = lore_project
    questions = sample_questions()
    assert questions.keys() == ANSWERS.keys()
    with Engine.open(world, characters, None, ScriptedSession(["So."])) as engine:
        knows, knows_not = engine.npc("isabella_rodriguez"), engine.npc("tom_moreno")
        in_prompt = 0
        for number, question in questions.items():
            plan, offered = passages_for(knows, question)
            offered.sort(key=lambda shown: -shown.offer.score)
            assert any(ANSWERS[number] in shown.offer.text for shown in offered[:5]), number
            assert plan.tokens_of("passages") <= 440
            in_prompt += ANSWERS[number] in plan.text
            plan, offered = passages_for(knows_not, question)
            assert offered == []
            assert ANSWERS[number] not in plan.text
        # The tokenizer of tests makes more tokens of a text than that of a model.
        assert in_prompt >= len(questions) - 1


def test_the_table_of_contents_of_the_corpus_is_no_passage(lore_project):
    world, characters = lore_project
    with Engine.open(world, characters, None, ScriptedSession(["So."])) as engine:
        npc = engine.npc("isabella_rodriguez")
        for question in ("Who is Dragonrider Kael?", "Tell me of the Nomadic Kingdom of Valoria."):
            offered = passages_for(npc, question)[1]
            assert len(offered) >= 2
            assert all("Contents" not in shown.offer.text for shown in offered)
