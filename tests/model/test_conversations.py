"""Rows of the pool: what they hold is what they say, and who has to go when room is short."""

import torch

from npc_engine.model.conversations import Conversations
from npc_engine.model.slots import SlotPool, row_bytes
from tests.model.stage_rows import (
    HEADS,
    LAYERS,
    POSITION_BYTES,
    WINDOW,
    holds_what_it_says,
    pool_of,
    read,
)


def spoken(pool: SlotPool, held: Conversations, name: str, ids) -> int:
    """One request from beginning to end; how much of it was there already."""
    slot = held.take(name, ids)
    reused = len(slot.ids)
    read(pool, slot, ids[reused:])
    held.give_back(slot)
    return reused


def test_a_prompt_that_is_held_whole_still_leaves_one_id_to_read(small):
    pool = pool_of(2)
    held = Conversations(pool, max_bytes=1 << 20)
    assert spoken(pool, held, "a", [1, 2, 3, 4]) == 0
    assert spoken(pool, held, "a", [1, 2, 3, 4]) == 3
    assert spoken(pool, held, "a", [1, 2]) == 1


def test_what_another_shares_is_copied_and_the_other_keeps_it(small):
    pool = pool_of(3)
    held = Conversations(pool, max_bytes=1 << 20)
    spoken(pool, held, "a", list(range(20)))
    assert spoken(pool, held, "b", [*range(12), 99, 98]) == 12
    assert spoken(pool, held, "a", [*range(20), 50]) == 20


def test_a_beginning_too_short_to_pay_is_not_copied(small):
    pool = pool_of(3)
    held = Conversations(pool, max_bytes=1 << 20)
    spoken(pool, held, "a", list(range(20)))
    assert spoken(pool, held, "b", [0, 1, 99, 98]) == 0


def test_even_a_row_in_use_lends_its_beginning(small):
    pool = pool_of(2)
    held = Conversations(pool, max_bytes=1 << 20)
    busy = held.take("a", list(range(20)))
    read(pool, busy, range(20))
    assert spoken(pool, held, "b", [*range(15), 99]) == 15
    assert busy.ids == list(range(20))


def test_no_row_is_given_while_all_are_in_use():
    pool = pool_of(2)
    held = Conversations(pool, max_bytes=1 << 20)
    first, second = held.take("a", [1]), held.take("", [1])
    assert held.take("a", [1, 2]) is held.take("c", [5]) is None
    held.give_back(second)
    assert held.take("c", [5]) is second
    assert first.busy


def test_of_two_requests_of_one_conversation_the_last_to_end_is_kept(small):
    pool = pool_of(3)
    held = Conversations(pool, max_bytes=1 << 20)
    rows = [held.take("a", [1, 2, 3, 4, 5, number]) for number in range(2)]
    for number, row in enumerate(rows):
        read(pool, row, [1, 2, 3, 4, 5, number])
        held.give_back(row)
    assert len(held) == 1
    assert held.holds("a", [1, 2, 3, 4, 5, 1])
    assert not held.holds("a", [1, 2, 3, 4, 5, 0])


def test_the_longest_unused_row_goes_first():
    pool = pool_of(3)
    held = Conversations(pool, max_bytes=1 << 20)
    for number, name in enumerate("abc"):
        spoken(pool, held, name, [10 * number + place for place in range(8)])
    spoken(pool, held, "a", [0, 1, 2])
    spoken(pool, held, "d", [70, 71])
    assert [held.holds(name, [10 * n]) for n, name in enumerate("abc")] == [True, False, True]
    assert held.num_evicted == 1


def test_idle_rows_stay_within_their_bytes():
    pool = pool_of(5)
    held = Conversations(pool, max_bytes=20 * POSITION_BYTES)
    for number in range(5):
        spoken(pool, held, str(number), [10 * number + place for place in range(8)])
        assert held.num_bytes <= 20 * POSITION_BYTES
    assert [held.holds(str(n), [10 * n]) for n in range(5)] == [False, False, False, True, True]


def test_what_went_to_host_memory_comes_back(small):
    pool = pool_of(1)
    held = Conversations(pool, max_bytes=1 << 20, host_bytes=1 << 20)
    spoken(pool, held, "a", list(range(10)))
    spoken(pool, held, "b", list(range(30, 36)))
    assert held.host_bytes == 10 * POSITION_BYTES
    assert spoken(pool, held, "a", [*range(8), 99]) == 8
    assert (held.num_evicted, held.num_restored) == (2, 1)
    assert holds_what_it_says(pool, pool.slots[0])


