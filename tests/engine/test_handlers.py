"""Handlers that block, close or come from another thread; games that never tick or close early."""

import threading
from contextlib import suppress

import pytest

from npc_engine.engine import LATER
from npc_engine.engine.stats import TickFigures
from npc_engine.errors import CommandError
from npc_engine.events import ActionEnded, ActionProposed, LineEnded
from npc_engine.memory.entries import ActionCalled, ActionSettled
from npc_engine.model.scripted import Reply, ScriptedSession
from tests.engine.crowd import HeldSession, crowd_of, ends_of, finish, open_crowd, wait_until
from tests.engine.test_actions import LOOK, SELL, Stage
from tests.stage import FakeClock
from tests.stage_engine import Heard, open_engine

SOLD = f"Two sacks, then. {SELL}"


LONG = ("The flood took the bridge and two carts with all their flour. " * 20).strip()


class BusySession(ScriptedSession):
    """Never finishes a summary; calls for an action where a price is asked; can fall silent."""

    def __init__(self):
        super().__init__(self.reply)
        self.is_mute = False

    def reply(self, request):
        if request.priority == "background":
            return Reply("The", fault="hang")
        if "cost" in self.tokenizer.decode(request.prompt_ids):
            return f"Let me see. {LOOK}"
        return Reply("", fault="hang") if self.is_mute else "So it went, and we all paid for it."

    def asked(self, priority):
        return [request for request in self.requests if request.priority == priority]

    def is_asked(self, words):
        return any(words in self.tokenizer.decode(each.prompt_ids) for each in self.requests)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def stage(tmp_path, clock):
    made = Stage(tmp_path, [SOLD, "As you say."], clock=clock)
    yield made
    made.engine.close()


def test_a_tick_on_a_second_thread_is_refused_while_one_is_under_way(tmp_path):
    with open_engine(tmp_path) as engine:
        refused, inside = [], threading.Event()

        def other_thread():
            inside.wait()
            try:
                engine.tick(2)
            except CommandError as error:
                refused.append(str(error))

        thread = threading.Thread(target=other_thread)
        thread.start()

        def hold(event):
            inside.set()
            thread.join()

        stop = engine.subscribe(hold)
        engine.npc("bo").ask("Hello.")
        stop()
        assert ["another thread" in text for text in refused] == [True]
        taken = threading.Thread(target=engine.tick, args=(2,))
        ticks = engine.stats().ticks
        taken.start()
        taken.join()
        assert engine.stats().ticks == ticks + 1


def test_whoever_waits_on_another_thread_lets_the_one_that_ticks_deliver(tmp_path):
    session = HeldSession(["One two three."])
    with open_engine(tmp_path, session) as engine:
        heard = Heard(engine)
        asked = []
        thread = threading.Thread(target=lambda: asked.append(engine.npc("bo").ask("Hello?")))
        thread.start()
        session.wait_for(1)
        session.let_go.set()
        wait_until(lambda: asked, lambda: _tick_if_free(engine))
        thread.join()
        assert asked[0].text == "One two three."
        assert len(heard.of(LineEnded)) == 1


def _tick_if_free(engine):
    with suppress(CommandError):
        engine.tick(2)


def test_a_handler_may_speak_cancel_and_change_the_world(tmp_path):
    with open_engine(tmp_path, ScriptedSession(["One.", "Two."])) as engine:
        begun = []

        def go_on(event):
            if isinstance(event, LineEnded) and not begun:
                engine.world.set("crowns", 9)
                begun.append(engine.npc("bo").say("And you?"))
                begun.append(engine.npc("ann").say("Never mind."))
                begun[1].cancel()

        engine.subscribe(go_on)
        engine.npc("ann").ask("Hello.")
        finish(engine, begun)
        assert [line.reason for line in begun] == ["done", "cancelled"]
        assert engine.npc("bo").state().values["crowns"] == 9
        assert engine.stats().handler_faults == 0


def test_a_handler_may_close_the_engine_and_every_line_ends(tmp_path):
    session = HeldSession(["One two three."])
    with open_crowd(tmp_path, session, number=4) as engine:
        heard = Heard(engine)
        engine.subscribe(lambda event: engine.close())
        lines = [engine.npc(name).say("A?") for name in crowd_of(4)]
        session.wait_for(4)
        finish(engine, lines)
        assert {line.reason for line in lines} == {"cancelled"}
        assert ends_of(heard) == sorted(line.id for line in lines)
        with pytest.raises(CommandError, match="closed"):
            engine.npc("npc0").say("Still there?")


def test_an_action_handler_may_close_the_engine_and_the_action_is_not_done_again(stage):
    def sell(call):
        stage.calls.append(call.id)
        stage.engine.close()

    stage.engine.on_action("sell_flour", sell)
    line = stage.ann.say("I want to buy flour.")
    finish(stage.engine, [line])
    stage.engine.tick(None)
    assert len(stage.calls) == len(stage.heard.of(ActionProposed)) == 1
    assert len(stage.heard.of(LineEnded)) == 1


