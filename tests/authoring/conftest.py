"""A small project on disk: one world, two sheets, and a place for persona tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from npc_engine.model.plain_tokenizer import PlainTokenizer

WORLD = """\
name: Ford
setting: A ferry landing under the hills.
tone: dry
rules: [No firearms.]
clock: {day: 3, time: "23:30"}
player: {name: the traveller, about: A stranger from upriver.}
state:
  bridge: {one_of: [broken, repaired], value: broken}
facts:
  - id: ferry
    text: The ferry takes one cart at a time.
    keys: [ferry, cart]
    known_by: [everyone]
  - id: pier
    text: A timber raft without a lantern struck the middle pier on the flood night.
    keys: [raft, pier]
    when: state.bridge == "broken"
    known_by: [ada]
  - id: toll
    text: The toll goes to the abbot of Greyford.
    keys: [toll, Greyford]
    known_by: [bo]
"""

ADA = """\
name: Ada Reed
world: ford
summary: Lamp keeper of the landing.
persona: Ada is old and quick.
speech:
  style: Few words.
  never_says: [thou]
  max_sentences: 2
relationships:
  player: {trust: 0}
secrets:
  - id: lamp
    text: On the flood night Ada slept and the lamp went dark because of plum spirit.
    keys: [plum spirit, asleep]
    reveal_when: relationships.player.trust >= 3
background: Ada came with the first boat.
greetings:
  - "Evening. Mind the step."
examples:
  - player: Cold night?
    reply: Cold enough. Stand by the lamp.
barks:
  thinking: ["Hm.", "Wait.", "Let me look."]
  fail: ["Later.", "The wind took it.", "Ask again."]
  refuse: ["No.", "Not that.", "Leave it."]
"""

BO = """\
name: Bo Hale
world: ford
summary: Ferryman.
barks:
  thinking: ["Hm.", "Wait.", "Let me look."]
  fail: ["Later.", "The wind took it.", "Ask again."]
  refuse: ["No.", "Not that.", "Leave it."]
"""


class Project:
    """Files of a test project; `write` replaces one, `change` one place in one."""

    def __init__(self, root: Path) -> None:
        self.characters = root / "characters"
        self.worlds = root / "worlds"
        self.tests = self.characters / "tests"
        self.tests.mkdir(parents=True)
        self.worlds.mkdir()
        self.write("worlds/ford.yaml", WORLD)
        self.write("characters/ada.yaml", ADA)
        self.write("characters/bo.yaml", BO)
        self.root = root

    def write(self, name: str, text: str) -> Path:
        path = self.characters.parent / name
        path.write_text(text, encoding="utf-8")
        return path

    def change(self, name: str, old: str, new: str) -> None:
        path = self.characters.parent / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def persona(self, text: str, name: str = "ada") -> Path:
        return self.write(f"characters/tests/{name}.persona.yaml", text)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def tokenizer() -> PlainTokenizer:
    return PlainTokenizer()


Planted = Callable[[Project], None]
