"""Jobs of one lane run in order, different lanes at the same time, and never too many."""

import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from npc_engine.engine.lanes import Lanes

LIMIT_S = 20.0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 5), max_size=60), st.integers(1, 4))
def test_every_job_runs_once_and_each_lane_keeps_its_order(lanes_of_jobs, max_threads):
    lanes = Lanes("test", max_threads)
    done = []
    for number, lane in enumerate(lanes_of_jobs):
        assert lanes.submit(lane, lambda number=number: done.append(number))
    assert lanes.close(LIMIT_S)
    assert sorted(done) == list(range(len(lanes_of_jobs)))
    for lane in set(lanes_of_jobs):
        mine = [number for number in done if lanes_of_jobs[number] == lane]
        assert mine == sorted(mine)


def test_different_lanes_run_at_the_same_time():
    lanes = Lanes("test")
    meeting = threading.Barrier(16, timeout=LIMIT_S)
    met = []
    for lane in range(16):
        lanes.submit(lane, lambda lane=lane: met.append((meeting.wait(), lane)))
    assert lanes.close(LIMIT_S)
    assert len(met) == 16


def test_beyond_the_limit_the_lane_that_waited_longest_is_next():
    lanes = Lanes("test", max_threads=2)
    let_go = threading.Event()
    began = threading.Semaphore(0)
    order = []

    def hold():
        began.release()
        let_go.wait(LIMIT_S)

    for lane in ("a", "b"):
        lanes.submit(lane, hold)
    for _ in range(2):
        assert began.acquire(timeout=LIMIT_S)
    lanes.submit("c", lambda: order.append("c1"))
    lanes.submit("c", lambda: order.append("c2"))
    lanes.submit("a", lambda: order.append("a"))
    assert order == []
    let_go.set()
    assert lanes.close(LIMIT_S)
    assert sorted(order) == ["a", "c1", "c2"]
    assert order.index("c1") < order.index("c2")


def test_a_job_that_raises_is_logged_and_the_next_one_runs(caplog):
    lanes = Lanes("test")
    done = []

    def broken():
        raise ValueError("broken job")

    lanes.submit("a", broken)
    lanes.submit("a", lambda: done.append(1))
    assert lanes.close(LIMIT_S)
    assert done == [1]
    assert "broken job" in caplog.text


def test_a_closed_set_of_lanes_takes_no_jobs():
    lanes = Lanes("test")
    assert lanes.close(LIMIT_S)
    assert not lanes.submit("a", lambda: None)
