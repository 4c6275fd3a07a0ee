"""Paths that were read before, so that a path that has grown costs only what is new.

Entries never change and ids rise along a path; so a path is known by its last entry, and a place
on it is found by halving.
"""

import sqlite3
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Sequence

from npc_engine.memory import tree
from npc_engine.memory.entries import Entry

_MAX_CHATS = 64
_MAX_SINGLE_READS = 32
"""So many entries are read one by one before the whole path is read in one query."""


class KnownPaths:
    """The path last asked for in each of the chats used last, and where each of them ends now.

    Guarded by its owner's lock, but for `current`.
    """

    def __init__(self) -> None:
        """Nothing was read yet."""
        self._paths: OrderedDict[int, list[Entry]] = OrderedDict()
        self._current: dict[int, tuple[Entry, ...]] = {}

    def current(self, chat_id: int) -> tuple[Entry, ...] | None:
        """The chat's current path, if it is known; from any thread, without the lock."""
        return self._current.get(chat_id)

    def note_current(self, chat_id: int, path: tuple[Entry, ...]) -> None:
        """This is the chat's current path."""
        if len(self._current) >= _MAX_CHATS:
            self._current.clear()
        self._current[chat_id] = path

    def forget_current(self, chat_id: int | None = None) -> None:
        """The path of a chat, by default of all, may have been pointed elsewhere."""
        if chat_id is None:
            self._current.clear()
        else:
            self._current.pop(chat_id, None)

    def path_to(
        self, connection: sqlite3.Connection, chat_id: int, leaf_id: int
    ) -> tuple[Entry, ...]:
        """Entries from the root to `leaf_id`, an entry of this chat."""
        known = self._paths.setdefault(chat_id, [])
        self._paths.move_to_end(chat_id)
        while len(self._paths) > _MAX_CHATS:
            self._paths.popitem(last=False)
        upwards: list[Entry] = []
        step: int | None = leaf_id
        while step is not None and len(upwards) < _MAX_SINGLE_READS:
            place = place_of(known, step)
            if place is not None:
                if not upwards:
                    return tuple(known[: place + 1])
                del known[place + 1 :]
                known.extend(reversed(upwards))
                return tuple(known)
            entry = tree.read_entry(connection, step)
            if entry is None:
                break
            upwards.append(entry)
            step = entry.parent_id
        known[:] = tree.read_path(connection, leaf_id)
        return tuple(known)

    def grow(self, *entries: Entry) -> None:
        """Note entries that were added, each after the one before it, and end the path of a chat.

        They are only taken in where they follow the end of a known path.
        """
        if not entries:
            return
        first, chat_id = entries[0], entries[0].chat_id
        known = self._paths.get(chat_id)
        if known and known[-1].id == first.parent_id:
            known.extend(entries)
        current = self._current.get(chat_id)
        if current and current[-1].id == first.parent_id:
            self._current[chat_id] = (*current, *entries)
        else:
            self.forget_current(chat_id)

    def entry(self, chat_id: int, entry_id: int) -> Entry | None:
        """An entry of a chat, if it is on the path known of it."""
        known = self._paths.get(chat_id, [])
        place = place_of(known, entry_id)
        return None if place is None else known[place]


def place_of(path: Sequence[Entry], entry_id: int) -> int | None:
    """Where an entry stands on a path; None if it does not."""
    place = bisect_left(path, entry_id, key=lambda entry: entry.id)
    return place if place < len(path) and path[place].id == entry_id else None
