"""What in a player's words is meant for a program rather than for the character.

Looked for by the words alone. Meant to be sure rather than complete: what it misses is still read
by the guard as any reply is.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Literal

from npc_engine.dialogue import provocation_phrases
from npc_engine.dialogue.phrases import Found, Phrases, PhraseWatch
from npc_engine.dialogue.role_phrases import listed
from npc_engine.dialogue.spoken import words_of
from npc_engine.memory.words import numbers_by_word
from npc_engine.prompt import wording

ProvocationKind = Literal["role", "prompt", "machine", "task"]
"""`machine`: is it one, and whose. `prompt`: to give back what it was told. `role`: to leave its
role. `task`: an assistant's work."""

_KINDS: tuple[ProvocationKind, ...] = ("role", "prompt", "machine", "task")
"""The one that weighs most first: the reminder is that of the first."""

_REMINDERS: Mapping[ProvocationKind, str] = {
    "role": wording.REMIND_ON_ROLE,
    "prompt": wording.REMIND_ON_PROMPT,
    "machine": wording.REMIND_ON_MACHINE,
    "task": wording.REMIND_ON_TASK,
}
_MAX_CHARS = 4000
"""A line that long says what it wants before its end."""
_SENTENCE_END = re.compile(r"[.!?…。！？]+(?=[\s\"'”’)\]]|$)|\n+")
_SIGN_SUM = re.compile(r"\d\s*[+*/×÷^=]\s*\d|\d\s+[-x–−]\s+\d")
_WORD_SUM = re.compile(
    r"\d\d\s+(?:times|multiplied by|divided by|plus|minus)\s+\d\d", re.IGNORECASE
)
_ASKS_FOR_SUM = re.compile(
    r"^\W*(?:(?:and|so|now|quick|please|hey|ok|okay)\W+)*(?:what(?:'s|’s| is| are| do)|how much is"
    r"|calculate|compute|solve|evaluate|work out|tell me|answer|multiply|add|\d)",
    re.IGNORECASE,
)
_CALLED_DAN = re.compile(r"\bDAN\b")


@dataclass(frozen=True, slots=True)
class Provocation:
    """What a line wants of a program."""

    kinds: tuple[ProvocationKind, ...]
    """Never empty; the one that weighs most comes first."""
    is_yes_a_disclosure: bool = False
    """Whether a yes would say that the speaker is a machine."""

    @property
    def kind(self) -> ProvocationKind:
        """What weighs most."""
        return self.kinds[0]

    def reminder(self, nickname: str) -> str:
        """The line of the engine's own that stands above such words."""
        return _REMINDERS[self.kind].format(nickname=nickname)


@lru_cache(maxsize=64)
def provocation_in(line: str) -> Provocation | None:
    """What a player's line asks of a program; None for a line that belongs to the world.

    Args:
        line: The player's words; what stands beyond 4,000 characters is not looked at.
    """
    line = line[:_MAX_CHARS]
    found = {kind for sentence in _SENTENCE_END.split(line) for kind in _kinds_in(sentence)}
    if _CALLED_DAN.search(line) and line != line.upper():
        found.add("role")
    kinds = tuple(
        kind for kind in _KINDS if kind in found or (kind == "machine" and "yes" in found)
    )
    return Provocation(kinds, "yes" in found) if kinds else None


def provocation_for(line: str, *, may_be_machine: bool) -> Provocation | None:
    """The same for a speaker who may or may not be a machine: then that is no provocation."""
    found = provocation_in(line)
    if found is None or not may_be_machine:
        return found
    kinds = tuple(kind for kind in found.kinds if kind != "machine")
    return replace(found, kinds=kinds, is_yes_a_disclosure=False) if kinds else None


def _kinds_in(sentence: str) -> Iterator[str]:
    words = [_counted(word) for word in words_of(sentence)]
    yield from (found.kind for found in _found_in(words) if found.kind != "above")
    if any(found.kind == "above" for found in _found_in(words)) and _any_of(words):
        yield "prompt"
    if _ASKS_FOR_SUM.match(sentence) and (_SIGN_SUM.search(sentence) or _WORD_SUM.search(sentence)):
        yield "task"


def _any_of(words: Collection[str]) -> bool:
    return not provocation_phrases.SAYING.isdisjoint(words)


def _found_in(words: Collection[str]) -> Iterator[Found]:
    for phrases in _all_phrases():
        watch = PhraseWatch((phrases,))
        for at, word in enumerate(words):
            found = watch.word(word, at, is_first=not at)
            if found is not None:
                yield found
        last = watch.end()
        if last is not None:
            yield last


def _counted(word: str) -> str:
    """The word, or NUM for a number above one."""
    number = numbers_by_word().get(word, word)
    return "NUM" if number.isdigit() and number not in ("0", "1") else word


@cache
def _all_phrases() -> tuple[Phrases, ...]:
    """One list for each kind, so that none hides another; made once."""
    lists = (
        ("yes", provocation_phrases.ASKS_FOR_YES),
        ("machine", provocation_phrases.OF_MACHINES),
        ("prompt", provocation_phrases.OF_THE_PROMPT),
        ("above", provocation_phrases.TEXT_ABOVE),
        ("role", provocation_phrases.OUT_OF_ROLE),
        ("task", provocation_phrases.ASSISTANT_WORK),
    )
    choices = provocation_phrases.CHOICES
    return tuple(Phrases([(kind, listed(text, choices))]) for kind, text in lists)
