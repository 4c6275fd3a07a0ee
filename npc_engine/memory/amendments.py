"""Lines that take back or replace what was said before, by the words people do it with.

"The council meets in the tithe barn from now on" shares little with a question about the council
but much with the older line it replaces: whoever is told the older one has to be told this one too.
"""

import math

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
        self._known: dict[int, list[tuple[float, int]]] = {}

    def newest(self, found: FoundUnit) -> FoundUnit | None:
        """The newest later line that changes what the lines of a memory say; None if none does.

        It has words of change in it, and with the line it answers it shares at least two terms
        with the memory, one of them rare.
        """
        if found.unit.kind != "talk":
            return None
        weighed = [
            each for entry_id in found.unit.entry_ids for each in self._later_about(entry_id)
        ]
        best = max((bearing for bearing, _ in weighed), default=0.0)
        newest = max(
            (each for bearing, each in weighed if bearing >= _NEAR_BEST * best), default=None
        )
        if newest is None or newest in found.unit.entry_ids:
            return None
        return FoundUnit(self._index.talk_from(newest, newest), (newest,), found.score)

    def _later_about(self, entry_id: int) -> list[tuple[float, int]]:
        """Later lines that may change a line, each after how much it has to do with it."""
        if entry_id not in self._known:
            self._known[entry_id] = self._look_up(entry_id)
        return self._known[entry_id]

    def _look_up(self, entry_id: int) -> list[tuple[float, int]]:
        told = set(self._index.terms_of(entry_id))
        num_windows = len(self._index)
        frequencies = self._index.frequencies(told)
        at_most, part = _RARE
        rarest = max(at_most, part * num_windows)
        rare = [term for term, frequency in frequencies.items() if frequency <= rarest]
        weighed = []
        for each in self._index.amending_lines(rare):
            shared = told & self._index.amending_terms(each)
            if each > entry_id and len(shared) >= _MIN_SHARED_TERMS:
                weights = (math.log(1 + num_windows / (1 + frequencies[term])) for term in shared)
                weighed.append((sum(weights), each))
        return weighed
