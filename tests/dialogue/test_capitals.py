"""In languages that write all nouns with a capital, a capital is no name."""

from pathlib import Path

import pytest

from npc_engine.content.library import Library
from npc_engine.dialogue.capitals import capitals_mean_names
from npc_engine.engine import Engine
from npc_engine.model.scripted import ScriptedSession
from tests.stage import CHARACTERS, WORLDS

WORLD = """\
name: Furt
setting: Ein Dorf an einem Fluss.
player: {name: der Fremde}
facts:
  - {id: fluss, text: Der Fluss steht hoch in dieser Woche., keys: [fluss], known_by: [everyone]}
"""
SHEET = """\
name: Anna Ried
world: furt
summary: Die Müllerin von Furt.
persona: Anna ist fünfzig und zählt alles zweimal, auch die Säcke im Lager.
speech: {style: Kurze Sätze., max_sentences: 3}
barks: {fail: [Nicht jetzt.], refuse: [Das geht dich nichts an.]}
"""


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("Kann ich über den Fluss?", "Nein. Der Fluss ist zu hoch, und meine Mühle steht still."),
        ("Was kostet das Mehl?", "Mehl ist teuer geworden. Frag nach dem Regen wieder."),
        (
            "Hast du Zeit?",
            "Keine Zeit, Fremder. Die Säcke müssen ins Lager, bevor der Wagen kommt.",
        ),
    ],
)
def test_a_german_character_may_use_its_nouns(tmp_path, line, reply):
    for name in ("worlds", "characters"):
        (tmp_path / name).mkdir()
    world = tmp_path / "worlds" / "furt.yaml"
    world.write_text(WORLD, encoding="utf-8")
    (tmp_path / "characters" / "anna.yaml").write_text(SHEET, encoding="utf-8")
    with Engine.open(world, tmp_path / "characters", model=ScriptedSession([reply])) as engine:
        said = engine.npc("anna").ask(line)
    assert (said.text, said.reason) == (reply, "done")


def test_the_shipped_sheets_are_of_a_language_where_capitals_are_names():
    library = Library.open(Path(CHARACTERS), Path(WORLDS))
    for world in ("oakhollow", "scarth_top"):
        for sheet in library.cast(library.world(world)):
            assert capitals_mean_names((sheet.summary, sheet.persona, sheet.background)), sheet.id


def test_a_few_words_tell_nothing():
    assert capitals_mean_names(("Mira Voss of Oakhollow.",))
    assert capitals_mean_names(())
