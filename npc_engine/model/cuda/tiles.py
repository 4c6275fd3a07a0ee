"""New positions cut into pieces that one program of a kernel attends together.

All facts are tensors on the device, so that a recorded graph can be replayed with others.
Imports torch.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

_NARROW = 16
_WIDE = 32
_WIDE_FROM = 128


@dataclass(frozen=True, slots=True)
class Piece:
    """Some neighbouring new positions of one slot."""

    slot: int
    start: int
    """Position of the first one in the slot."""
    offset: int
    """Its place among all new ids."""
    count: int


@dataclass(frozen=True, slots=True)
class Tiles:
    """Pieces side by side; each tensor is (tiles,) int32."""

    slots: Tensor
    """-1 for a piece that is not there: its queries get zeros."""
    starts: Tensor
    offsets: Tensor
    counts: Tensor
    width: int
    """Most positions in one piece."""

    def __len__(self) -> int:
        return int(self.slots.shape[0])


def tiles_of(pieces: Iterable[Piece], width: int, device: torch.device) -> Tiles:
    """Pieces of at most `width` positions, sent to the device at once."""
    rows = [(piece.slot, piece.start, piece.offset, piece.count) for piece in pieces]
    slots, starts, offsets, counts = torch.tensor(rows, dtype=torch.int32).T.to(device).contiguous()
    return Tiles(slots, starts, offsets, counts, width)


def cut(piece: Piece, width: int) -> list[Piece]:
    """A piece in parts of at most `width` positions."""
    return [
        Piece(piece.slot, piece.start + at, piece.offset + at, min(width, piece.count - at))
        for at in range(0, piece.count, width)
    ]


def width_for(num_positions: int) -> int:
    """How many positions a program should take where so many are new."""
    return _WIDE if num_positions >= _WIDE_FROM else _NARROW
