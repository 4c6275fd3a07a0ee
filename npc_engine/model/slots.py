"""Keys and values of everything the model has read: a pool of equal rows, one conversation a row.

Cropping moves a number, adding a token writes one place, and attention reads the rows where they
lie. Knows ids and tensors; who owns which row is decided by `conversations`. Imports torch.
"""

import math
import mmap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from npc_engine.model.prefixes import common_prefix


@dataclass(eq=False, slots=True)
class Slot:
    """One row of the pool: `ids` are exactly the positions it holds."""

    index: int
    ids: list[int] = field(default_factory=list)
    conversation: str = ""
    """Whose it is; empty for none."""
    busy: bool = False
    """Whether a request is using it now."""
    touched: int = 0
    """Positions that were ever written: memory that the system has really given."""

    def shared(self, ids: Sequence[int]) -> int:
        """How many leading positions hold exactly these ids."""
        return common_prefix(self.ids, ids)

    def crop(self, length: int) -> None:
        """Forget everything from position `length` on."""
        del self.ids[length:]

    def fed(self, ids: Sequence[int]) -> None:
        """Note what the model took in."""
        self.ids += ids
        self.touched = max(self.touched, len(self.ids))


@dataclass(frozen=True, slots=True)
class HostCopy:
    """A row that was moved out of the pool into ordinary memory."""

    ids: tuple[int, ...]
    keys: tuple[Tensor, ...]
    """One a layer: (kv_heads, length, head_dim)."""
    values: tuple[Tensor, ...]

    @property
    def num_bytes(self) -> int:
        """Memory of the copy."""
        return sum(part.numel() * part.element_size() for part in (*self.keys, *self.values))


def row_bytes(config: Any, window_tokens: int, element_bytes: int) -> int:  # noqa: ANN401 - any class
    """Memory of one full row for a model of this configuration."""
    heads = config.num_attention_heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    values = 2 * config.num_hidden_layers * kv_heads * head_dim * window_tokens
    return int(values * element_bytes)


class SlotPool:
    """The rows: for each layer, keys and values of (slots, kv_heads, window, head_dim).

    Rows start as zeros, which on a CPU cost nothing until they are written.
    """

    def __init__(self, num_layers: int, num_slots: int, window_tokens: int) -> None:
        """Plan the rows; a layer's tensors are made when its first keys come."""
        self.slots = [Slot(index) for index in range(num_slots)]
        self.window_tokens = window_tokens
        self._num_layers = num_layers
        self._keys: list[Tensor | None] = [None] * num_layers
        self._values: list[Tensor | None] = [None] * num_layers
        self._stacks: tuple[Tensor, Tensor] | None = None

    def prepare(self, kv_heads: int, head_dim: int, dtype: torch.dtype) -> None:
        """Make the rows of all layers on the CPU, in one piece each for keys and values."""
        shape = (self._num_layers, len(self.slots), kv_heads, self.window_tokens, head_dim)
        self._stacks = (_zeros(shape, dtype), _zeros(shape, dtype))
        for held, stack in zip((self._keys, self._values), self._stacks, strict=True):
            held[:] = [stack[index] for index in range(self._num_layers)]

    def stacked(self) -> tuple[Tensor, Tensor]:
        """Keys and values of (layers, slots, kv_heads, window, head_dim), after `prepare`."""
        if self._stacks is None:
            raise ValueError("the rows of this pool were not prepared")
        return self._stacks

    def layer(self, index: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """A layer's rows, made on the first call in the type and place of these new keys.

        Args:
            index: Which layer.
            keys: Of new positions, (new, kv_heads, head_dim).
            values: As `keys`.
        """
        held_keys, held_values = self._keys[index], self._values[index]
        if held_keys is None or held_values is None:
            held_keys = self._keys[index] = self._rows(keys)
            held_values = self._values[index] = self._rows(values)
        return held_keys, held_values

    def _rows(self, like: Tensor) -> Tensor:
        shape = (len(self.slots), like.shape[1], self.window_tokens, like.shape[2])
        if like.device.type != "cpu":
            return torch.zeros(shape, dtype=like.dtype, device=like.device)
        return _zeros(shape, like.dtype)

    @torch.inference_mode()
    def copy(self, source: Slot, target: Slot, length: int) -> None:
        """Let `target` hold the first `length` positions of `source`; what it shares stays."""
        start = min(target.shared(source.ids), length)
        target.crop(start)
        for rows in self._tensors():
            rows[target.index, :, start:length] = rows[source.index, :, start:length]
        target.fed(source.ids[start:length])

    @torch.inference_mode()
    def save(self, slot: Slot) -> HostCopy:
        """A row's content in ordinary memory."""
        length = len(slot.ids)
        parts = [rows[slot.index, :, :length].to("cpu", copy=True) for rows in self._tensors()]
        return HostCopy(tuple(slot.ids), tuple(parts[::2]), tuple(parts[1::2]))

    @torch.inference_mode()
    def load(self, copy: HostCopy, slot: Slot, length: int) -> None:
        """Let a row hold the first `length` positions of a copy; what it shares stays."""
        start = min(slot.shared(copy.ids), length)
        slot.crop(start)
        parts = [part for pair in zip(copy.keys, copy.values, strict=True) for part in pair]
        for rows, part in zip(self._tensors(), parts, strict=True):
            rows[slot.index, :, start:length] = part[:, start:length].to(rows.device)
        slot.fed(copy.ids[start:length])

    @torch.inference_mode()
    def wipe(self, slot: Slot) -> None:
        """Zero all a row ever held, and forget it.

        What lies behind the end of a row is read beside a longer one, with a weight of zero; that
        hides any number, but nothing that is not a number.
        """
        for rows in self._tensors():
            rows[slot.index, :, : slot.touched] = 0
        slot.crop(0)

    @property
    def position_bytes(self) -> int:
        """Memory of one position in all layers; 0 before anything was read."""
        return sum(rows.shape[1] * rows.shape[3] * rows.element_size() for rows in self._tensors())

    def _tensors(self) -> list[Tensor]:
        """Keys and values by turns, layer by layer."""
        found: list[Tensor] = []
        for keys, values in zip(self._keys, self._values, strict=True):
            if keys is not None and values is not None:
                found += (keys, values)
        return found


def _zeros(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Zeros on the CPU that take memory page by page as they are written.

    Those of torch are written at once, and those of numpy come in pages of two megabytes, so that
    a short conversation would hold as much as a long one.
    """
    memory = mmap.mmap(-1, math.prod(shape) * dtype.itemsize)
    return torch.frombuffer(memory, dtype=dtype).view(shape)
