"""Facts one NPC knows, by what they are about; which of them counts, and what is hidden.

Of the rows about one property the one with the largest rank counts. Rows are never marked as
replaced: taking one away brings back the one before it.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace

from npc_engine.memory.current_facts import CurrentFacts
from npc_engine.memory.facts import LearnedFact, same
from npc_engine.memory.sorted_facts import SortedFacts

MAX_EVIDENCE = 8
"""So many lines stand behind a fact that was said again and again: the newest."""

Key = tuple[str, str, str]
"""Subject and slot; where many values stand side by side, also the value."""


def key_of(fact: LearnedFact) -> Key:
    """What a fact shares with those that replace it."""
    if fact.cardinality == "one" and fact.slot:
        return fact.subject, fact.slot, ""
    return fact.subject, fact.slot, same(fact.value)


@dataclass(frozen=True, slots=True)
class _Row:
    """A fact as it was learned."""

    key: Key
    fact: LearnedFact


class FactShelf:
    """Rows by key. Not locked: one thread at a time."""

    def __init__(self) -> None:
        """Nothing was learned yet."""
        self.current = CurrentFacts()
        """The rows that count."""
        self.num_changes = 0
        """Rises whenever another row begins to count."""
        self._rows: dict[str, _Row] = {}
        self._by_key: dict[Key, SortedFacts] = {}
        self._shown: dict[Key, LearnedFact] = {}
        self._said_by: dict[int, dict[str, _Row]] = {}
        self._hidden: set[tuple[int, Key, str]] = set()
        self._pins: dict[tuple[Key, str], bool] = {}
        self._amending: set[str] = set()
        """Rows that say in other words what has changed."""

    def fact(self, fact_id: str) -> LearnedFact | None:
        """A fact that was learned, current or not."""
        row = self._rows.get(fact_id)
        return None if row is None else row.fact

    def put(
        self, fact: LearnedFact, *, says_so: bool = True, amends: LearnedFact | None = None
    ) -> None:
        """Take in a row.

        Args:
            fact: With an id that no other row has.
            says_so: Whether the lines of its evidence give this very value.
            amends: A row whose property this one is about, whatever its value.
        """
        row = _Row(key_of(fact) if amends is None else self._key_of(amends), fact)
        if amends is not None:
            self._amending.add(fact.id)
        self._rows[fact.id] = row
        if says_so:
            for entry_id in fact.evidence:
                self._said_by.setdefault(entry_id, {})[fact.id] = row
        if (fact.entry_id, row.key, same(fact.value)) not in self._hidden:
            self._by_key.setdefault(row.key, SortedFacts(_rank_of)).add(fact)
            self._show(row.key)

    def take(self, fact: LearnedFact) -> None:
        """Take a row away."""
        row = self._rows.pop(fact.id, None)
        if row is None:
            return
        self._amending.discard(fact.id)
        for entry_id in row.fact.evidence:
            said = self._said_by.get(entry_id, {})
            said.pop(fact.id, None)
            if not said:
                self._said_by.pop(entry_id, None)
        if row.key in self._by_key:
            self._by_key[row.key].remove(row.fact)
            self._show(row.key)

    def said_by(self, entry_id: int) -> tuple[LearnedFact, ...]:
        """The rows that a line gives."""
        return tuple(row.fact for row in self._said_by.get(entry_id, {}).values())

    def rivals(self, fact: LearnedFact) -> tuple[LearnedFact, ...]:
        """The rows about the same property, those forgotten left out."""
        return tuple(self._by_key.get(self._key_of(fact), ()))

    def captured(self, text: str, entry_ids: Iterable[int]) -> bool:
        """Whether a rule took a value from these words of a line: its fact tells what is so."""
        rows = (row for entry_id in entry_ids for row in self.said_by(entry_id))
        return any(row.origin == "capture" and same(row.value) in same(text) for row in rows)

    def hide(self, fact: LearnedFact) -> None:
        """Forget a property as it is known by now; learned again, it counts again."""
        key = self._key_of(fact)
        for row in self._by_key.pop(key, ()):
            value = same(row.value)
            self._hidden.add((row.entry_id, key, value))
            self._pins.pop((key, value), None)
        self._show(key)

    def pin(self, fact: LearnedFact, is_pinned: bool) -> None:
        """Keep a value in the prompt or not, however often it is learned."""
        key = self._key_of(fact)
        self._pins[key, same(fact.value)] = is_pinned
        self._show(key)

    def superseded(self) -> tuple[LearnedFact, ...]:
        """Rows that do not count because another value does, in the order they were learned."""
        found = [
            row
            for key, rows in self._by_key.items()
            if len(rows) > 1
            for row in rows
            if same(row.value) != same(self._shown[key].value)
        ]
        return tuple(sorted(found, key=lambda fact: fact.place))

    def is_stale(self, entry_id: int) -> bool:
        """Whether a line gives values, and all of them were replaced by others.

        Where later words only speak of a change, the line may be told, with those words.
        """
        rows = self._said_by.get(entry_id, {}).values()
        told = [row for row in rows if row.fact.origin != "said"]
        return bool(told) and not any(self._counts(row) or self._is_amended(row) for row in told)

    def outdated(self, entry_id: int) -> set[str]:
        """The values a line gives that do not count any more."""
        said = self._said_by.get(entry_id, {})
        return {row.fact.value for row in said.values() if not self._counts(row)}

    # -- inside -------------------------------------------------------------------------------

    def _counts(self, row: _Row) -> bool:
        shown = self._shown.get(row.key)
        return shown is not None and same(shown.value) == same(row.fact.value)

    def _is_amended(self, row: _Row) -> bool:
        shown = self._shown.get(row.key)
        return shown is not None and shown.id in self._amending

    def _key_of(self, fact: LearnedFact) -> Key:
        row = self._rows.get(fact.id)
        return key_of(fact) if row is None else row.key

    def _show(self, key: Key) -> None:
        """Work out anew which row of a key counts."""
        rows = self._by_key.get(key)
        if rows is not None and not rows:
            del self._by_key[key]
        shown = self._shown.get(key)
        now = self._newest(key, rows) if rows else None
        if now == shown:
            return
        self.num_changes += 1
        self.current.swap(shown, now)
        if now is None:
            del self._shown[key]
        else:
            self._shown[key] = now

    def _newest(self, key: Key, rows: SortedFacts) -> LearnedFact:
        """The row that counts, with the evidence of those that say the same."""
        last = rows.last(MAX_EVIDENCE)
        fact = last[-1]
        value = same(fact.value)
        if len(last) > 1:
            alike = [row for row in last if same(row.value) == value]
            evidence = sorted({entry_id for row in alike for entry_id in row.evidence})
            fact = replace(fact, evidence=tuple(evidence[-MAX_EVIDENCE:]))
        pinned = self._pins.get((key, value), fact.pinned)
        return fact if pinned == fact.pinned else replace(fact, pinned=pinned)


class StaleLines(Container[int]):
    """Lines that only give values which no longer count."""

    def __init__(self, shelf: FactShelf) -> None:
        """Look at a shelf, whatever it will hold."""
        self._shelf = shelf

    def __contains__(self, entry_id: object) -> bool:
        """Whether the line of this entry is one."""
        return isinstance(entry_id, int) and self._shelf.is_stale(entry_id)


def _rank_of(fact: LearnedFact) -> tuple[int, ...]:
    return fact.rank
