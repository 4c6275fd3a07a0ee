"""A small stage for tests: one world, two characters, and engines on scripted sessions."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from npc_engine.content.character import CharacterSheet, Example, Secret, Speech
from npc_engine.content.conditions import compile_condition
from npc_engine.content.facts import Fact, RememberRule
from npc_engine.content.state import initial_state
from npc_engine.content.world import PlayerBlock, StateDeclaration, World
from npc_engine.messages import Message, Turn
from npc_engine.model.plain_tokenizer import PlainTokenizer
from npc_engine.prompt.budget import Budget
from npc_engine.prompt.compiler import PromptRequest
from npc_engine.prompt.offers import Offer

ROOT = Path(__file__).parent.parent
CHARACTERS = ROOT / "characters"
WORLDS = ROOT / "worlds"
SHARED_DATA = ROOT.parent / "shared" / "data"


class FakeClock:
    """Time that stands still until it is told to move."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


def fact(fact_id: str, text: str, **fields: Any) -> Fact:
    return Fact(id=fact_id, text=text, **fields)


def world(**fields: Any) -> World:
    values: dict[str, Any] = {
        "id": "ford",
        "name": "Ford",
        "setting": "A village at a river crossing.",
        "player": PlayerBlock(name="the stranger", about="A walker with a pack."),
        "state": {
            "gate": StateDeclaration(one_of=("open", "shut"), value="shut"),
        },
        "facts": (
            fact("river", "The river is high this week.", known_by=("everyone",)),
            fact(
                "gate",
                "The gate is shut until the toll is settled.",
                keys=("gate", "toll"),
                when=compile_condition('state.gate == "shut"'),
                known_by=("everyone",),
            ),
            fact("cellar", "There is a cellar under the mill.", known_by=("ann",)),
            fact("bell", "The bell has a crack.", tags=("church",), keys=("bell",)),
        ),
    }
    return World(**{**values, **fields})


def sheet(**fields: Any) -> CharacterSheet:
    values: dict[str, Any] = {
        "id": "ann",
        "name": "Ann Reed",
        "world": "ford",
        "summary": "The miller of Ford.",
        "persona": "Ann is fifty and counts everything twice.",
        "traits": ("careful", "dry"),
        "speech": Speech(style="Short sentences.", max_sentences=3),
        "goals": ("Keep the mill.",),
        "knows": ("church",),
        "secrets": (
            Secret(
                id="debt",
                text="Ann owes the ferryman forty crowns.",
                keys=("debt",),
                reveal_when=compile_condition("relationships.player.trust >= 3"),
            ),
        ),
        "greetings": ("Mind the step.", "You again."),
        "examples": (Example(player="Is the flour fresh?", reply="Fresher than you."),),
        "barks": {
            "thinking": ("Hm.", "Let me count."),
            "fail": ("Not now.", "Later.", "Ask again."),
        },
        "remember": (
            RememberRule(
                slot="player_name",
                pattern=r"(?:my name is|I am called) (?P<value>[A-Z]\w+)",
                say="{speaker} gave the name {value}.",
            ),
        ),
        "post_history": "Keep it short.",
    }
    return CharacterSheet(**{**values, **fields})


def said(player: str, reply: str, token_ids: tuple[int, ...] | None = None) -> Turn:
    return Turn((Message("user", player), Message("assistant", reply, token_ids)), (1, 2))


def learned(*texts: str) -> tuple[Offer, ...]:
    return tuple(
        Offer("learned", f"{n}.0", text, evidence=(n,), why="player_name, said by player")
        for n, text in enumerate(texts, start=1)
    )


def request(**fields: Any) -> PromptRequest:
    used_world = fields.pop("world", world())
    used_sheet = fields.pop("sheet", sheet())
    values: dict[str, Any] = {
        "sheet": used_sheet,
        "world": used_world,
        "state": initial_state(used_world, [used_sheet]),
        "line": "Good morning.",
        "names": {"ann": "Ann", "player": "the stranger"},
    }
    return PromptRequest(**{**values, **fields})


TOKENIZER = PlainTokenizer()
FLAT_TOKENIZER = PlainTokenizer(takes_contexts=False)


def small_budget(**fields: Any) -> Budget:
    return replace(Budget(), **fields)


def write_project(folder: Path) -> tuple[Path, Path]:
    """A project on disk with the world and the sheet of this module; returns both paths."""
    (folder / "characters").mkdir(parents=True)
    (folder / "worlds").mkdir()
    (folder / "worlds" / "ford.yaml").write_text(WORLD_YAML, encoding="utf-8")
    (folder / "characters" / "ann.yaml").write_text(ANN_YAML, encoding="utf-8")
    (folder / "characters" / "bo.yaml").write_text(BO_YAML, encoding="utf-8")
    return folder / "worlds" / "ford.yaml", folder / "characters"


WORLD_YAML = """\
name: Ford
setting: A village at a river crossing.
player: {name: the stranger, about: A walker with a pack.}
state:
  gate: {one_of: [open, shut], value: shut, say: "The gate is {{ value }}."}
  crowns: {integer: {min: 0}, value: 5}
guard: {invented: allow}
facts:
  - {id: river, text: The river is high this week., known_by: [everyone]}
  - {id: gate, text: The gate is shut until the toll is settled., keys: [gate, toll],
     when: 'state.gate == "shut"', known_by: [everyone]}
  - {id: cellar, text: There is a cellar under the mill., known_by: [ann]}
"""

ANN_YAML = """\
name: Ann Reed
world: ford
summary: The miller of Ford.
persona: Ann is fifty and counts everything twice.
speech: {style: Short sentences., max_sentences: 3}
relationships:
  player: {trust: 0}
secrets:
  - id: debt
    text: Ann owes the ferryman forty crowns.
    reveal_when: relationships.player.trust >= 3
greetings: [Mind the step., You again.]
examples:
  - {player: Is the flour fresh, reply: Fresher than you.}
barks: {thinking: [Hm., Let me count.], fail: [Not now., Later., Ask again.]}
remember:
  - slot: player_name
    pattern: "I am called (?P<value>[A-Z]\\\\w+)"
    say: "{speaker} gave the name {value}."
"""

BO_YAML = """\
name: Bo Tern
world: ford
summary: The ferryman of Ford.
greetings: [Cold on the water.]
"""

Replies = Sequence[str] | Callable[..., str]
