"""Recall: what one NPC heard, saw or learned long ago that bears on the line it answers.

Found by words alone, packed by tokens. Whatever the index says, only lines the NPC remembers are
printed.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Protocol

from npc_engine.memory.amendments import Amendments
from npc_engine.memory.lines import HeardLine
from npc_engine.memory.recall_packing import RecalledItem, RecallPacking
from npc_engine.memory.recall_text import RecallWording, WithDays, as_said
from npc_engine.memory.search_terms import query_terms
from npc_engine.memory.term_index import index_terms
from npc_engine.memory.unit_index import UnitIndex
from npc_engine.memory.unit_search import FoundUnit, UnitSearch

STANDS = "stands in the prompt"
NOT_CURRENT = "no longer current"
SAID = "its words are recalled already"
NO_ROOM = "no room"
CHANGED = "changed later, and no room for what changed it"
ENOUGH = "enough was recalled"

MAX_UNITS = 4
"""Overlapping ones count as one. One more is given where the best one leads to another."""
MAX_FACTS = 6
MAX_LOOKED_AT = 36
"""Of units, and of facts."""
_UNITS_SHARE = (3, 4)
"""Of the room, before facts had their turn."""
_LED_TO_PLACE = 3
_MAX_PARTS = 2
_MIN_PART_TOKENS = 24
"""Less room holds little more than a day and a name."""
_MAX_LEFT_OUT = 8
"""Of units, and of facts."""
_MAX_LEFT_OUT_CHARS = 400


class RecallableFact(Protocol):
    """What recall needs to know of a fact."""

    @property
    def id(self) -> str:
        """Stays the same for as long as the fact is known."""

    @property
    def text(self) -> str:
        """A sentence on one line."""

    @property
    def evidence(self) -> tuple[int, ...]:
        """Entries it was learned from; may be empty."""

    @property
    def day(self) -> int:
        """When it was learned."""

    @property
    def minute(self) -> int:
        """Of that day."""


class FactSearch(Protocol):
    """The facts an NPC holds for true, by their words."""

    def frequencies(self, terms: Iterable[str]) -> Mapping[str, int]:
        """In how many facts each term occurs."""

    def search(self, terms: Sequence[str], limit: int) -> Sequence[tuple[RecallableFact, float]]:
        """Facts with any of the terms and their scores, the best first."""


@dataclass(frozen=True, slots=True)
class RecallRequest:
    """What is asked of a memory, and what need not be told again."""

    npc: str
    line: str
    """What the NPC is to answer."""
    lines: Mapping[int, HeardLine]
    """What it heard on the path, by entry id, as it reads now."""
    cap_tokens: int
    previous: str = ""
    """The NPC's last reply."""
    names: Mapping[str, str] = field(default_factory=dict)
    """By id, `player` and the NPC's own among them."""
    standing: Container[int] = frozenset()
    """Lines and events that stand word for word in the prompt."""
    pinned: Container[str] = frozenset()
    """Facts that stand in the prompt, by id."""
    stale: Container[int] = frozenset()
    """Lines that only give values which are no longer current."""
    facts: FactSearch | None = None
    with_days: WithDays = as_said


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A memory that was found and is not given, and why."""

    text: str
    score: float
    reason: str
    """One of the constants of `recall`."""


@dataclass(frozen=True, slots=True)
class Recall:
    """The memories that bear on a line."""

    items: tuple[RecalledItem, ...]
    """Oldest first."""
    left_out: tuple[LeftOut, ...]
    """The best of them."""
    terms: tuple[str, ...]
    """What was searched for."""


def recall(units: UnitIndex, request: RecallRequest, count: Callable[[str], int]) -> Recall:
    """The memories that bear on a line, within the room there is for them.

    The best units first, then facts whose words are not among those; what room is left goes to
    units that had none. Without a word that is known anywhere, nothing is recalled.

    Args:
        units: What the NPC heard and saw, at the same point of the path as `request.lines`.
        request: What is asked.
        count: Tokens of a text.
    """
    recalling = _Recalling(units, request, count)
    recalling.take_units()
    recalling.take_facts()
    recalling.take_what_still_fits()
    return recalling.result()


def _short(text: str) -> str:
    return text if len(text) <= _MAX_LEFT_OUT_CHARS else f"{text[:_MAX_LEFT_OUT_CHARS]}…"


class _Recalling:
    def __init__(
        self, units: UnitIndex, request: RecallRequest, count: Callable[[str], int]
    ) -> None:
        self._units = units
        self._request = request
        self._query = query_terms(request.line, request.previous, units.frequencies)
        self._fact_terms: tuple[str, ...] = ()
        wording = RecallWording(request.npc, request.names, request.with_days)
        self._wording = wording
        self._packing = RecallPacking(request.lines, wording, count)
        self._max_units = MAX_UNITS
        self._waiting: list[FoundUnit] = []
        self._units_out: dict[tuple[int, ...], tuple[FoundUnit, str]] = {}
        self._facts_out: list[tuple[RecallableFact, float, str]] = []

    def take_units(self) -> None:
        of, parts = _UNITS_SHARE
        cap = self._request.cap_tokens * of // parts
        amendments = Amendments(self._units)
        for found in self._found():
            if self._is_settled(found):
                continue
            if not self._add_newer(amendments.newest(found), cap):
                self._leave_out(found, CHANGED)
            elif not self._packing.add_whole(found, cap):
                self._waiting.append(found)

    def take_facts(self) -> None:
        facts = self._request.facts
        if facts is None:
            return
        request = self._request
        query = query_terms(request.line, request.previous, facts.frequencies)
        self._fact_terms = query.terms
        num_taken = 0
        for fact, score in facts.search(self._fact_terms, MAX_LOOKED_AT):
            reason = self._known_already(fact)
            if not reason and num_taken == MAX_FACTS:
                reason = ENOUGH
            if not reason and not self._add_fact(fact, score):
                reason = NO_ROOM
            if reason:
                self._facts_out.append((fact, score, reason))
            else:
                num_taken += 1

    def take_what_still_fits(self) -> None:
        cap = self._request.cap_tokens
        num_parts = 0
        for found in self._waiting:
            if cap - self._packing.tokens < _MIN_PART_TOKENS:
                self._leave_out(found, NO_ROOM)
            elif not (self._is_settled(found) or self._packing.add_whole(found, cap)):
                num_parts += 1
                if num_parts > _MAX_PARTS or not self._packing.add_part(found, cap, self._worth):
                    self._leave_out(found, NO_ROOM)

    def result(self) -> Recall:
        # Nobody reads them but a person: days are not worked out for them.
        plainly = RecallWording(self._request.npc, self._request.names, as_said)
        lines = self._request.lines
        units_out = sorted(self._units_out.values(), key=lambda each: -each[0].score)
        left_out = [
            *(
                LeftOut(_short(plainly.unit(found.unit, lines)), found.score, why)
                for found, why in units_out[:_MAX_LEFT_OUT]
            ),
            *(
                LeftOut(fact.text, score, why)
                for fact, score, why in self._facts_out[:_MAX_LEFT_OUT]
            ),
        ]
        terms = tuple(dict.fromkeys((*self._query.terms, *self._fact_terms)))
        return Recall(self._packing.in_time_order(), tuple(left_out), terms)

    # -- inside -------------------------------------------------------------------------------

    def _found(self) -> list[FoundUnit]:
        """Units that may be given, the best first; the others are noted."""
        search = UnitSearch(self._units, self._query.terms, self._query.context)
        usable = list(islice(self._usable(search.found()), MAX_LOOKED_AT))
        if usable:
            led_to = list(islice(self._usable(search.led_to(usable[0])), 1))
            self._max_units += len(led_to)
            usable[_LED_TO_PLACE:_LED_TO_PLACE] = led_to
        return usable

    def _usable(self, candidates: Iterable[FoundUnit]) -> Iterator[FoundUnit]:
        """Those whose matched lines may be given, without lines around them that may not be."""
        for found in filter(self._is_remembered, candidates):
            reason = next(filter(None, map(self._why_not, found.matched)), "")
            if reason:
                self._leave_out(found, reason)
            else:
                ids = found.unit.entry_ids
                kept = tuple(id for id in ids if not self._why_not(id))
                if kept != ids:
                    found = replace(found, unit=replace(found.unit, entry_ids=kept))
                yield found

    def _add_newer(self, newer: FoundUnit | None, cap_tokens: int) -> bool:
        """Whether what changed a memory stands in the prompt, or can be given before it."""
        if newer is None or any(map(self._why_not, newer.matched)):
            return True
        if not self._is_remembered(newer) or self._packing.has_printed(newer.matched):
            return True
        whole = next(self._usable((newer,)))
        return self._packing.add_whole(whole, cap_tokens)

    def _is_remembered(self, found: FoundUnit) -> bool:
        lines = self._request.lines
        return found.unit.kind == "event" or all(id in lines for id in found.unit.entry_ids)

    def _leave_out(self, found: FoundUnit, reason: str) -> None:
        self._units_out.setdefault(found.matched, (found, reason))

    def _is_settled(self, found: FoundUnit) -> bool:
        """Whether a unit needs no room, or gets none whatever there is."""
        if self._packing.has_printed(found.matched):
            return True
        reason = ""
        if self._packing.says(found.unit):
            reason = SAID
        elif self._packing.num_units >= self._max_units and not self._packing.touches(found.unit):
            reason = ENOUGH
        if reason:
            self._leave_out(found, reason)
        return bool(reason)

    def _why_not(self, entry_id: int) -> str:
        if entry_id in self._request.standing:
            return STANDS
        return NOT_CURRENT if entry_id in self._request.stale else ""

    def _known_already(self, fact: RecallableFact) -> str:
        if fact.id in self._request.pinned:
            return STANDS
        unsaid = [each for each in fact.evidence if each not in self._request.standing]
        if fact.evidence and not unsaid:
            return STANDS
        return SAID if unsaid and self._packing.has_printed(unsaid) else ""

    def _add_fact(self, fact: RecallableFact, score: float) -> bool:
        return self._packing.add_fact(
            fact.id,
            self._told(fact),
            fact.evidence,
            (fact.day, fact.minute),
            score,
            self._request.cap_tokens,
        )

    def _told(self, fact: RecallableFact) -> str:
        return self._wording.told(fact.text, fact.day, fact.minute)

    def _worth(self, sentence: str) -> float:
        """Rare terms are worth more."""
        held = set(index_terms(sentence)).intersection(self._query.terms)
        return sum(1 / n for n in self._units.frequencies(held).values())