def test_closing_in_the_middle_of_everything_ends_every_line_once(tmp_path):
    stage = Stage(tmp_path, BusySession(), save=tmp_path / "slot.db")
    engine, session = stage.engine, stage.session
    stage.take("look_up_price", LATER)
    bo = engine.npc("bo")
    lines = []
    wait_until(lambda: session.asked("background"), lambda: lines.append(bo.ask(LONG)))
    session.is_mute = True
    lines += [stage.ann.say("What does flour cost?"), bo.say("Slow?")]
    wait_until(lambda: stage.calls and session.is_asked("Slow?"), lambda: engine.tick(None))
    lines.append(bo.say("And then?", while_speaking="queue"))
    round_ = engine.scene("mill", members=["ann", "player"]).say("Ann, any work?")
    engine.world.event("A cart breaks.")
    engine.close()
    engine.close()
    wait_until(lambda: all(line.done for line in lines) and round_.done, lambda: engine.tick(None))
    assert {line.reason for line in (*lines[-3:], *round_.lines)} <= {"cancelled", "stopped"}
    assert len(ends_of(stage.heard)) == len({*ends_of(stage.heard)})
    assert not [thread for thread in threading.enumerate() if _works_for_an_engine(thread)]
    with open_engine(tmp_path, save=True) as again:
        said = [line.text for line in again.npc("bo").history()]
        assert LONG in said
        assert "Slow?" in said


def _works_for_an_engine(thread):
    return thread.name.startswith("npc-engine") and thread.is_alive()


def test_a_handler_that_blocks_for_ten_seconds_delays_deadlines_and_nothing_else(tmp_path, clock):
    session = ScriptedSession(["So.", Reply("", fault="hang")])
    with open_engine(tmp_path, session, clock=clock) as engine:

        def block(event):
            if isinstance(event, LineEnded) and event.reason == "done":
                clock.time += 10.0

        heard = Heard(engine)
        engine.subscribe(block)
        bo, ann = engine.npc("bo"), engine.npc("ann")
        first = bo.say("Quick?")
        wait_until(lambda: len(session.requests) == 1)
        second = ann.say("Slow?", deadline_s=5.0)
        wait_until(lambda: len(session.requests) == 2)
        finish(engine, [first, second])
        assert (first.reason, second.reason) == ("done", "late_first")
        assert ends_of(heard) == [first.id, second.id]


def test_a_tick_stops_behind_the_event_whose_handler_took_all_the_time(tmp_path, clock):
    with open_engine(tmp_path, clock=clock) as engine:

        def block(event):
            clock.time += 10.0

        engine.subscribe(block)
        for number in range(3):
            engine.world.event(f"A cart breaks {number}.")
        wait_until(lambda: engine.stats().waiting_events >= 3)
        waiting = engine.stats().waiting_events
        assert engine.tick(2) == 1
        assert engine.stats().waiting_events >= waiting - 1


def test_time_in_handlers_is_told_apart_from_the_engines_own():
    time_ns = 0
    figures = TickFigures(lambda: time_ns)
    figures.tick_begins()
    time_ns += 1_000_000
    figures.handler_begins()
    time_ns += 10_000_000_000
    figures.handler_ends()
    figures.tick_ends(2.0, 1)
    assert (figures.slow_handlers, figures.overruns) == (1, 0)
    assert (figures.longest_tick_ms, figures.last_tick_ms) == (1.0, 10_001.0)
    figures.tick_begins()
    time_ns += 4_000_000
    figures.tick_ends(2.0, 0)
    assert (figures.slow_handlers, figures.overruns) == (1, 1)


def test_an_action_handler_that_blocks_for_ten_seconds_is_not_waited_for(stage, clock):
    def sell(call):
        stage.calls.append(call.id)
        wait_until(lambda: not stage.ann.is_speaking, lambda: _pass(clock, 1.0))

    stage.engine.on_action("sell_flour", sell)
    line = stage.ann.say("I want to buy flour.")
    finish(stage.engine, [line])
    wait_until(lambda: stage.heard.of(ActionEnded), lambda: stage.engine.tick(None))
    assert (line.text, line.rung) == ("Two sacks, then.", "full")
    kinds = [type(event) for event in stage.heard.events]
    assert kinds.index(LineEnded) < kinds.index(ActionEnded)
    assert [event.outcome for event in stage.heard.of(ActionEnded)] == ["done"]
    assert len(stage.calls) == len(stage.entries(ActionCalled)) == 1
    assert [entry.outcome for entry in stage.entries(ActionSettled)] == ["done"]


def _pass(clock, seconds):
    clock.time += seconds


def test_an_action_that_no_tick_takes_in_time_lapses_and_is_never_done(stage, clock):
    stage.take("sell_flour")
    line = stage.ann.say("I want to buy flour.")
    wait_until(lambda: not stage.ann.is_speaking, lambda: _pass(clock, 1.0))
    finish(stage.engine, [line])
    assert [event.outcome for event in stage.heard.of(ActionEnded)] == ["lapsed"]
    assert stage.calls == []


def test_where_nobody_ticks_say_raises_in_the_end_and_ticking_mends_it(tmp_path):
    session = HeldSession(["One two three."])
    with open_crowd(tmp_path, session, number=2, max_lines=2, prewarm=False) as engine:
        npc = engine.npc("npc0")
        lines = []
        with pytest.raises(CommandError, match="call engine.tick once a frame"):
            for _ in range(100):
                lines.append(npc.say("A?", priority="ambient", while_speaking="refuse"))
        assert len(lines) == 9
        engine.tick(None)
        assert [line.reason for line in lines[1:]] == ["busy"] * 8
        lines.append(npc.say("A?", while_speaking="queue"))
        session.let_go.set()
        finish(engine, lines)
        assert lines[-1].reason == "done"
