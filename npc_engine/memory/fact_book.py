"""What one NPC has learned by the end of a path: from lines, statements and folds.

Fed one entry after the other and never told what to forget when a path changes: a new book is fed
the other path. Nothing is marked as replaced, so whatever leaves the path brings the older back.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace

from npc_engine.content.calendar import Calendar
from npc_engine.content.facts import RememberRule
from npc_engine.memory.capture import facts_in
from npc_engine.memory.change_words import speaks_of_change
from npc_engine.memory.changes import Change, Changes, bearing
from npc_engine.memory.entries import (
    Entry,
    FactChanged,
    FactProposed,
    FactStated,
    FoldChanged,
    Folded,
)
from npc_engine.memory.fact_shelf import FactShelf, StaleLines
from npc_engine.memory.facts import (
    MAX_KEYS,
    MAX_VALUE_CHARS,
    LearnedFact,
    fact_sentence,
    shortened,
)
from npc_engine.memory.game_days import DayWords
from npc_engine.memory.lines import HeardLine
from npc_engine.memory.taking_back import amendment, may_be_taken_back_by
from npc_engine.memory.term_index import index_terms
from npc_engine.memory.words import jaccard

_ALIKE = 0.9
"""Share of stems from which two sentences say the same."""
_MAX_COMPARED = 20
_FROM_FOLDS = ("model", "said")

_Captures = dict[int, tuple[str, tuple[LearnedFact, ...]]]


class FactBook:
    """What one NPC has learned. Not locked: one thread at a time."""

    def __init__(
        self,
        npc: str,
        rules: Sequence[RememberRule],
        called: Mapping[str, str],
        calendar: Calendar | None = None,
    ) -> None:
        """Begin before the first entry.

        Args:
            npc: Id of the NPC.
            rules: Of the world and the sheet.
            called: What everybody is called in the texts, by id, `player` among them.
            calendar: Of the world.
        """
        self._npc = npc
        self._rules = tuple(rules)
        self._called = called
        self._days = DayWords(calendar)
        self._shelf = FactShelf()
        self._heard: dict[int, HeardLine] = {}
        self._from_entry: dict[int, list[LearnedFact]] = {}
        self._changes = Changes()
        self._amended: dict[str, list[LearnedFact]] = {}
        """By the id of what they say anew."""
        self._captures: _Captures = {}
        self.stale_entries: Container[int] = StaleLines(self._shelf)
        """Lines that only give values which no longer count; always the same object."""

    def afresh(self) -> "FactBook":
        """An empty book for another path, which need not read the same lines again."""
        book = FactBook(self._npc, self._rules, self._called)
        book._days = self._days
        book._captures = self._captures
        return book

    # -- feeding ------------------------------------------------------------------------------

    def hear(self, line: HeardLine) -> None:
        """A line was said, or reads differently from here on; nothing if the NPC is out of earshot.

        Args:
            line: As it reads now; without text it is no longer there.
        """
        if self._npc not in (line.speaker, *line.hearers):
            return
        if line.entry_id in self._heard:
            self._take_all(self._from_entry.pop(line.entry_id, ()))
            drawn = self._shelf.said_by(line.entry_id)
            self._take_all(fact for fact in drawn if fact.origin in _FROM_FOLDS)
        change = self._changes.hear(line)
        if not line.text:
            self._heard.pop(line.entry_id, None)
            return
        self._heard[line.entry_id] = line
        for fact in self._captured(line):
            self._put(fact)
        if change is not None:
            self._take_back(change)

    def note(self, entry: Entry) -> None:
        """Take in what is no line: statements, changes and folds; the rest is passed over."""
        happened = entry.payload
        if isinstance(happened, FactStated):
            if happened.known_by is None or self._npc in happened.known_by:
                self._state(entry, happened)
        elif isinstance(happened, FactChanged):
            if happened.npc == self._npc:
                self._change(entry, happened)
        elif isinstance(happened, Folded):
            if happened.npc == self._npc:
                for number, proposal in enumerate(happened.facts):
                    self._propose(entry, number, proposal)
        elif isinstance(happened, FoldChanged) and happened.change == "undo":
            drawn = self._from_entry.get(happened.target, ())
            self._take_all(fact for fact in drawn if fact.origin in _FROM_FOLDS)

    # -- looking ------------------------------------------------------------------------------

    def current(self) -> tuple[LearnedFact, ...]:
        """What counts now, in the order in which it was learned."""
        return self._shelf.current.in_order()

    def superseded(self) -> tuple[LearnedFact, ...]:
        """What was learned and does not count, because another value does."""
        return self._shelf.superseded()

    def pinned(self) -> tuple[LearnedFact, ...]:
        """Current facts by importance, at most 40; see `CurrentFacts.by_importance`."""
        return self._shelf.current.by_importance()

    def search(self, terms: Sequence[str], limit: int) -> list[tuple[LearnedFact, float]]:
        """Current facts with any of the terms, the best first."""
        return self._shelf.current.search(terms, limit)

    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """In how many current facts each term occurs."""
        return self._shelf.current.frequencies(terms)

    def fact(self, fact_id: str) -> LearnedFact | None:
        """Something that was learned, whether it counts, was replaced or forgotten."""
        return self._shelf.fact(fact_id)

    def given_by(self, entry_id: int) -> tuple[LearnedFact, ...]:
        """What a line taught, whether it counts or not."""
        return self._shelf.said_by(entry_id)

    def rivals(self, fact: LearnedFact) -> tuple[LearnedFact, ...]:
        """All that is remembered about the property a fact is about."""
        return self._shelf.rivals(fact)

    @property
    def num_changes(self) -> int:
        """Rises whenever something begins or ceases to count."""
        return self._shelf.num_changes + self._changes.num_heard

    def is_taken_back(self, sentence: str, after: int) -> bool:
        """Whether somebody spoke of a change of what a sentence says.

        Args:
            sentence: Of a summary; one that speaks of a change itself is never taken back.
            after: Entry of a line that was said before it or is the one it is from.
        """
        said = sentence.rpartition(": ")[2]
        if speaks_of_change(said):
            return False
        return self._changes.newest(index_terms(said), after=after) is not None

    def changed_by(self, speaker: str, said: str, after: int) -> Change | None:
        """The newest change that somebody told of what they had said.

        Args:
            speaker: Id of who said it and changed it.
            said: The words.
            after: Entry of the line that said it.
        """
        return self._changes.newest(index_terms(said), after=after, speaker=speaker)

    def outdated_values(self, entry_ids: Iterable[int]) -> frozenset[str]:
        """The values that these lines give and that do not count any more."""
        return frozenset().union(*(self._shelf.outdated(entry_id) for entry_id in entry_ids))

    # -- inside -------------------------------------------------------------------------------

    def _captured(self, line: HeardLine) -> tuple[LearnedFact, ...]:
        text, facts = self._captures.get(line.entry_id, ("", ()))
        if text != line.text:
            facts = facts_in(line, self._npc, self._rules, self._called, self._days)
            self._captures[line.entry_id] = line.text, facts
        return facts

    def _put(self, fact: LearnedFact) -> None:
        self._from_entry.setdefault(fact.entry_id, []).append(fact)
        self._shelf.put(fact)
        speaker = may_be_taken_back_by(fact, self._heard)
        if speaker:
            terms = index_terms(fact.value)
            change = self._changes.newest(terms, after=max(fact.evidence), speaker=speaker)
            if change is not None:
                self._amend(fact, change)

    def _take_all(self, facts: Iterable[LearnedFact]) -> None:
        for fact in tuple(facts):
            self._shelf.take(fact)
            self._take_all(self._amended.pop(fact.id, ()))

    def _take_back(self, change: Change) -> None:
        """Let a change stand in place of what its speaker said before."""
        for fact, _ in self.search(sorted(change.terms), _MAX_COMPARED):
            if (
                may_be_taken_back_by(fact, self._heard) == change.line.speaker
                and max(fact.evidence) < change.line.entry_id
                and bearing(index_terms(fact.value), change.terms)
            ):
                self._amend(fact, change)

    def _amend(self, fact: LearnedFact, change: Change) -> None:
        said = self._from_entry.setdefault(change.line.entry_id, [])
        amended = amendment(fact, change, len(said), self._called, self._days)
        said.append(amended)
        self._amended.setdefault(fact.id, []).append(amended)
        self._shelf.put(amended, amends=fact)

    def _state(self, entry: Entry, stated: FactStated) -> None:
        sentence = fact_sentence(stated.text.strip() or stated.value, entry.day, self._days)
        if not sentence.text:
            return
        value = self._days.with_days(shortened(stated.value, MAX_VALUE_CHARS), entry.day)
        fact = LearnedFact(
            id=f"{entry.id}.0",
            subject=stated.subject,
            slot=stated.slot,
            value=value or sentence.text,
            text=sentence.text,
            cardinality=stated.cardinality if stated.slot else "many",
            origin=stated.origin,
            mode="true" if stated.origin in ("game", "authored") else "claim",
            entry_id=entry.id,
            evidence=stated.evidence,
            day=entry.day,
            minute=entry.minute,
            when_day=sentence.day,
            keys=tuple(shortened(key, MAX_VALUE_CHARS) for key in stated.keys[:MAX_KEYS]),
            pinned=stated.pinned,
        )
        self._put(fact)

    def _change(self, entry: Entry, changed: FactChanged) -> None:
        fact = self._shelf.fact(changed.fact)
        if fact is None:
            return
        if changed.change in ("pin", "unpin"):
            self._shelf.pin(fact, changed.change == "pin")
            return
        self._shelf.hide(fact)
        if changed.change == "edit" and changed.text.strip():
            sentence = fact_sentence(changed.text, entry.day, self._days)
            edited = replace(
                fact,
                id=f"{entry.id}.0",
                value=_value_in(sentence.text, fact),
                text=sentence.text,
                origin="authored",
                mode="true",
                entry_id=entry.id,
                day=entry.day,
                minute=entry.minute,
                when_day=sentence.day,
                speaker="",
            )
            # The lines behind it still say what it said before.
            self._shelf.put(edited, says_so=False)

    def _propose(self, entry: Entry, number: int, proposal: FactProposed) -> None:
        """Take in what a model read, if the NPC heard all lines it names."""
        if not proposal.evidence or any(line not in self._heard for line in proposal.evidence):
            return
        heard = (self._heard[line] for line in proposal.evidence)
        day, minute = max((line.day, line.minute) for line in heard)
        sentence = fact_sentence(proposal.text, day, self._days)
        if not sentence.text:
            return
        if proposal.origin == "said" and self._shelf.captured(sentence.text, proposal.evidence):
            return
        fact = LearnedFact(
            id=f"{entry.id}.{number}",
            subject="",
            slot="",
            value=sentence.text,
            text=sentence.text,
            cardinality="many",
            origin=proposal.origin,
            mode="claim",
            entry_id=entry.id,
            evidence=proposal.evidence,
            day=day,
            minute=minute,
            when_day=sentence.day,
        )
        known = self._like(sentence.text) if proposal.origin == "model" else None
        if known is not None:
            fact = replace(
                fact,
                subject=known.subject,
                slot=known.slot,
                value=known.value,
                cardinality=known.cardinality,
            )
        self._put(fact)

    def _like(self, text: str) -> LearnedFact | None:
        """A current fact that says the same in nearly the same words."""
        terms = set(index_terms(text))
        for fact, _ in self.search(sorted(terms), _MAX_COMPARED):
            if jaccard(terms, set(index_terms(fact.text))) >= _ALIKE:
                return fact
        return None


def _value_in(text: str, before: LearnedFact) -> str:
    """The value in a reworded fact: what stands in the place of the old one, else all of it."""
    head, value, tail = before.text.partition(before.value)
    if value and text.casefold().startswith(head.casefold()) and text.endswith(tail):
        between = text[len(head) : len(text) - len(tail)]
        if between.strip():
            return between
    return text
