"""The caches of all conversations, within a byte budget: which one a prompt continues from.

Knows ids and bytes; the oldest unused cache goes first. Lives on the engine thread alone.
"""

from collections import OrderedDict
from collections.abc import Sequence

from npc_engine.model.kv_cache import KvCache
from npc_engine.model.runner import Runner

_MIN_FORK_TOKENS = 16
"""Copying fewer positions than this from another conversation is not worth it."""


class Conversations:
    """Hands caches out to requests and takes them back."""

    def __init__(self, runner: Runner, max_bytes: int) -> None:
        """Keep at most `max_bytes` of caches that nobody is using."""
        self._runner = runner
        self._max_bytes = max_bytes
        self._idle: OrderedDict[str, KvCache] = OrderedDict()
        self._busy: list[KvCache] = []
        self.num_evicted = 0

    def take(self, conversation: str, ids: Sequence[int], reserve_tokens: int) -> KvCache:
        """A cache that holds a beginning of `ids`, and never all of them.

        The conversation's own if nobody uses it, unless another one shares a clearly longer
        beginning, such as the same world and rules; that one is copied.
        """
        own = self._idle.pop(conversation, None) if conversation else None
        limit = len(ids) - 1
        shared = min(own.shared(ids), limit) if own is not None else 0
        donor, donor_shared = self._closest(ids, limit)
        if donor is not None and donor_shared >= shared + _MIN_FORK_TOKENS:
            cache = self._runner.fork(donor, donor_shared, reserve_tokens)
        else:
            cache = own if own is not None else self._runner.new_cache()
            cache.crop(shared)
            cache.reserve(reserve_tokens)
        self._busy.append(cache)
        return cache

    def give_back(self, conversation: str, cache: KvCache) -> None:
        """Keep a cache for the conversation's next request; an empty name drops it."""
        self._busy = [busy for busy in self._busy if busy is not cache]
        if not conversation or not cache.ids:
            return
        self._idle[conversation] = cache
        self._idle.move_to_end(conversation)
        while self._idle and self.num_bytes > self._max_bytes:
            self._idle.popitem(last=False)
            self.num_evicted += 1

    def forget(self, conversation: str) -> None:
        """Drop a conversation's cache."""
        self._idle.pop(conversation, None)

    def clear(self) -> None:
        """Drop everything nobody is using."""
        self._idle.clear()

    @property
    def num_bytes(self) -> int:
        """Memory of the caches nobody is using."""
        return sum(cache.num_bytes for cache in self._idle.values())

    def __len__(self) -> int:
        """Number of caches nobody is using."""
        return len(self._idle)

    def _closest(self, ids: Sequence[int], limit: int) -> tuple[KvCache | None, int]:
        """The other cache that shares the longest beginning."""
        best, best_shared = None, 0
        for cache in (*self._idle.values(), *self._busy):
            shared = min(cache.shared(ids), limit)
            if shared > best_shared:
                best, best_shared = cache, shared
        return best, best_shared
