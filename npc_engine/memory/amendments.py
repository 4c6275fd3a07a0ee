"""Lines that take back or replace what was said before, by the words people do it with.

"The council meets in the tithe barn from now on" shares little with a question about the council
but much with the older line it replaces: whoever is told the older one has to be told this one too.
"""

import math
from collections.abc import Iterable

from npc_engine.memory.unit_index import UnitIndex
from npc_engine.memory.unit_search import FoundUnit

_NEAR_BEST = 0.6
"""Of several changes the newest counts, unless it has far less to do with what was found."""
_MIN_SHARED_TERMS = 2
_RARE = (12, 0.01)
"""In how many windows a rare term stands at most: so many, or this share of all."""


class Amendments:
    """Finds what has changed since, for memories that were found. Use before the index changes."""

    def __init__(self, index: UnitIndex) -> None:
        """Nothing is looked up yet."""
        self._index = index

    def newest(self, found: FoundUnit) -> FoundUnit | None:
        """The newest later line that changes what the lines of a memory say; None if none does.

        It has words of change in it, and with the line it answers it shares at least two terms
        with the memory, one of them rare.
        """
        if found.unit.kind != "talk":
            return None
        told = {term for each in found.matched for term in self._index.terms_of(each)}
        later = [each for each in self._index.amending_lines if each > found.matched[-1]]
        weighed = [(self._bearing(told, each), each) for each in later]
        best = max((bearing for bearing, _ in weighed), default=0.0)
        if best == 0:
            return None
        entry_id = max(each for bearing, each in weighed if bearing >= _NEAR_BEST * best)
        unit = self._index.talk_from(entry_id, entry_id)
        return FoundUnit(unit, (entry_id,), found.score)

    def _bearing(self, told: set[str], entry_id: int) -> float:
        """How much a line, with the one it answers, has to do with terms; 0 for too little."""
        answered = self._index.window(entry_id)[-2:]
        shared = told & self._terms_of(answered)
        if len(shared) < _MIN_SHARED_TERMS:
            return 0.0
        num_windows = len(self._index)
        frequencies = self._index.frequencies(shared).values()
        at_most, part = _RARE
        if min(frequencies) > max(at_most, part * num_windows):
            return 0.0
        return sum(math.log(1 + num_windows / (1 + frequency)) for frequency in frequencies)

    def _terms_of(self, entry_ids: Iterable[int]) -> set[str]:
        return {term for each in entry_ids for term in self._index.terms_of(each)}
