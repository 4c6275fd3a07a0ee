"""Lines that would come too late: what is said in their place, by a clock that tests move."""

from dataclasses import replace

import pytest

from npc_engine.dialogue.pace import SHORT_TOKENS
from npc_engine.engine.deadlines import GAME_DEADLINES
from npc_engine.errors import CommandError
from npc_engine.model.scripted import Reply, ScriptedSession
from npc_engine.protocols import GenerationEnd
from tests.engine.crowd import finish, wait_until
from tests.stage import FakeClock
from tests.stage_engine import open_engine

MUTE = Reply("", fault="hang")
LONG = (
    "My father built this boat before the war. It has carried salt, two bishops and a bear. "
    "On quiet nights you can hear bells under water. Nobody believes that until they hear it. "
    "Every spring somebody tries to swim across for a bet. We fish most of them out by noon. "
    "Buy a rope if you mean to follow them, or better, pay me four coppers and stay dry."
)
STUCK = Reply("One and two. Three and", fault="hang")


class SlowSession(ScriptedSession):
    """Says that it writes ten tokens a second."""

    def stream(self, request):
        for event in super().stream(request):
            if isinstance(event, GenerationEnd):
                usage = replace(event.usage, decode_ms=event.usage.reply_tokens * 100.0)
                yield replace(event, usage=usage)
            else:
                yield event


class RankedSession(ScriptedSession):
    """Notes who is to be served sooner or later."""

    def __init__(self, replies):
        super().__init__(replies)
        self.ranked = []

    def reprioritise(self, request_id, priority):
        self.ranked.append((request_id, priority))


@pytest.fixture
def clock():
    return FakeClock()


def pass_by(engine, clock, seconds):
    clock.time += seconds
    engine.tick(None)


def test_without_a_first_word_in_time_a_thinking_bark_is_said(tmp_path, clock):
    with open_engine(tmp_path, ScriptedSession([MUTE]), clock=clock) as engine:
        line = engine.npc("ann").say("Well?", first_s=2.0)
        wait_until(lambda: engine.session.requests)
        pass_by(engine, clock, 1.9)
        assert line.handle.ended_by is None
        pass_by(engine, clock, 0.2)
        finish(engine, [line])
        assert (line.text, line.reason, line.rung) == ("Hm.", "late_first", "bark")


def test_after_the_first_word_only_the_end_has_a_deadline(tmp_path, clock):
    with open_engine(tmp_path, ScriptedSession([STUCK]), clock=clock) as engine:
        line = engine.npc("ann").say("Well?", first_s=2.0, deadline_s=60.0)
        wait_until(lambda: "One" in line.text, lambda: engine.tick(None))
        pass_by(engine, clock, 30.0)
        assert line.handle.ended_by is None
        pass_by(engine, clock, 30.0)
        finish(engine, [line])
        assert (line.text, line.reason, line.rung) == ("One and two.", "late_total", "short")


def test_the_deadlines_of_a_game_are_for_the_player_alone(tmp_path, clock):
    session = ScriptedSession([MUTE])
    with open_engine(tmp_path, session, clock=clock, deadlines=GAME_DEADLINES) as engine:
        lines = [engine.npc("ann").say("Well?"), engine.npc("bo").say("Well?", priority="ambient")]
        wait_until(lambda: len(session.requests) == 2)
        pass_by(engine, clock, 1.6)
        finish(engine, lines[:1])
        assert lines[0].reason == "late_first"
        assert not lines[1].done


def test_what_say_asks_for_stands_over_the_deadlines_of_the_engine(tmp_path, clock):
    with open_engine(
        tmp_path, ScriptedSession([MUTE]), clock=clock, deadlines=GAME_DEADLINES
    ) as engine:
        line = engine.npc("ann").say("Well?", first_s=5.0)
        wait_until(lambda: engine.session.requests)
        pass_by(engine, clock, 4.0)
        assert line.handle.ended_by is None
        line.cancel()
        finish(engine, [line])


@pytest.mark.parametrize("option", [{"first_s": -1.0}, {"deadline_s": float("nan")}])
def test_a_deadline_is_a_time(tmp_path, option):
    with open_engine(tmp_path) as engine, pytest.raises(CommandError, match="expected seconds"):
        engine.npc("ann").say("Well?", **option)


def test_a_reply_that_would_be_late_is_short_and_ends_with_a_sentence(tmp_path, clock):
    with open_engine(tmp_path, SlowSession([LONG]), clock=clock) as engine:
        bo = engine.npc("bo")
        first = bo.ask("Whose boat is this?")
        assert first.usage.reply_tokens > SHORT_TOKENS + 12
        second = bo.ask("Again.", deadline_s=5.0)
        assert engine.session.requests[-1].max_tokens == SHORT_TOKENS
        assert (second.reason, second.rung) == ("length", "short")
        assert second.text.endswith(".")
        assert first.text.startswith(second.text)


def test_a_background_line_that_waits_for_long_is_served_as_ambient(tmp_path, clock):
    session = RankedSession([MUTE])
    with open_engine(tmp_path, session, clock=clock) as engine:
        bo = engine.npc("bo")
        lines = [bo.say("Well?", priority="background")]
        wait_until(lambda: session.requests)
        lines.append(bo.say("And?", priority="background", while_speaking="queue"))
        pass_by(engine, clock, 9.9)
        assert session.ranked == []
        pass_by(engine, clock, 0.2)
        assert session.ranked == [(session.requests[0].request_id, "ambient")]
        assert [line.priority for line in lines] == ["ambient", "ambient"]
        lines[0].cancel()
        wait_until(lambda: len(session.requests) == 2, lambda: engine.tick(None))
        assert session.requests[1].priority == "ambient"
        lines[1].cancel()
        finish(engine, lines)
