"""The facts that count for one NPC now: in order, by importance, and by their words."""

from collections.abc import Iterable, Sequence
from itertools import chain, islice

from npc_engine.memory.facts import LearnedFact
from npc_engine.memory.sorted_facts import SortedFacts
from npc_engine.memory.term_index import TermIndex

MAX_PINNED = 40
"""More than any prompt has room for."""

NAME_SLOTS = frozenset(("player_name", "name", "title", "form_of_address"))
_PROMISE_SLOTS = frozenset(("promise",))
_QUEST_SLOTS = frozenset(("quest",))
_NUM_RANKS = 5
_MAX_FACTS_OF_ENTRY = 10_000


class CurrentFacts:
    """Current facts by id. Not locked: one thread at a time."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._facts: dict[str, LearnedFact] = {}
        self._in_order = SortedFacts(lambda fact: fact.place)
        self._important = [SortedFacts(_time_of) for _ in range(_NUM_RANKS)]
        self._listed: tuple[LearnedFact, ...] | None = ()
        self._index: TermIndex | None = None
        self._by_key: dict[int, LearnedFact] = {}
        self._unindexed: dict[int, LearnedFact | None] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._facts)

    def swap(self, old: LearnedFact | None, new: LearnedFact | None) -> None:
        """A fact stops being current, or begins to be, or another one takes its place."""
        if old is not None:
            del self._facts[old.id]
            self._in_order.remove(old)
            for facts in self._as_important(old):
                facts.remove(old)
            self._unindexed[_index_key(old)] = None
        if new is not None:
            self._facts[new.id] = new
            self._in_order.add(new)
            for facts in self._as_important(new):
                facts.add(new)
            self._unindexed[_index_key(new)] = new
        self._listed = None

    def in_order(self) -> tuple[LearnedFact, ...]:
        """All of them, in the order in which they were learned."""
        if self._listed is None:
            self._listed = tuple(self._in_order)
        return self._listed

    def by_importance(self) -> tuple[LearnedFact, ...]:
        """What should stand in every prompt first, at most 40.

        What somebody pinned; the player's name and form of address; promises; quests; then what was
        learned from talk. The newest first in each.
        """
        ranked = chain.from_iterable(reversed(facts) for facts in self._important)
        return tuple(islice(ranked, MAX_PINNED))

    def search(self, terms: Sequence[str], limit: int) -> list[tuple[LearnedFact, float]]:
        """Facts that have any of the terms, the best first, of equally good ones the newest."""
        hits = self._up_to_date().search(terms, limit)
        return [(self._by_key[hit.key], hit.score) for hit in hits]

    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """In how many facts each term occurs."""
        return self._up_to_date().frequencies(terms)

    def _as_important(self, fact: LearnedFact) -> list[SortedFacts]:
        """Where a fact stands by importance; nowhere if it waits until somebody speaks of it."""
        if fact.pinned:
            return self._important[:1]
        for rank, slots in enumerate((NAME_SLOTS, _PROMISE_SLOTS, _QUEST_SLOTS), start=1):
            if fact.slot in slots:
                return self._important[rank : rank + 1]
        return [] if fact.origin in ("game", "said") else self._important[-1:]

    def _up_to_date(self) -> TermIndex:
        """The index, once what has changed since the last question is in it."""
        if self._index is None:
            self._index = TermIndex.in_memory()
        for key, fact in self._unindexed.items():
            if fact is None:
                self._index.remove(key)
                self._by_key.pop(key, None)
            else:
                slot = fact.slot.replace("_", " ")
                self._index.add(key, fact.text, (slot, *fact.keys))
                self._by_key[key] = fact
        self._unindexed.clear()
        return self._index


def _time_of(fact: LearnedFact) -> tuple[int, ...]:
    return fact.day, fact.minute, *fact.place


def _index_key(fact: LearnedFact) -> int:
    """A number that is larger for what was learned later."""
    entry_id, number = fact.place
    return entry_id * _MAX_FACTS_OF_ENTRY + number
