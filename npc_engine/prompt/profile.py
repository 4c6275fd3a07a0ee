"""Prompt profiles: the choices of form that decide how well a small model follows a prompt.

Which choice wins differs between families of models and is measured (docs/prompt.md). No choice
changes what an NPC may know, and none lets anything above the last user turn change from turn to
turn but `contexts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

Person = Literal["second", "third"]
First = Literal["world", "sheet"]
Examples = Literal["turns", "text", "none"]
ContextPlace = Literal["world", "system"]


@dataclass(frozen=True, slots=True)
class PromptProfile:
    """How a prompt is worded and ordered."""

    person: Person = "second"
    """How the sheet begins. `second`: "You are Mira Voss." and who that is; `third`: "The character
    is Mira Voss.", who that is, and "You play Mira.\""""
    order: First = "world"
    """What follows the rules. With `sheet` the NPCs of a world share the rules alone."""
    examples: Examples = "turns"
    """`turns`: exchanges before the talk. `text`: quoted lines at the end of the sheet."""
    reminder: bool = False
    """Whether a line about the role stands right above the player's words on every turn."""
    opening: bool = False
    """Whether the reply is opened with the character's name and a colon, where the model takes
    that; the model writes what follows, and the words are no part of the reply."""
    bearing: bool = False
    """Whether sentences that bear on the player's words stand right above them once more."""
    contexts: ContextPlace = "world"
    """Where texts stand that a line calls up. `world`: the world's own `contexts` decides on
    passages and given texts. `system`: all of them, facts too, stand at the end of the system
    block; every line then changes what stands before the turns."""

    def without_a_reply(self) -> "PromptProfile":
        """The same for a prompt in which the character is not to answer: no reminder, no opening.

        What stands before the last user turn stays equal.
        """
        return replace(self, reminder=False, opening=False)


DEFAULT = PromptProfile()

PROFILES: Mapping[str, PromptProfile] = MappingProxyType(
    {"nemotron": DEFAULT, "chatml": DEFAULT, "other": DEFAULT}
)
"""By the family of the model's template (`Tokenizer.family`); docs/prompt.md has the figures."""


def profile_of(family: str) -> PromptProfile:
    """What a model of this family is given where nobody chose otherwise."""
    return PROFILES.get(family, PROFILES["other"])
