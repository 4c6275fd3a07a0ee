"""What lies between a Llama's or Qwen2's products, for one token of several conversations.

The products themselves are torch's, on bytes: see `linear.Int8`. Each kernel here takes the last
product, does all that has to be done, and lays out the rows of the next one. Imports numba.
"""

import numpy as np
from numba import njit

from npc_engine.model.cpu.attention import attend, room_for_scores
from npc_engine.model.cpu.kernels import (
    Bits,
    Floats,
    Places,
    gate,
    rms_norm,
    turn_and_write,
)
from npc_engine.model.cpu.numbers import OPTIONS, bits_of_float, float_of_bits

_WITHOUT_SIGN = np.uint32(0x7FFFFFFF)


@njit(**OPTIONS)
def lay_out(x: Floats, smooth: Floats, row: Floats) -> np.float32:
    """Smooth a vector and scale it to at most one; the factor that undoes the scaling."""
    bits = np.uint32(0)
    for place in range(x.shape[0]):
        value = x[place] * smooth[place]
        row[place] = value
        # Bits without the sign are in the order of sizes, and the compiler finds the largest of
        # whole numbers in vectors.
        bits = max(bits, bits_of_float(value) & _WITHOUT_SIGN)
    largest = max(float_of_bits(bits), np.float32(1e-30))
    for place in range(x.shape[0]):
        row[place] /= largest
    return largest


@njit(**OPTIONS)
def norm_rows(
    hidden: Floats,
    gain: Floats,
    epsilon: np.float32,
    smooth: Floats,
    rows: Floats,
    largest: Floats,
) -> None:
    """Norm every vector of (count, hidden) and lay it out."""
    normed = np.empty(hidden.shape[1], np.float32)
    for index in range(hidden.shape[0]):
        rms_norm(hidden[index], gain, epsilon, normed)
        largest[index] = lay_out(normed, smooth, rows[index])


@njit(**OPTIONS)
def attend_rows(
    mixed: Floats,
    bias: Floats,
    heads: int,
    slots: Places,
    positions: Places,
    cosines: Floats,
    sines: Floats,
    keys: Bits,
    values: Bits,
    smooth: Floats,
    rows: Floats,
    largest: Floats,
) -> None:
    """Self-attention of every token over its own row.

    Args:
        mixed: (count, ...) queries, keys and values, still to be multiplied by `largest`.
        bias: What is added to them then.
        heads: Query heads.
        slots: (count,) the row of each token.
        positions: (count,) its place there.
        cosines: (window, head_dim / 2) of all positions.
        sines: As `cosines`.
        keys: A layer's rows, (slots, kv_heads, window, head_dim).
        values: As `keys`.
        smooth: Of the next product.
        rows: (count, heads * head_dim), written.
        largest: (count,) factors of `mixed`; those of `rows` afterwards.
    """
    head_dim = keys.shape[3]
    query = np.empty((heads, head_dim), np.float32)
    attended = np.empty(heads * head_dim, np.float32)
    scores = room_for_scores(heads, keys.shape[1], keys.shape[2])
    whole = np.empty(mixed.shape[1], np.float32)
    for index in range(mixed.shape[0]):
        slot, position = slots[index], positions[index]
        for place in range(whole.shape[0]):
            whole[place] = mixed[index, place] * largest[index] + bias[place]
        turn_and_write(
            whole, cosines[position], sines[position], position, query, keys[slot], values[slot]
        )
        attend(query, keys[slot], values[slot], position + 1, scores, attended)
        largest[index] = lay_out(attended, smooth, rows[index])


@njit(**OPTIONS)
def gate_rows(wide: Floats, smooth: Floats, rows: Floats, largest: Floats) -> None:
    """SwiGLU of every vector of (count, 2 * inner), still to be multiplied by `largest`."""
    inner = wide.shape[1] // 2
    whole = np.empty(2 * inner, np.float32)
    gated = np.empty(inner, np.float32)
    for index in range(wide.shape[0]):
        for place in range(2 * inner):
            whole[place] = wide[index, place] * largest[index]
        gate(whole, gated)
        largest[index] = lay_out(gated, smooth, rows[index])


@njit(**OPTIONS)
def add_rows(hidden: Floats, added: Floats, largest: Floats) -> None:
    """Add a product, (count, hidden), to what flows through the layers."""
    for index in range(hidden.shape[0]):
        for place in range(hidden.shape[1]):
            hidden[index, place] += added[index, place] * largest[index]