def test_host_memory_keeps_the_latest_within_its_bytes(small):
    pool = pool_of(1)
    held = Conversations(pool, max_bytes=1 << 20, host_bytes=20 * POSITION_BYTES)
    for number, name in enumerate("abcd"):
        spoken(pool, held, name, [10 * number + place for place in range(8)])
        assert held.host_bytes <= 20 * POSITION_BYTES
    assert held.host_bytes == 16 * POSITION_BYTES
    assert spoken(pool, held, "a", [*range(8), 99]) == 0
    assert spoken(pool, held, "c", [*range(20, 28), 99]) == 8


def test_short_conversations_are_not_moved_out(small):
    pool = pool_of(1)
    held = Conversations(pool, max_bytes=1 << 20, host_bytes=1 << 20)
    spoken(pool, held, "a", [1, 2, 3])
    spoken(pool, held, "b", [5])
    assert held.host_bytes == 0


def test_a_row_that_lends_itself_is_moved_out_first(small):
    pool = pool_of(1)
    held = Conversations(pool, max_bytes=1 << 20, host_bytes=1 << 20)
    spoken(pool, held, "a", list(range(12)))
    assert spoken(pool, held, "b", [*range(6), 99]) == 6
    assert spoken(pool, held, "a", [*range(12), 50]) == 12


def test_a_forgotten_conversation_is_nowhere(small):
    pool = pool_of(2)
    held = Conversations(pool, max_bytes=1 << 20, host_bytes=1 << 20)
    for number, name in enumerate("abc"):
        spoken(pool, held, name, [10 * number + place for place in range(8)])
    for name in "abc":
        held.forget(name)
    assert (held.num_bytes, held.host_bytes, held.num_free) == (0, 0, 2)
    assert spoken(pool, held, "a", list(range(8))) == 0


def test_a_request_without_a_conversation_leaves_nothing():
    pool = pool_of(2)
    held = Conversations(pool, max_bytes=1 << 20)
    spoken(pool, held, "", list(range(8)))
    assert held.num_bytes == len(held) == 0


def test_a_fork_is_a_copy_of_its_own(small):
    pool = pool_of(3)
    held = Conversations(pool, max_bytes=1 << 20)
    spoken(pool, held, "a", list(range(8)))
    spoken(pool, held, "b", [50, 51])
    held.fork("a", "b")
    held.forget("a")
    assert spoken(pool, held, "b", [*range(8), 50]) == 8
    held.fork("nobody", "b")
    held.fork("b", "b")
    held.fork("b", "")
    assert len(held) == 1


def test_a_fork_never_takes_the_row_it_copies(small):
    pool = pool_of(2)
    held = Conversations(pool, max_bytes=1 << 20)
    spoken(pool, held, "a", list(range(8)))
    busy = held.take("c", [70, 71])
    held.fork("a", "b")
    assert held.holds("a", list(range(8)))
    assert (held.num_evicted, len(held)) == (0, 1)
    held.give_back(busy)
    held.fork("a", "b")
    assert held.holds("a", list(range(8)))
    assert held.holds("b", list(range(8)))


def test_rows_that_were_used_before_are_used_again_first():
    pool = pool_of(4)
    held = Conversations(pool, max_bytes=0)
    for number in range(6):
        spoken(pool, held, str(number), [number, number])
    assert [slot.touched for slot in pool.slots] == [2, 0, 0, 0]


def test_a_copy_keeps_of_its_target_only_what_is_shared():
    pool = pool_of(2)
    source, target = pool.slots
    read(pool, source, [1, 2, 3, 4, 5])
    read(pool, target, [1, 2, 9, 9, 9, 9])
    pool.copy(source, target, 4)
    assert target.ids == [1, 2, 3, 4]
    assert holds_what_it_says(pool, target)
    pool.load(pool.save(source), target, 5)
    assert target.ids == source.ids
    assert holds_what_it_says(pool, target)


def test_a_wiped_row_holds_zeros_behind_its_end_as_well():
    pool = pool_of(2)
    row, other = pool.slots
    read(pool, other, [9] * 10)
    read(pool, row, [float("nan")] * 10)
    row.crop(2)
    pool.wipe(row)
    empty = torch.zeros(0, HEADS, 2)
    assert row.ids == []
    for layer in range(LAYERS):
        for rows in pool.layer(layer, empty, empty):
            assert not rows[row.index].any()
    assert holds_what_it_says(pool, other)


def test_the_bytes_of_a_row_are_those_of_the_pool():
    class Config:
        num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim = LAYERS, 6, HEADS, 2

    pool = pool_of(1)
    assert pool.position_bytes == POSITION_BYTES
    assert row_bytes(Config, WINDOW, 4) == WINDOW * POSITION_BYTES
