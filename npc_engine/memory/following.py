"""Values worked out from a path, kept in step with it as it grows."""

import threading
from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from npc_engine.memory.entries import Entry

T = TypeVar("T")
R = TypeVar("R")


class Following(Generic[T]):
    """A value that is fed the entries of a path, each once; safe from any thread.

    When a path is asked about that does not continue the last one, after an undo, a branch or a
    restore, the value goes back to where both part, or is begun anew if it cannot. So reading the
    end of a growing path costs what is new.
    """

    def __init__(
        self,
        begin: Callable[[], T],
        feed: Callable[[T, Entry], None],
        back: Callable[[T, int], None] | None = None,
    ) -> None:
        """Nothing was fed yet.

        Args:
            begin: Makes the value before the first entry.
            feed: Takes in the next entry.
            back: Undoes the feeding of all but the first so many entries; None: it cannot.
        """
        self._begin = begin
        self._feed = feed
        self._back = back
        self._lock = threading.RLock()
        self._value = begin()
        self._fed = array("q")

    def at(self, path: Sequence[Entry], read: Callable[[T], R]) -> R:
        """What `read` makes of the value at the end of a path.

        Args:
            path: All entries from the root to a leaf.
            read: Looks at the value and must not keep it: it changes with the next entry.
        """
        with self._lock:
            self._go_back_to(self._num_shared(path))
            fed, self._fed = self._fed, array("q")  # begun anew if the feeding breaks off
            for entry in path[len(fed) :]:
                self._feed(self._value, entry)
                fed.append(entry.id)
            self._fed = fed
            return read(self._value)

    def _go_back_to(self, num_entries: int) -> None:
        if num_entries == len(self._fed) > 0:
            return
        if self._back is not None and num_entries:
            self._back(self._value, num_entries)
            del self._fed[num_entries:]
        else:
            self._value, self._fed = self._begin(), array("q")

    def _num_shared(self, path: Sequence[Entry]) -> int:
        """How many entries both paths begin with.

        Ids are unique and each entry has one parent: where two paths have the same entry in the
        same place, all before it is the same as well.
        """
        both = range(min(len(path), len(self._fed)))
        return bisect_left(both, True, key=lambda place: path[place].id != self._fed[place])
