"""Causal attention of a pass on a GPU: all single ids in one launch, all later pieces in another.

Imports torch.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from npc_engine.model.cuda.kernels import Kernels
from npc_engine.model.cuda.tiles import Piece, Tiles, cut, tiles_of, width_for
from npc_engine.model.step import Reading, Step


@dataclass(frozen=True, slots=True)
class StepTiles:
    """How the new positions of a pass are attended."""

    singles: Tiles | None
    chunks: Tiles | None
    """Pieces of segments behind something that their slot holds already."""
    fresh: tuple[Piece, ...]
    """Segments at the beginning of their slot, which torch's own kernel is quickest for."""


def tiles_of_step(step: Step, device: torch.device) -> StepTiles:
    """Cut a pass into tiles on the device."""
    singles = [_piece(reading) for reading in step.singles]
    chunks = [_piece(reading) for reading in step.chunks]
    later = [piece for piece in chunks if piece.start]
    width = width_for(sum(piece.count for piece in later))
    parts = [part for piece in later for part in cut(piece, width)]
    return StepTiles(
        tiles_of(singles, 1, device) if singles else None,
        tiles_of(parts, width, device) if parts else None,
        tuple(piece for piece in chunks if not piece.start),
    )


def attend_step(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    tiles: StepTiles,
    scale: float,
    kernels: Kernels,
) -> Tensor:
    """Attention of new positions, each over its own row up to itself; as `attention.attend`."""
    out = torch.empty_like(query, memory_format=torch.contiguous_format)
    for part in (tiles.singles, tiles.chunks):
        if part is not None:
            kernels.attend(query, keys, values, part, scale, out)
    for piece in tiles.fresh:
        new = slice(piece.offset, piece.offset + piece.count)
        out[new] = scaled_dot_product_attention(
            query[new].transpose(0, 1)[None],
            keys[piece.slot, :, : piece.count][None],
            values[piece.slot, :, : piece.count][None],
            is_causal=True,
            scale=scale,
            enable_gqa=True,
        )[0].transpose(0, 1)
    return out


def _piece(reading: Reading) -> Piece:
    return Piece(reading.slot, reading.start, reading.offset, reading.size)
