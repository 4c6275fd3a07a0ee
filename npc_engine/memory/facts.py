"""A fact that an NPC learned in play, and the limits of its text.

Which facts there are is worked out from a path by `fact_book`; nothing here is stored.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from npc_engine.memory.entries import Cardinality, FactOrigin
from npc_engine.memory.game_days import DatedText, DayWords

MAX_FACT_WORDS = 25
MAX_FACT_CHARS = 300
MAX_VALUE_CHARS = 120
MAX_KEYS = 20

Mode = Literal["true", "claim"]
"""Whether a fact is so, or is what somebody said or a model read."""

_CLASSES: dict[FactOrigin, int] = {"said": -1, "model": 0, "capture": 1, "authored": 2, "game": 3}
"""How far each origin is trusted; a lower one never replaces a higher one."""


@dataclass(frozen=True, slots=True)
class LearnedFact:
    """One thing an NPC has learned."""

    id: str
    """The entry it comes from and its number there: `12.0`."""
    subject: str
    """Id of whom or what it is about, `player` for the player; empty where nobody said."""
    slot: str
    """The property that was learnt; empty for a fact that nothing replaces."""
    value: str
    text: str
    """A sentence of at most 25 words; its days are game days."""
    cardinality: Cardinality
    origin: FactOrigin
    mode: Mode
    entry_id: int
    """The line, statement or fold it comes from."""
    evidence: tuple[int, ...]
    """Entries of the lines that say so, as far as there are any."""
    day: int
    """Game day since when it is known."""
    minute: int
    when_day: int | None = None
    """The game day it speaks of."""
    keys: tuple[str, ...] = ()
    pinned: bool = False
    """Stays in the prompt, whatever is spoken of."""
    speaker: str = ""
    """Id of who said it; empty for what no line says."""

    @property
    def place(self) -> tuple[int, int]:
        """Where on the path it stands: its entry, and its number there."""
        return self.entry_id, int(self.id.rpartition(".")[2])

    @property
    def rank(self) -> tuple[int, int, int, int, int, int]:
        """The largest one counts: the trusted origin, then the newest game time, then entry.

        What a fold found is as old as the line it found it in.
        """
        is_found = self.origin in ("said", "model") and self.evidence
        said_at = max(self.evidence) if is_found else self.entry_id
        return _CLASSES[self.origin], self.day, self.minute, said_at, *self.place


def facts_from(facts: Iterable[LearnedFact], entry_ids: Iterable[int]) -> tuple[LearnedFact, ...]:
    """Those facts that come from certain lines: the facts of a chunk that is to be folded."""
    wanted = set(entry_ids)
    return tuple(fact for fact in facts if fact.entry_id in wanted)


def same(value: str) -> str:
    """A value as it is compared: case and spaces do not matter."""
    return " ".join(value.casefold().split())


def shortened(text: str, max_chars: int, max_words: int = MAX_FACT_WORDS) -> str:
    """The text on one line, cut behind a word where it is too long."""
    words = text.split(maxsplit=max_words)[:max_words]
    while len(words) > 1 and sum(map(len, words)) + len(words) - 1 > max_chars:
        words.pop()
    return " ".join(words)[:max_chars]


def fact_sentence(text: str, day: int, days: DayWords) -> DatedText:
    """The text as a fact keeps it: one line, its days as game days, within the limits.

    Args:
        text: As it was said or written.
        day: The game day on which that was.
        days: Of the world.
    """
    room = MAX_FACT_WORDS
    while True:
        bare = shortened(text, MAX_FACT_CHARS, room)
        sentence = days.dated(bare, day)
        num_words = len(bare.split())
        over = len(sentence.text.split()) - MAX_FACT_WORDS
        if over <= 0 and len(sentence.text) <= MAX_FACT_CHARS:
            return sentence
        if num_words <= 1:
            return replace(sentence, text=shortened(sentence.text, MAX_FACT_CHARS))
        room = max(1, num_words - max(1, over))
