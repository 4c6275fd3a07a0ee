"""What an NPC heard that takes back or replaces something said before, by its words.

"The council meets in the tithe barn from now on" shares little with a question about the council
but much with the older line it replaces. So what was learned from an older line is held against the
later lines in which somebody speaks of a change.
"""

from collections.abc import Collection
from dataclasses import dataclass

from npc_engine.memory.change_words import speaks_of_change
from npc_engine.memory.facts import MAX_FACT_WORDS
from npc_engine.memory.lines import HeardLine
from npc_engine.memory.term_index import index_terms
from npc_engine.memory.words import sentences

_MIN_SHARED_TERMS = 2
_MIN_SHARE = 0.4
"""Of the terms of what was said before."""
_NEAR_BEST = 0.6
"""Of several changes the newest counts, unless it shares far less than another."""
_MAX_LINE_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """A line with words of change."""

    line: HeardLine
    told: str
    """The sentences that tell what changed; a fact's length at most, if they can be cut so."""
    terms: frozenset[str]
    """Of the line and of the one before it, which it may answer."""


class Changes:
    """The changes an NPC heard of. Not locked: one thread at a time."""

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self._changes: dict[int, Change] = {}
        self._before: tuple[int, frozenset[str]] = 0, frozenset()
        self.num_heard = 0
        """Rises with every change that is heard or reads differently."""

    def hear(self, line: HeardLine) -> Change | None:
        """Take in a line, or how it reads now; what it changes, if it speaks of a change."""
        self.num_heard += self._changes.pop(line.entry_id, None) is not None
        text = line.text[:_MAX_LINE_CHARS]
        terms = frozenset(index_terms(text))
        before_id, before = self._before
        if line.entry_id > before_id:
            self._before = line.entry_id, terms
        if line.authored or not speaks_of_change(text):
            return None
        answers = before if before_id < line.entry_id else frozenset()
        change = Change(line, _told_of_change(text), terms | answers)
        self._changes[line.entry_id] = change
        self.num_heard += 1
        return change

    def newest(
        self, terms: Collection[str], *, after: int, speaker: str | None = None
    ) -> Change | None:
        """The newest change of something that was said; None if there is none.

        Args:
            terms: Of what was said.
            after: Entry of the line that said it.
            speaker: Who must speak of the change; None: anybody.
        """
        found: dict[int, float] = {}
        for entry_id, change in self._changes.items():
            if entry_id > after and speaker in (None, change.line.speaker):
                share = bearing(terms, change.terms)
                if share:
                    found[entry_id] = share
        best = max(found.values(), default=0.0)
        newest = max((each for each in found if found[each] >= _NEAR_BEST * best), default=None)
        return None if newest is None else self._changes[newest]


def bearing(terms: Collection[str], change: Collection[str]) -> float:
    """The share of the terms of something said that a change has as well; 0 for too few."""
    said = set(terms)
    shared = len(said.intersection(change))
    share = shared / len(said) if said else 0.0
    return share if shared >= _MIN_SHARED_TERMS and share >= _MIN_SHARE else 0.0


def _told_of_change(text: str) -> str:
    """From the first sentence that speaks of a change, as many as a fact may hold."""
    said = sentences(text)
    first = next((place for place, each in enumerate(said) if speaks_of_change(each)), 0)
    told = said[first]
    for each in said[first + 1 :]:
        if len(told.split()) + len(each.split()) >= MAX_FACT_WORDS:
            break
        told = f"{told} {each}"
    return told
