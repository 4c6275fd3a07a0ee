"""Keys and values of what a model has read, in buffers that are allocated once and then filled.

A layer of a `transformers` cache that does not grow by copying: cropping moves a number, and adding
a token writes one row. Imports torch and transformers.
"""

from collections.abc import Sequence

from torch import Tensor
from transformers.cache_utils import CacheLayerMixin

from npc_engine.model.admission import common_prefix

_GRAIN_TOKENS = 256
"""Buffers grow in steps of this many positions."""


class KvLayer(CacheLayerMixin):
    """One layer's keys and values: (1, kv_heads, capacity, head_dim), the first `length` valid."""

    is_compileable = False
    is_croppable = True
    is_sliding = False
    supports_early_init = False

    def __init__(self) -> None:
        """Start without buffers; shape, type and device come with the first keys."""
        self.is_initialized = True
        self.keys: Tensor | None = None
        self.values: Tensor | None = None
        self.length = 0
        self.wanted = 0
        """Positions to allocate at least when the buffers are made or must grow."""

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing to do: the first `update` makes the buffers."""

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Add new positions; give all of them, as views."""
        end = self.length + key_states.shape[2]
        if self.keys is None or self.values is None or end > self.keys.shape[2]:
            self.keys = self._grown(self.keys, key_states, end)
            self.values = self._grown(self.values, value_states, end)
        self.keys[:, :, self.length : end] = key_states
        self.values[:, :, self.length : end] = value_states
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def _grown(self, old: Tensor | None, new: Tensor, end: int) -> Tensor:
        capacity = -(-max(end, self.wanted) // _GRAIN_TOKENS) * _GRAIN_TOKENS
        buffer = new.new_empty((new.shape[0], new.shape[1], capacity, new.shape[3]))
        if old is not None:
            buffer[:, :, : self.length] = old[:, :, : self.length]
        return buffer

    def copy_prefix(self, other: "KvLayer", length: int) -> None:
        """Take over the first positions of another layer."""
        self.length = 0
        if length and other.keys is not None and other.values is not None:
            self.update(other.keys[:, :, :length], other.values[:, :, :length])

    def get_seq_length(self) -> int:
        """Positions held."""
        return self.length

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Keys that a mask must cover when `query_length` positions are added, and their offset."""
        return self.length + query_length, 0

    def get_max_length(self) -> int:
        """No limit of its own."""
        return -1


class KvCache:
    """What one conversation has read: `ids` are exactly the positions the layers hold."""

    def __init__(self, num_layers: int) -> None:
        """Start empty."""
        self.layers = [KvLayer() for _ in range(num_layers)]
        self.ids: list[int] = []

    def reserve(self, num_tokens: int) -> None:
        """Expect to hold this many positions, so that buffers are allocated once."""
        for layer in self.layers:
            layer.wanted = num_tokens

    def fed(self, ids: Sequence[int]) -> None:
        """Note what the layers took in."""
        self.ids += ids

    def crop(self, length: int) -> None:
        """Forget everything from position `length` on."""
        del self.ids[length:]
        for layer in self.layers:
            layer.length = min(layer.length, length)

    def mend(self) -> None:
        """Drop positions that only some layers took in, after a forward pass broke."""
        self.crop(min([len(self.ids), *(layer.length for layer in self.layers)]))

    def fork(self, length: int, reserve_tokens: int) -> "KvCache":
        """A copy of the first `length` positions with buffers of its own."""
        copy = KvCache(len(self.layers))
        copy.reserve(reserve_tokens)
        for mine, theirs in zip(copy.layers, self.layers, strict=True):
            mine.copy_prefix(theirs, length)
        copy.ids = self.ids[:length]
        return copy

    def shared(self, ids: Sequence[int]) -> int:
        """How many leading positions hold exactly these ids."""
        return common_prefix(self.ids, ids)

    @property
    def num_bytes(self) -> int:
        """Memory of the buffers."""
        return sum(
            buffer.numel() * buffer.element_size()
            for layer in self.layers
            for buffer in (layer.keys, layer.values)
            if buffer is not None
        )
