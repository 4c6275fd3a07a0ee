"""Rows of a pool without a model: what each position must hold can be read off its id.

Each position holds its own id in the first half of a head and its layer in the second.
"""

import torch

from npc_engine.model.slots import Slot, SlotPool

LAYERS, HEADS, WINDOW = 2, 3, 40
POSITION_BYTES = LAYERS * 2 * HEADS * 2 * 4


def pool_of(num_slots: int) -> SlotPool:
    pool = SlotPool(LAYERS, num_slots, WINDOW)
    for layer in range(LAYERS):
        pool.layer(layer, torch.zeros(1, HEADS, 2), torch.zeros(1, HEADS, 2))
    return pool


def like(layer: int, ids, sign: int) -> torch.Tensor:
    """What a layer holds for these ids; (heads, length, 2)."""
    marks = torch.tensor([[sign * token_id, layer] for token_id in ids], dtype=torch.float32)
    return marks.view(1, len(ids), 2).expand(HEADS, -1, -1)


def read(pool: SlotPool, slot: Slot, ids) -> None:
    """As a pass does it: write the places, then note the ids."""
    start = len(slot.ids)
    empty = torch.zeros(0, HEADS, 2)
    for layer in range(LAYERS):
        for rows, sign in zip(pool.layer(layer, empty, empty), (1, -1), strict=True):
            rows[slot.index, :, start : start + len(ids)] = like(layer, ids, sign)
    slot.fed(ids)


def holds_what_it_says(pool: SlotPool, slot: Slot) -> bool:
    empty = torch.zeros(0, HEADS, 2)
    return all(
        torch.equal(rows[slot.index, :, : len(slot.ids)], like(layer, slot.ids, sign))
        for layer in range(LAYERS)
        for rows, sign in zip(pool.layer(layer, empty, empty), (1, -1), strict=True)
    )
