"""Everything one NPC has heard and seen on a path, by its words.

Holds what stands on the path and nothing else. So how well something is found depends neither on
what others heard, nor on what was undone: the same path and the same line give the same memories.
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from npc_engine.memory.change_words import speaks_of_change
from npc_engine.memory.entries import Entry, LineEdited
from npc_engine.memory.lines import HeardLine
from npc_engine.memory.term_index import Hit, TermIndex, index_terms
from npc_engine.memory.windows import (
    MAX_LINE_CHARS,
    WINDOW_LINES,
    Unit,
    window_ending_at,
    witnessed,
)


class UnitIndex:
    """The windows and events of one NPC in one chat. Not locked: one thread at a time.

    Keys are entries: of a window its last line. Going back to an earlier point or to another
    branch costs what differs.
    """

    def __init__(self, npc: str, names: Mapping[str, str] | None = None) -> None:
        """Nothing was heard yet.

        Args:
            npc: Id of the NPC.
            names: Of others, by id; a line is also found by the name of a third who says it. Its
                id is the default.

        Raises:
            StoreError: This SQLite was built without FTS5.
        """
        self._npc = npc
        self._names = names or {}
        self._begin()

    def _begin(self) -> None:
        self._index = TermIndex.in_memory()
        self._path: list[int] = []
        self._lines: Mapping[int, HeardLine] = {}
        self._heard: list[int] = []
        self._edits: list[tuple[int, int]] = []
        """Entry of each edit on the path, and its target."""
        self._windows: dict[int, tuple[int, ...]] = {}
        self._events: dict[int, Unit] = {}
        self._terms: dict[int, tuple[str, ...]] = {}
        """Of every line; equal words are one object."""
        self._amending: dict[int, frozenset[str]] = {}
        """Terms of every line that speaks of a change, and of the line it may answer."""
        self._amending_by_term: defaultdict[str, set[int]] = defaultdict(set)
        self._words: dict[str, str] = {}
        self._times_said: Counter[tuple[str, ...]] = Counter()
        """How many lines have exactly these terms."""

    def __len__(self) -> int:
        """How many windows and events there are."""
        return len(self._windows) + len(self._events)

    def follow(self, path: Sequence[Entry], lines: Mapping[int, HeardLine]) -> None:
        """Hold what stands on this path.

        Args:
            path: All entries from the root to a leaf.
            lines: What the NPC heard on it, by entry id, oldest first, as it reads at its end.
                Kept for searches until the next call.
        """
        try:
            self._follow(path, lines)
        except BaseException:
            self._begin()
            raise

    # -- looking ------------------------------------------------------------------------------

    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """In how many windows and events each term occurs."""
        return self._index.frequencies(terms)

    def hits(self, terms: Sequence[str], limit: int, context: Sequence[str] = ()) -> list[Hit]:
        """Keys of windows and events with any of the terms; as `TermIndex.search`."""
        return self._index.search(terms, limit, context)

    def window(self, key: int) -> tuple[int, ...]:
        """The lines of a window; none if the key is that of an event."""
        return self._windows.get(key, ())

    def event(self, key: int) -> Unit:
        """The event of a key that is no window's."""
        return self._events[key]

    def terms_of(self, entry_id: int) -> tuple[str, ...]:
        """The terms of a line, in order, repetitions kept."""
        return self._terms[entry_id]

    def amending_lines(self, terms: Iterable[str]) -> set[int]:
        """Lines that speak of a change and hold one of these terms, or answer a line that does."""
        return set().union(*(self._amending_by_term.get(term, ()) for term in terms))

    def amending_terms(self, entry_id: int) -> frozenset[str]:
        """The terms of such a line and of the one it may answer."""
        return self._amending[entry_id]

    def times_said(self, entry_id: int) -> int:
        """How often this line was said in the same words, itself included; 1 for an event."""
        terms = self._terms.get(entry_id)
        return 1 if terms is None else self._times_said[terms]

    def talk_from(self, first: int, last: int) -> Unit:
        """The lines from one to another of the same window, and what was said next.

        Three lines or more where there are as many in the same run, and at least one behind the
        last: what is asked in a line is told in the next.
        """
        start, last_place = bisect_left(self._heard, first), bisect_left(self._heard, last)
        end = last_place + 1
        while end < max(start + WINDOW_LINES, last_place + 2) and self._runs_on(end):
            end += 1
        while end - start < WINDOW_LINES and start and self._runs_on(start):
            start -= 1
        begun = self._lines[self._heard[start]]
        return Unit("talk", tuple(self._heard[start:end]), begun.day, begun.minute)

    def _runs_on(self, place: int) -> bool:
        """Whether the line at a place stands in one run with the one before it."""
        return place < len(self._heard) and len(self._windows[self._heard[place]]) > 1

    # -- keeping in step ----------------------------------------------------------------------

    def _follow(self, path: Sequence[Entry], lines: Mapping[int, HeardLine]) -> None:
        num_kept = self._num_shared(path)
        if num_kept < len(self._path) // 2:
            self._begin()
            num_kept = 0
        self._lines = lines
        edited = self._go_back_to(num_kept)
        first_new = len(self._heard)
        for entry in path[num_kept:]:
            self._path.append(entry.id)
            if isinstance(entry.payload, LineEdited):
                self._edits.append((entry.id, entry.payload.target))
                edited.add(entry.payload.target)
            elif entry.id in lines:
                self._heard.append(entry.id)
            else:
                self._add_event(entry)
        changed = set(self._heard[first_new:])
        for target in edited:
            self._note_edited(target)
        for target in edited:
            place = bisect_left(self._heard, target)
            changed.update(self._heard[place : place + WINDOW_LINES])
        for key in sorted(changed):
            self._add_window(key)

    def _num_shared(self, path: Sequence[Entry]) -> int:
        """How many entries this path and the last one begin with in common.

        Each entry has one parent: where two paths meet, all before it is the same.
        """
        places = range(min(len(path), len(self._path)))
        return bisect_left(places, True, key=lambda place: path[place].id != self._path[place])

    def _go_back_to(self, num_kept: int) -> set[int]:
        """Forget what lies behind; the lines whose edits that undoes. Ids rise along a path."""
        if num_kept == len(self._path):
            return set()
        last = self._path[num_kept - 1] if num_kept else 0
        for key in self._path[num_kept:]:
            self._remove(key)
        del self._path[num_kept:]
        del self._heard[bisect_right(self._heard, last) :]
        first_undone = bisect_right(self._edits, last, key=lambda edit: edit[0])
        undone = {target for _, target in self._edits[first_undone:] if target <= last}
        del self._edits[first_undone:]
        return undone

    def _note_edited(self, target: int) -> None:
        """Take a line in or out again that reads differently, or not at all."""
        self._forget_terms(target)
        place = bisect_left(self._heard, target)
        was_heard = place < len(self._heard) and self._heard[place] == target
        if target in self._lines and not was_heard:
            insort(self._heard, target)
        elif was_heard and target not in self._lines:
            del self._heard[place]
            self._remove(target)

    def _add_window(self, key: int) -> None:
        place = bisect_left(self._heard, key)
        window = self._windows[key] = window_ending_at(place, self._heard, self._lines)
        read = [self._read(self._lines[entry_id]) for entry_id in window]
        self._index.add_terms(key, " ".join(term for terms in read for term in terms))
        self._forget_change(key)
        if speaks_of_change(self._lines[key].text[:MAX_LINE_CHARS]):
            self._amending[key] = frozenset().union(*read[-2:])
            for term in self._amending[key]:
                self._amending_by_term[term].add(key)

    def _add_event(self, entry: Entry) -> None:
        event = witnessed(entry, self._npc)
        if event is not None:
            self._events[entry.id] = event
            self._index.add(entry.id, event.text[:MAX_LINE_CHARS])

    def _remove(self, key: int) -> None:
        if self._windows.pop(key, None) or self._events.pop(key, None):
            self._index.remove(key)
        self._forget_terms(key)
        self._forget_change(key)

    def _forget_change(self, key: int) -> None:
        for term in self._amending.pop(key, ()):
            self._amending_by_term[term].discard(key)

    def _forget_terms(self, entry_id: int) -> None:
        terms = self._terms.pop(entry_id, None)
        if terms is not None:
            self._times_said[terms] -= 1

    def _read(self, line: HeardLine) -> tuple[str, ...]:
        """The terms of a line; it stands in three windows and is read once."""
        terms = self._terms.get(line.entry_id)
        if terms is None:
            who = "" if line.is_own or line.role == "player" else line.speaker
            name = self._names.get(who, who)
            read = index_terms(f"{name}\n{line.text[:MAX_LINE_CHARS]}")
            terms = tuple(self._words.setdefault(term, term) for term in read)
            self._terms[line.entry_id] = terms
            self._times_said[terms] += 1
        return terms
