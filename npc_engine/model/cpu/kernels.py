"""The parts of a Llama decoder as loops over arrays, for one position at a time.

Shapes are as in `transformers`. Keys and values are the bits of bfloat16. Imports numba.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from npc_engine.model.cpu.numbers import OPTIONS, exponential, from_bfloat16, to_bfloat16

Floats = NDArray[np.float32]
Bits = NDArray[np.uint16]
Bytes = NDArray[np.int8]
Places = NDArray[np.int64]


@njit(**OPTIONS)
def product(weight: Bytes, scale: Floats, x: Floats, out: Floats) -> None:
    """`out = (weight * scale) @ x`, for weight (out, in) with a scale per output."""
    for row in range(weight.shape[0]):
        total = np.float32(0)
        for place in range(weight.shape[1]):
            total += np.float32(weight[row, place]) * x[place]
        out[row] = total * scale[row]


@njit(**OPTIONS)
def rms_norm(x: Floats, gain: Floats, epsilon: np.float32, out: Floats) -> None:
    """RMSNorm, https://arxiv.org/abs/1910.07467, of one vector."""
    squares = np.float32(0)
    for place in range(x.shape[0]):
        squares += x[place] * x[place]
    factor = np.float32(1.0 / math.sqrt(squares / x.shape[0] + epsilon))
    for place in range(x.shape[0]):
        out[place] = x[place] * factor * gain[place]


@njit(**OPTIONS)
def gate(x: Floats, out: Floats) -> None:
    """SwiGLU: the first half of x gates the second."""
    size = out.shape[0]
    for place in range(size):
        value = x[place]
        out[place] = value / (np.float32(1) + exponential(-value)) * x[size + place]


@njit(**OPTIONS)
def turn_and_write(
    mixed: Floats,
    cosines: Floats,
    sines: Floats,
    position: int,
    query: Floats,
    keys: Bits,
    values: Bits,
) -> None:
    """Rotate queries and keys by position, and put keys and values into their row.

    Args:
        mixed: (heads + 2 * kv_heads) * head_dim values: queries, keys, values.
        cosines: (head_dim / 2) of the position.
        sines: As `cosines`.
        position: Where in the row.
        query: (heads, head_dim), written; scaled by one over the root of head_dim.
        keys: The row's keys (kv_heads, window, head_dim).
        values: As `keys`.
    """
    heads, head_dim = query.shape
    kv_heads, half = keys.shape[0], head_dim // 2
    scale = np.float32(1.0 / math.sqrt(head_dim))
    for head in range(heads):
        for place in range(half):
            low, high = mixed[head * head_dim + place], mixed[head * head_dim + half + place]
            query[head, place] = (low * cosines[place] - high * sines[place]) * scale
            query[head, half + place] = (high * cosines[place] + low * sines[place]) * scale
    for head in range(kv_heads):
        start = (heads + head) * head_dim
        for place in range(half):
            low, high = mixed[start + place], mixed[start + half + place]
            turned_low = low * cosines[place] - high * sines[place]
            turned_high = high * cosines[place] + low * sines[place]
            keys[head, position, place] = to_bfloat16(turned_low)
            keys[head, position, half + place] = to_bfloat16(turned_high)
        start += kv_heads * head_dim
        for place in range(head_dim):
            values[head, position, place] = to_bfloat16(mixed[start + place])


@njit(**OPTIONS)
def attend(
    query: Floats, keys: Bits, values: Bits, length: int, scores: Floats, out: Floats
) -> None:
    """Attention of one position over the first `length` of its row.

    Args:
        query: (heads, head_dim), scaled.
        keys: The row's keys (kv_heads, window, head_dim).
        values: As `keys`.
        length: Positions attended to.
        scores: (window,) to work in.
        out: (heads * head_dim), written.
    """
    kv_heads, _, head_dim = keys.shape
    shared_by = query.shape[0] // kv_heads
    for head in range(query.shape[0]):
        held = head // shared_by
        largest = np.float32(-np.inf)
        for at in range(length):
            total = np.float32(0)
            for place in range(head_dim):
                total += from_bfloat16(keys[held, at, place]) * query[head, place]
            scores[at] = total
            largest = max(largest, total)
        weights = np.float32(0)
        for at in range(length):
            scores[at] = exponential(scores[at] - largest)
            weights += scores[at]
        _mix(scores, np.float32(1) / weights, values[held], length, out[head * head_dim :])


@njit(**OPTIONS)
def _mix(weights: Floats, factor: np.float32, values: Bits, length: int, out: Floats) -> None:
    """The weighted sum of values, four positions at a time so that `out` is written less often."""
    head_dim = values.shape[1]
    for place in range(head_dim):
        out[place] = 0
    whole = length - length % 4
    for at in range(0, whole, 4):
        first, second = weights[at] * factor, weights[at + 1] * factor
        third, fourth = weights[at + 2] * factor, weights[at + 3] * factor
        for place in range(head_dim):
            out[place] += (
                first * from_bfloat16(values[at, place])
                + second * from_bfloat16(values[at + 1, place])
                + third * from_bfloat16(values[at + 2, place])
                + fourth * from_bfloat16(values[at + 3, place])
            )
    for at in range(whole, length):
        weight = weights[at] * factor
        for place in range(head_dim):
            out[place] += weight * from_bfloat16(values[at, place])
