"""One token of one conversation through a whole Llama or Qwen2 decoder in a single call.

Weights are bytes with a scale per output and everything else is float32, so nothing but the weights
is rounded. Small models spend their time in reading weights then, not in calling operators.
Imports numba.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from npc_engine.model.cpu.attention import attend, room_for_scores
from npc_engine.model.cpu.kernels import (
    Bits,
    Bytes,
    Floats,
    gate,
    product,
    rms_norm,
    turn_and_write,
)
from npc_engine.model.cpu.numbers import OPTIONS


class Weights(NamedTuple):
    """All layers of a decoder, stacked; a scale for each output beside its weights."""

    norm: Floats
    """(layers, hidden)"""
    qkv: Bytes
    """(layers, (heads + 2 * kv_heads) * head_dim, hidden)"""
    qkv_scale: Floats
    qkv_bias: Floats
    """(layers, (heads + 2 * kv_heads) * head_dim); zeros in a Llama."""
    out: Bytes
    """(layers, hidden, heads * head_dim)"""
    out_scale: Floats
    mlp_norm: Floats
    up: Bytes
    """(layers, 2 * inner, hidden): gate, then up."""
    up_scale: Floats
    down: Bytes
    """(layers, hidden, inner)"""
    down_scale: Floats
    last_norm: Floats
    """(hidden,)"""
    epsilon: np.float32
    head: Bytes
    """(vocab, hidden)"""
    head_scale: Floats


@njit(**OPTIONS)
def read_one(
    hidden: Floats,
    heads: int,
    slot: int,
    position: int,
    cosines: Floats,
    sines: Floats,
    keys: Bits,
    values: Bits,
    weights: Weights,
) -> None:
    """Read one token.

    Args:
        hidden: (hidden,) its embedding; becomes the last norm's output.
        heads: Query heads.
        slot: Its row.
        position: Where it stands there.
        cosines: (head_dim / 2) of the position.
        sines: As `cosines`.
        keys: Of all layers and rows, (layers, slots, kv_heads, window, head_dim).
        values: As `keys`.
        weights: Of the decoder.
    """
    layers, _, kv_heads, window, head_dim = keys.shape
    inner = weights.down.shape[2]
    normed = np.empty(hidden.shape[0], np.float32)
    added = np.empty(hidden.shape[0], np.float32)
    mixed = np.empty(weights.qkv.shape[1], np.float32)
    query = np.empty((heads, head_dim), np.float32)
    attended = np.empty(heads * head_dim, np.float32)
    scores = room_for_scores(heads, kv_heads, window)
    wide = np.empty(2 * inner, np.float32)
    gated = np.empty(inner, np.float32)
    for layer in range(layers):
        rms_norm(hidden, weights.norm[layer], weights.epsilon, normed)
        product(weights.qkv[layer], weights.qkv_scale[layer], normed, mixed)
        for place in range(mixed.shape[0]):
            mixed[place] += weights.qkv_bias[layer, place]
        row_keys, row_values = keys[layer, slot], values[layer, slot]
        turn_and_write(mixed, cosines, sines, position, query, row_keys, row_values)
        attend(query, row_keys, row_values, position + 1, scores, attended)
        product(weights.out[layer], weights.out_scale[layer], attended, added)
        for place in range(hidden.shape[0]):
            hidden[place] += added[place]
        rms_norm(hidden, weights.mlp_norm[layer], weights.epsilon, normed)
        product(weights.up[layer], weights.up_scale[layer], normed, wide)
        gate(wide, gated)
        product(weights.down[layer], weights.down_scale[layer], gated, added)
        for place in range(hidden.shape[0]):
            hidden[place] += added[place]
    rms_norm(hidden, weights.last_norm, weights.epsilon, normed)
    for place in range(hidden.shape[0]):
        hidden[place] = normed[place]
