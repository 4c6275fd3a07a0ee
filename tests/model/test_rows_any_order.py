"""Requests, forks and evictions in any order: every row holds what it says, after every step."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from npc_engine.model.conversations import Conversations
from tests.model.stage_rows import POSITION_BYTES, WINDOW, holds_what_it_says, pool_of, read

NAMES = ("", "a", "b", "c", "d", "e")
BEGINNINGS = ([], [1, 1, 2, 1, 3, 1, 2, 2], [1, 1, 2, 1, 3, 3, 3, 1, 1, 2, 2, 1], [2] * 9)
IDS = st.builds(
    lambda beginning, rest: [*beginning, *rest],
    st.sampled_from(BEGINNINGS),
    st.lists(st.integers(1, 3), max_size=10),
).filter(len)
NAME = st.sampled_from(NAMES)


class AnyOrder(RuleBasedStateMachine):
    """Requests come, read, are cut and end, and conversations are forked and dropped meanwhile."""

    @initialize(
        num_slots=st.integers(1, 4),
        max_positions=st.sampled_from([0, 15, 40, 1000]),
        host_positions=st.sampled_from([0, 20, 1000]),
    )
    def begin(self, num_slots, max_positions, host_positions):
        self.pool = pool_of(num_slots)
        self.max_bytes = max_positions * POSITION_BYTES
        self.host_bytes = host_positions * POSITION_BYTES
        self.held = Conversations(self.pool, max_bytes=self.max_bytes, host_bytes=self.host_bytes)
        self.busy: dict[int, tuple[str, list[int]]] = {}
        """What rows in use must hold, by index."""

    @rule(name=NAME, ids=IDS)
    def take(self, name, ids):
        limit = len(ids) - 1
        slots = self.pool.slots
        own = max(
            (s.shared(ids) for s in slots if s.conversation == name and not s.busy), default=0
        )
        best = max(slot.shared(ids) for slot in slots)
        slot = self.held.take(name, ids)
        if slot is None:
            assert len(self.busy) == len(slots)
            return
        assert slot.index not in self.busy
        assert slot.busy
        assert slot.conversation == name
        assert slot.ids == ids[: len(slot.ids)]
        assert len(slot.ids) <= limit
        if name:
            assert len(slot.ids) >= min(own, limit)
        assert len(slot.ids) >= min(best, limit) - 2  # one less than is worth a copy
        self.busy[slot.index] = (name, list(slot.ids))

    @precondition(lambda self: self.busy)
    @rule(data=st.data(), ids=st.lists(st.integers(1, 3), min_size=1, max_size=8))
    def read(self, data, ids):
        index = data.draw(st.sampled_from(sorted(self.busy)))
        slot = self.pool.slots[index]
        ids = ids[: WINDOW - len(slot.ids)]
        read(self.pool, slot, ids)
        self.busy[index][1].extend(ids)

    @precondition(lambda self: self.busy)
    @rule(data=st.data(), keep=st.booleans(), cut=st.integers(0, 30))
    def give_back(self, data, keep, cut):
        index = data.draw(st.sampled_from(sorted(self.busy)))
        slot = self.pool.slots[index]
        slot.crop(cut)
        del self.busy[index]
        self.held.give_back(slot, keep=keep)
        assert self.held.num_bytes <= self.max_bytes
        assert keep or not slot.ids

    @rule(names=st.tuples(NAME, NAME))
    def fork(self, names):
        self.held.fork(*names)
        assert self.held.num_bytes <= self.max_bytes

    @rule(name=NAME)
    def forget(self, name):
        self.held.forget(name)
        assert not any(s.conversation == name for s in self.pool.slots if not s.busy and s.ids)

    @rule(positions=st.integers(0, 60))
    def make_room(self, positions):
        self.held.make_room(positions * POSITION_BYTES)
        assert self.held.num_bytes <= positions * POSITION_BYTES

    @rule()
    def clear(self):
        self.held.clear()
        assert self.held.num_bytes == self.held.host_bytes == 0
        assert self.held.num_free == len(self.pool.slots) - len(self.busy)

    @invariant()
    def every_row_holds_what_it_says(self):
        for slot in self.pool.slots:
            assert holds_what_it_says(self.pool, slot)
            assert slot.touched >= len(slot.ids)

    @invariant()
    def rows_in_use_are_left_alone(self):
        rows = [slot for slot in self.pool.slots if slot.busy]
        assert {slot.index: (slot.conversation, slot.ids) for slot in rows} == self.busy

    @invariant()
    def a_conversation_has_one_idle_row_and_a_free_row_nothing(self):
        free = [slot for slot in self.pool.slots if not slot.busy]
        idle = [slot.conversation for slot in free if slot.conversation]
        assert len(idle) == len(set(idle))
        assert not any(slot.ids for slot in free if not slot.conversation)

    @invariant()
    def bytes_are_counted_right(self):
        idle = [slot for slot in self.pool.slots if slot.conversation and not slot.busy]
        assert self.held.num_bytes == POSITION_BYTES * sum(len(slot.ids) for slot in idle)
        assert self.held.host_bytes <= self.host_bytes
        assert self.held.measured()["conversations"] == len(idle)


def test_rows_hold_what_they_say_whatever_happens(small):
    run_state_machine_as_test(
        AnyOrder, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )
