"""Which row of the pool a request continues from, and who has to make room.

Knows ids and bytes; the row unused for the longest time goes first. Lives on the engine thread.
"""

import itertools
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from npc_engine.model.prefixes import common_prefix
from npc_engine.model.slots import HostCopy, Slot, SlotPool

_MIN_COPY_TOKENS = 16
"""Copying fewer positions than this from another conversation is not worth it."""
_MIN_SPILL_TOKENS = 500
"""Shorter conversations are read again sooner than they are moved out and in."""


class Conversations:
    """Hands rows out to requests and takes them back."""

    def __init__(self, pool: SlotPool, *, max_bytes: int, host_bytes: int = 0) -> None:
        """Share out a pool.

        Args:
            pool: The rows.
            max_bytes: Most memory held by rows nobody is using.
            host_bytes: Ordinary memory for rows that had to go; 0 drops them.
        """
        self._pool = pool
        self._max_bytes = max_bytes
        self._host_bytes = host_bytes
        self._host: OrderedDict[str, HostCopy] = OrderedDict()
        self._clock = itertools.count(1)
        self._last_used: dict[int, int] = {}
        self.num_evicted = 0
        self.num_restored = 0

    def take(self, conversation: str, ids: Sequence[int]) -> Slot | None:
        """A row that holds a beginning of `ids`, and never all of them.

        The conversation's own if nobody uses it. What another row, or a copy in ordinary memory,
        shares beyond that is copied in: the same world and rules, or the conversation's own past.

        Returns:
            The row, busy from now on; None when every row is in use.
        """
        if not self.num_free:
            return None
        limit = len(ids) - 1
        kept = self._host.pop(conversation, None)  # before a row that has to go takes its place
        own = self._idle_of(conversation)
        donor, donor_shared = self._closest(ids, limit)
        target = own or self._free_row(keep=donor) or self._taken_over(donor, donor_shared)
        assert target is not None
        shared = min(target.shared(ids), limit)
        kept_shared = min(common_prefix(kept.ids, ids), limit) if kept is not None else 0
        target.crop(shared)
        if kept is not None and kept_shared >= max(shared, donor_shared) + _MIN_COPY_TOKENS:
            self._pool.load(kept, target, kept_shared)
            self.num_restored += 1
        elif donor is not None and donor_shared >= shared + _MIN_COPY_TOKENS:
            self._pool.copy(donor, target, donor_shared)
        target.busy = True
        self._name(target, conversation)
        return target

    def give_back(self, slot: Slot, *, keep: bool = True) -> None:
        """End the use of a row; it stays for the conversation's next request, or is freed."""
        slot.busy = False
        if keep and slot.conversation and slot.ids:
            for other in self._named(slot.conversation):
                if other is not slot and not other.busy:
                    self._free(other)
            self._use(slot)
        else:
            self._free(slot)
        self.make_room(self._max_bytes)

    @property
    def num_free(self) -> int:
        """Rows a new request could have."""
        return sum(not slot.busy for slot in self._pool.slots)

    def holds(self, conversation: str, ids: Sequence[int]) -> bool:
        """Whether a conversation has read all of `ids` already."""
        return any(slot.shared(ids) == len(ids) for slot in self._named(conversation))

    def is_busy(self, conversation: str) -> bool:
        """Whether a request is using this conversation's row."""
        return any(slot.busy for slot in self._named(conversation))

    def fork(self, source: str, target: str) -> None:
        """Give `target` a row with a copy of what `source` has read, if it has read anything."""
        rows = [slot for slot in self._named(source) if slot.ids]
        if not rows or not target or source == target:
            return
        self.forget(target)
        row = self._free_row(keep=rows[-1])
        if row is None:
            return
        row.crop(0)
        self._pool.copy(rows[-1], row, len(rows[-1].ids))
        self._name(row, target)
        self.make_room(self._max_bytes)

    def forget(self, conversation: str) -> None:
        """Drop what a conversation has read; a row in use is dropped by its `give_back`."""
        self._host.pop(conversation, None)
        for slot in self._named(conversation):
            if not slot.busy:
                self._free(slot)

    def make_room(self, max_bytes: int) -> None:
        """Move out rows nobody is using, longest unused first, until they hold no more."""
        while self.num_bytes > max_bytes:
            victim = self._longest_unused(self._idle())
            if victim is None:
                return
            self._evict(victim)

    def clear(self) -> None:
        """Drop everything nobody is using."""
        self._host.clear()
        for slot in self._pool.slots:
            if not slot.busy:
                self._free(slot)

    @property
    def num_bytes(self) -> int:
        """Memory held by rows nobody is using."""
        return sum(len(slot.ids) for slot in self._idle()) * self._pool.position_bytes

    @property
    def host_bytes(self) -> int:
        """Ordinary memory held by rows that were moved out."""
        return sum(copy.num_bytes for copy in self._host.values())

    def measured(self) -> dict[str, float]:
        """What is held now, and what was moved since the start, for statistics."""
        return {
            "conversations": float(len(self)),
            "cache_bytes": float(self.num_bytes),
            "host_bytes": float(self.host_bytes),
            "evictions": float(self.num_evicted),
            "restores": float(self.num_restored),
            "free_rows": float(self.num_free),
        }

    def __len__(self) -> int:
        """Number of rows kept though nobody is using them."""
        return len(self._idle())

    # -- inside -------------------------------------------------------------------------------

    def _idle(self) -> list[Slot]:
        return [slot for slot in self._pool.slots if slot.conversation and not slot.busy]

    def _named(self, conversation: str) -> list[Slot]:
        if not conversation:
            return []
        return [slot for slot in self._pool.slots if slot.conversation == conversation]

    def _idle_of(self, conversation: str) -> Slot | None:
        return next((slot for slot in self._named(conversation) if not slot.busy), None)

    def _closest(self, ids: Sequence[int], limit: int) -> tuple[Slot | None, int]:
        """The row that shares the longest beginning, whoever uses it."""
        best, best_shared = None, 0
        for slot in self._pool.slots:
            shared = min(slot.shared(ids), limit)
            if shared > best_shared:
                best, best_shared = slot, shared
        return best, best_shared

    def _free_row(self, keep: Slot | None) -> Slot | None:
        """A row of nobody, else the longest unused one, but never `keep`.

        Rows that were written before come first, because their memory is there already; among
        equals the lowest, so that rows in use lie side by side.
        """
        free = [slot for slot in self._pool.slots if not slot.conversation and not slot.busy]
        if free:
            return min(free, key=lambda slot: (slot.touched == 0, slot.index))
        victim = self._longest_unused(slot for slot in self._idle() if slot is not keep)
        if victim is not None:
            self._evict(victim)
        return victim

    def _taken_over(self, donor: Slot | None, shared: int) -> Slot | None:
        """The donor's own row, when there is no other to copy it to."""
        if donor is None or donor.busy:
            return None
        self.num_evicted += 1
        self._spill(donor, lost=len(donor.ids) - shared)
        return donor

    def _longest_unused(self, slots: Iterable[Slot]) -> Slot | None:
        return min(slots, key=lambda slot: self._last_used.get(slot.index, 0), default=None)

    def _evict(self, slot: Slot) -> None:
        """Free a row, after moving out what is worth it."""
        self.num_evicted += 1
        self._spill(slot, lost=len(slot.ids))
        self._free(slot)

    def _spill(self, slot: Slot, lost: int) -> None:
        """Keep a copy of a row in ordinary memory if that many positions are worth it."""
        if not self._host_bytes or lost < _MIN_SPILL_TOKENS:
            return
        self._host[slot.conversation] = self._pool.save(slot)
        while self._host and self.host_bytes > self._host_bytes:
            self._host.popitem(last=False)

    def _free(self, slot: Slot) -> None:
        slot.conversation = ""
        slot.crop(0)

    def _name(self, slot: Slot, conversation: str) -> None:
        slot.conversation = conversation
        self._use(slot)

    def _use(self, slot: Slot) -> None:
        self._last_used[slot.index] = next(self._clock)
