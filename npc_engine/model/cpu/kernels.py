"""The parts of a Llama decoder as loops over arrays, for one position at a time.

Shapes are as in `transformers`. Keys and values are the bits of bfloat16. Imports numba.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from npc_engine.model.cpu.lanes import (
    AHEAD_BYTES,
    WIDTH,
    add_product,
    fetch,
    load,
    load_bytes,
    total_of,
    zeros,
)
from npc_engine.model.cpu.numbers import OPTIONS, exponential, to_bfloat16

Floats = NDArray[np.float32]
Bits = NDArray[np.uint16]
Bytes = NDArray[np.int8]
Places = NDArray[np.int64]

_AHEAD = 2 * AHEAD_BYTES
"""Of weights, all of which are read in order.

Measured on one core of an AMD EPYC, rows of 8,960 and 1,536 bytes: 20, 24, 27 and 28 GB/s and 32,
34, 35 and 35 GB/s with 2,048, 4,096, 8,192 and 12,288 bytes.
"""


@njit(**OPTIONS)
def product(weight: Bytes, scale: Floats, x: Floats, out: Floats) -> None:
    """`out = (weight * scale) @ x`, for weight (out, in) with a scale per output.

    A line of weights is asked for with each one that is read: asking for a long row at once keeps
    the processor waiting, and took 2.3 times the time for rows of 8,960.
    """
    size = weight.shape[1]
    whole = size - size % WIDTH
    for row in range(weight.shape[0]):
        start = row * size
        sums = zeros()
        for place in range(0, whole, WIDTH):
            fetch(weight, start + place + _AHEAD)
            sums = add_product(sums, load_bytes(weight, start + place), load(x, place))
        total = total_of(sums)
        for place in range(whole, size):
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
