"""A game whose model dies: lines end, ticks go on, the next line is answered."""

import os
import signal
import sys
import time

import pytest

from npc_engine.engine import Engine
from npc_engine.model import WorkerSession
from tests.stage import CHARACTERS, WORLDS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture
def engine():
    session = WorkerSession(
        "tests.model.worker_stage:open_scripted", {"window_tokens": 4096, "delay_s": 0.01}
    )
    with Engine.open(WORLDS / "oakhollow.yaml", CHARACTERS, None, session, seed=1) as opened:
        yield opened


def ticked(engine, holds):
    give_up = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < give_up
        engine.tick(budget_ms=2)
        time.sleep(0.002)


def test_a_line_whose_model_dies_ends_and_the_next_one_is_answered(engine):
    line = engine.npc("mira").say("Any work for a sword arm?")
    ticked(engine, lambda: line.text)
    os.kill(engine.session.pid, signal.SIGKILL)
    ticked(engine, lambda: line.done)
    after = engine.npc("mira").say("Are you still there?")
    ticked(engine, lambda: after.done)
    assert after.reason in {"done", "stopped", "length", "bad_output"}
    assert after.text
    assert engine.session.stats()["restarts"] == 1
