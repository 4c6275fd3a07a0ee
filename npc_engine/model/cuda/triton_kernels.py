"""Triton kernels of the decoder: attention, rotary embedding and writing, activations, products.

Same names and meaning as `plain_kernels`. Sizes of blocks are meant for an H100 and are arguments
or constants here. Imports triton, so it is imported only where there is a GPU (or, in tests, with
TRITON_INTERPRET=1).
"""

import torch
import triton
from torch import Tensor

from npc_engine.model.cuda import triton_programs as programs
from npc_engine.model.cuda.packing import PackedWeights
from npc_engine.model.cuda.tiles import Tiles

recordable = True

_PROGRAMS = 512
"""Programs of an attention kernel that keep an H100 (132 processors) busy."""
_MAX_SPLITS = 64
_BLOCK = 64
"""Positions read at once."""
_ELEMENTS = 1024
_MOST_ROWS = 32


def attend(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    tiles: Tiles,
    scale: float,
    out: Tensor,
    *,
    block: int | None = None,
    num_programs: int = _PROGRAMS,
) -> None:
    """See `plain_kernels.attend`. A slot is split among programs, and the parts put together.

    Every slot is split evenly into the same number of parts, whatever its length, so the number of
    programs does not depend on lengths and a recorded graph serves all of them.
    """
    _, kv_heads, _, head_dim = keys.shape
    group = query.shape[1] // kv_heads
    rows = max(16, triton.next_power_of_2(tiles.width * group))
    block = block or (_BLOCK if query.element_size() == 2 else _BLOCK // 2)
    dims = max(16, triton.next_power_of_2(head_dim))
    num_tiles = len(tiles)
    wanted = triton.cdiv(num_programs, num_tiles * kv_heads)
    splits = min(_MAX_SPLITS, triton.next_power_of_2(wanted))
    shape = (num_tiles, kv_heads, splits, rows)
    partial = torch.empty((*shape, dims), dtype=torch.float32, device=query.device)
    best = torch.empty(shape, dtype=torch.float32, device=query.device)
    total = torch.empty(shape, dtype=torch.float32, device=query.device)
    places = (tiles.slots, tiles.starts, tiles.offsets, tiles.counts)
    programs.attend_part_program[(num_tiles, kv_heads, splits)](
        query, keys, values, *places, partial, best, total, scale, splits,
        query.stride(0), query.stride(1), keys.stride(0), keys.stride(1), keys.stride(2),
        GROUP=group, HEAD_DIM=head_dim, WIDTH=tiles.width, ROWS=rows, DIMS=dims, BLOCK=block,
        num_warps=4 if rows <= 64 else 8, num_stages=3 if rows <= 64 else 2,
    )  # fmt: skip
    programs.attend_join_program[(num_tiles, kv_heads, tiles.width * group)](
        partial, best, total, tiles.offsets, tiles.counts, out, splits,
        out.stride(0), out.stride(1),
        GROUP=group, HEAD_DIM=head_dim, ROWS=rows, DIMS=dims, SPLITS=_MAX_SPLITS, num_warps=4,
    )  # fmt: skip


def turn_and_write(
    mixed: Tensor,
    turns: Tensor,
    keys: Tensor,
    values: Tensor,
    slots: Tensor,
    positions: Tensor,
) -> Tensor:
    """See `plain_kernels.turn_and_write`."""
    new, all_heads, head_dim = mixed.shape
    kv_heads = keys.shape[1]
    heads = all_heads - 2 * kv_heads
    query = torch.empty((new, heads, head_dim), dtype=mixed.dtype, device=mixed.device)
    programs.turn_and_write_program[(new, all_heads)](
        mixed, turns, turns.stride(0), keys, values, query, slots, positions,
        mixed.stride(0), keys.stride(0), keys.stride(1), keys.stride(2),
        HEADS=heads, KV_HEADS=kv_heads, HEAD_DIM=head_dim, ROTARY=turns.shape[-1],
        DIMS=triton.next_power_of_2(head_dim), num_warps=1,
    )  # fmt: skip
    return query


def squared(x: Tensor) -> Tensor:
    """See `plain_kernels.squared`."""
    out = torch.empty_like(x)
    programs.squared_program[(triton.cdiv(x.numel(), _ELEMENTS),)](
        x, out, x.numel(), BLOCK=_ELEMENTS
    )
    return out


def gated(x: Tensor) -> Tensor:
    """See `plain_kernels.gated`."""
    rows, width = x.shape
    half = width // 2
    out = torch.empty((rows, half), dtype=x.dtype, device=x.device)
    programs.gated_program[(rows, triton.cdiv(half, _ELEMENTS))](x, out, half, BLOCK=_ELEMENTS)
    return out


def product(x: Tensor, weights: PackedWeights, total: Tensor | None = None) -> Tensor:
    """See `plain_kernels.product`; at most 32 rows."""
    if weights.lows is None:
        return _bytes_product(x, weights.codes, weights.scales, total)
    out = _target(x, weights.shape[0], total)
    outs, ins = weights.shape
    block_n = 32
    programs.half_bytes_product_program[(triton.cdiv(outs, block_n),)](
        x, weights.codes, weights.scales, weights.lows, out, x.shape[0], outs, ins,
        ROWS=_padded(x), BLOCK_N=block_n, GROUP=weights.group, ADD=total is not None,
        num_warps=4, num_stages=4,
    )  # fmt: skip
    return out


def plain_product(x: Tensor, weight: Tensor, total: Tensor | None = None) -> Tensor:
    """See `plain_kernels.plain_product`; at most 32 rows."""
    return _bytes_product(x, weight, None, total)


def _bytes_product(
    x: Tensor, weight: Tensor, scales: Tensor | None, total: Tensor | None
) -> Tensor:
    """A product with weights of one number each; without scales they are used as they are."""
    outs, ins = weight.shape
    out = _target(x, outs, total)
    given = x if scales is None else scales  # a pointer is needed, and not read
    is_scaled, adds = scales is not None, total is not None
    if x.shape[0] == 1:
        block_n = 8
        programs.row_product_program[(triton.cdiv(outs, block_n),)](
            x, weight, given, out, outs, ins,
            BLOCK_N=block_n, BLOCK_K=1024, SCALED=is_scaled, ADD=adds, num_warps=4,
        )  # fmt: skip
    else:
        block_n = 32
        programs.rows_product_program[(triton.cdiv(outs, block_n),)](
            x, weight, given, out, x.shape[0], outs, ins,
            ROWS=_padded(x), BLOCK_N=block_n, BLOCK_K=128, SCALED=is_scaled, ADD=adds,
            num_warps=4, num_stages=4,
        )  # fmt: skip
    return out


def _target(x: Tensor, outs: int, total: Tensor | None) -> Tensor:
    assert x.is_contiguous() and x.shape[0] <= _MOST_ROWS
    if total is not None:
        assert total.is_contiguous()
        return total
    return torch.empty((x.shape[0], outs), dtype=x.dtype, device=x.device)


def _padded(x: Tensor) -> int:
    """Rows of a matrix product, which come in sixteens."""
    return 16 if x.shape[0] <= 16 else _MOST_ROWS
