"""What the Triton kernels compute, in plain torch: for tests, and where there is no Triton.

Nothing here may be recorded in a graph. Imports torch.
"""

import torch
from torch import Tensor
from torch.nn.functional import silu

from npc_engine.model.cuda.packing import PackedWeights, unpack
from npc_engine.model.cuda.tiles import Tiles

recordable = False


def attend(
    query: Tensor, keys: Tensor, values: Tensor, tiles: Tiles, scale: float, out: Tensor
) -> None:
    """Attention of the positions in `tiles`, each over its slot up to itself, written to `out`.

    Args:
        query: (new, heads, head_dim).
        keys: A layer's rows, (slots, kv_heads, window, head_dim), the new positions written.
        values: As `keys`.
        tiles: Which of the new positions.
        scale: Factor on the scores.
        out: (new, heads, head_dim); other positions are left alone.
    """
    _, kv_heads, window, head_dim = keys.shape
    ahead = torch.arange(tiles.width, device=query.device)
    is_there = ahead[None] < tiles.counts[:, None]  # (tiles, width)
    places = (tiles.offsets[:, None] + ahead)[is_there]  # (queries,)
    ends = (tiles.starts[:, None] + ahead)[is_there] + 1
    slots = tiles.slots[:, None].expand_as(is_there)[is_there]
    if not len(places):
        return
    longest = min(int(ends.max()), window)
    rows = slots.clamp_min(0).long()
    asked = query[places].view(len(places), kv_heads, -1, head_dim) * scale
    held_keys, held_values = keys[rows, :, :longest], values[rows, :, :longest]
    scores = (asked @ held_keys.transpose(2, 3)).float()  # (queries, kv_heads, group, longest)
    behind = torch.arange(longest, device=query.device) >= ends[:, None]
    shares = torch.softmax(scores.masked_fill(behind[:, None, None], float("-inf")), -1)
    found = (shares.to(values.dtype) @ held_values).view(len(places), -1, head_dim)
    out[places] = found.masked_fill((slots < 0)[:, None, None], 0).to(out.dtype)


def turn_and_write(
    mixed: Tensor,
    turns: Tensor,
    keys: Tensor,
    values: Tensor,
    slots: Tensor,
    positions: Tensor,
) -> Tensor:
    """Rotate queries and keys by position, put keys and values into their rows, give the queries.

    Rotary embedding: https://arxiv.org/abs/2104.09864, in the half-split form of `transformers`.

    Args:
        mixed: (new, heads + 2 * kv_heads, head_dim): queries, keys and values of new positions.
        turns: (2, window, rotary) float32: cosines and sines of every position.
        keys: A layer's rows, (slots, kv_heads, window, head_dim).
        values: As `keys`.
        slots: (new,) int32; what belongs to slot -1 is not written.
        positions: (new,) int32.
    """
    kv_heads = keys.shape[1]
    heads = mixed.shape[1] - 2 * kv_heads
    size = turns.shape[-1]
    cosines, sines = turns[:, positions.long(), None]  # (new, 1, rotary)
    part = mixed[:, : heads + kv_heads, :size].float()
    swapped = torch.cat((-part[..., size // 2 :], part[..., : size // 2]), dim=-1)
    turned = torch.cat(
        ((part * cosines + swapped * sines).to(mixed.dtype), mixed[:, : heads + kv_heads, size:]),
        dim=-1,
    )
    is_held = slots >= 0
    rows, places = slots[is_held].long(), positions[is_held].long()
    keys[rows, :, places] = turned[is_held, heads:]
    values[rows, :, places] = mixed[is_held, heads + kv_heads :]
    return turned[:, :heads]


def squared(x: Tensor) -> Tensor:
    """The square of what is above zero."""
    return x.relu().square_()


def gated(x: Tensor) -> Tensor:
    """SwiGLU: the first half of the last dimension gates the second."""
    gate, up = x.chunk(2, dim=-1)
    return silu(gate).mul_(up)


def product(x: Tensor, weights: PackedWeights, total: Tensor | None = None) -> Tensor:
    """`x @ weights.T`, or that added to `total` in place; x is (rows, in), few rows."""
    found = x @ unpack(weights, x.dtype).T
    return found if total is None else total.add_(found)


def plain_product(x: Tensor, weight: Tensor, total: Tensor | None = None) -> Tensor:
    """The same with weights, (out, in), that are not packed."""
    return x @ weight.T if total is None else total.addmm_(x, weight.T)
