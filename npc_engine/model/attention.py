"""Causal attention of new positions over the rows of a slot pool; nothing is gathered.

Knows no model: queries, keys and values come in, the attended values go out. Imports torch.
"""

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from npc_engine.model.slots import SlotPool
from npc_engine.model.step import Reading, RowGroup, Step

_FEW_QUERIES = 192
_SLICED_WRITES = 3
"""Up to this many single tokens are written one by one, which is quicker than by index."""


def write(pool: SlotPool, layer: int, keys: Tensor, values: Tensor, step: Step) -> None:
    """Put the keys and values of new positions, (new, kv_heads, head_dim), into their rows."""
    count = step.num_singles
    for rows, new in zip(pool.layer(layer, keys, values), (keys, values), strict=True):
        if count <= _SLICED_WRITES:
            for place, reading in enumerate(step.singles):
                rows[reading.slot, :, reading.start] = new[place]
        else:
            rows[step.single_slots, :, step.positions[:count]] = new[:count]
        for reading in step.chunks:
            piece = new[reading.offset : reading.offset + reading.size]
            rows[reading.slot, :, reading.start : reading.end] = piece.transpose(0, 1)


def attend(
    query: Tensor, keys: Tensor, values: Tensor, step: Step, scale: float | None = None
) -> Tensor:
    """Attention of new positions, each over its own row up to itself.

    Args:
        query: (new, heads, head_dim).
        keys: A layer's rows, (slots, kv_heads, window, head_dim), the new positions written.
        values: As `keys`.
        step: Which positions are new, and where.
        scale: Factor on the scores; None is one over the root of head_dim.

    Returns:
        (new, heads, head_dim).
    """
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    if query.device.type == "cuda":
        return _attend_on_gpu(query, keys, values, step, factor)
    parts = [_attend_rows(query, keys, values, group, factor) for group in step.groups]
    parts += [_attend_chunk(query, keys, values, chunk, factor) for chunk in step.chunks]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _attend_on_gpu(query: Tensor, keys: Tensor, values: Tensor, step: Step, scale: float) -> Tensor:
    """All single tokens in one kernel; imported here, because it has no use elsewhere."""
    from npc_engine.model.cuda.kernels import kernels_for
    from npc_engine.model.cuda.step_attention import attend_step, tiles_of_step

    if step.gpu_tiles is None:  # the same for all layers
        step.gpu_tiles = tiles_of_step(step, query.device)
    assert step.gpu_tiles is not None
    kernels = kernels_for(query.device)
    return attend_step(query, keys, values, step.gpu_tiles, scale, kernels)


def _attend_rows(
    query: Tensor, keys: Tensor, values: Tensor, group: RowGroup, scale: float
) -> Tensor:
    """One new position in each of several neighbouring rows."""
    count, length = group.count, group.length
    _, kv_heads, window, head_dim = keys.shape
    asked = query[group.offset : group.offset + count]
    asked = asked.reshape(count * kv_heads, -1, head_dim)  # heads that share keys lie side by side
    rows = slice(group.first_slot, group.first_slot + count)
    held_keys = keys[rows].view(count * kv_heads, window, head_dim)[:, :length]
    held_values = values[rows].view(count * kv_heads, window, head_dim)[:, :length]
    scores = _scores(asked * scale, held_keys)
    if group.mask is not None:
        shaped = scores.view(count, kv_heads, -1, length)
        scores = (shaped + group.mask.to(scores.dtype)).view(scores.shape)
    out = torch.bmm(torch.softmax(scores, -1), held_values)
    return out.reshape(count, -1, head_dim)


def _attend_chunk(
    query: Tensor, keys: Tensor, values: Tensor, chunk: Reading, scale: float
) -> Tensor:
    """Several new positions of one row; (size, heads, head_dim).

    Written out on a CPU, where the stock function takes two to five times the time in bfloat16.
    """
    asked = query[chunk.offset : chunk.offset + chunk.size].transpose(0, 1)
    held_keys, held_values = keys[chunk.slot, :, : chunk.end], values[chunk.slot, :, : chunk.end]
    if query.device.type != "cpu":
        out = scaled_dot_product_attention(
            asked[None],
            held_keys[None],
            held_values[None],
            attn_mask=_seen(chunk, query) if chunk.start else None,
            is_causal=not chunk.start,
            scale=scale,
            enable_gqa=True,
        )[0]
        return out.transpose(0, 1)
    kv_heads, head_dim = held_keys.shape[0], held_keys.shape[2]
    grouped = (asked * scale).reshape(kv_heads, -1, head_dim)
    scores = _scores(grouped, held_keys)
    new = scores.view(kv_heads, -1, chunk.size, chunk.end)[..., chunk.start :]
    new.masked_fill_(_seen(chunk, query)[:, chunk.start :].logical_not(), float("-inf"))
    out = torch.bmm(torch.softmax(scores, -1), held_values)
    return out.view(asked.shape).transpose(0, 1)


def _scores(query: Tensor, keys: Tensor) -> Tensor:
    """Products (rows, queries, length) of (rows, queries, head_dim) and (rows, length, head_dim).

    Few queries are the second factor, so that the keys need not be laid out anew.
    """
    if query.shape[1] <= _FEW_QUERIES:
        return torch.bmm(keys, query.transpose(1, 2)).transpose(1, 2).contiguous()
    return torch.bmm(query, keys.transpose(1, 2))


def _seen(chunk: Reading, like: Tensor) -> Tensor:
    """(size, end): which positions each new one attends to."""
    ones = torch.ones(chunk.size, chunk.end, dtype=torch.bool, device=like.device)
    return ones.tril(chunk.start)
