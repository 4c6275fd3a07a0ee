"""Barge-in, bounds, attention, deadlines and handlers, on the scripted session."""

import pytest

from npc_engine.dialogue.pace import SHORT_TOKENS, Pace
from npc_engine.engine.inbox import MAX_LOOSE, Inbox
from npc_engine.errors import CommandError
from npc_engine.events import LineEnded, Notice, WorldChanged
from npc_engine.messages import Usage
from npc_engine.model.scripted import Reply, ScriptedSession
from tests.engine.crowd import HeldSession, crowd_of, ends_of, finish, open_crowd, wait_until
from tests.stage_engine import LONG_WORDS, Heard, open_engine

SLOW = Reply(LONG_WORDS, delay_s=0.002)


@pytest.mark.parametrize(("heard", "kept"), [(9, "word100 w"), (0, "")])
def test_only_what_was_heard_of_a_cancelled_reply_is_remembered(tmp_path, heard, kept):
    with open_engine(tmp_path, ScriptedSession([SLOW, "Next."])) as engine:
        bo = engine.npc("bo")
        line = bo.say("Talk.")
        wait_until(lambda: len(line.text) > 20, lambda: engine.tick(2))
        line.cancel(heard=heard)
        finish(engine, [line])
        assert (line.text, line.reason) == (kept, "cancelled")
        own = [one.text for one in bo.memory().lines if one.is_own]
        assert own == ([kept] if kept else [])


@pytest.mark.parametrize(("heard", "kept"), [(5, "Fresh"), (999, "Fresher than you.")])
def test_a_line_that_is_done_is_cut_to_what_was_heard(tmp_path, heard, kept):
    with open_engine(tmp_path, ScriptedSession(["Fresher than you.", "Next."])) as engine:
        bo = engine.npc("bo")
        bo.ask("Is it fresh?").cancel(heard=heard)
        bo.ask("And?")
        assert [one.text for one in bo.memory().lines if one.is_own] == [kept, "Next."]


def test_a_queued_line_gives_way_to_a_newer_one_and_a_refused_one_ends(tmp_path):
    session = HeldSession(["One two three.", "Next."])
    with open_engine(tmp_path, session) as engine:
        bo = engine.npc("bo")
        lines = [bo.say("A?")]
        session.wait_for(1)
        lines += [bo.say(words, while_speaking="queue") for words in ("B?", "C?")]
        lines.append(bo.say("D?", while_speaking="refuse"))
        session.let_go.set()
        finish(engine, lines)
        assert [line.reason for line in lines] == ["done", "superseded", "done", "busy"]


def test_beyond_the_bound_a_line_is_refused_and_each_ends_once(tmp_path):
    session = HeldSession(["One two three."])
    with open_crowd(tmp_path, session, number=5, max_lines=3) as engine:
        heard = Heard(engine)
        lines = [engine.npc(name).say("A?", priority="ambient") for name in crowd_of(4)]
        session.let_go.set()
        finish(engine, lines)
        assert [line.reason for line in lines] == ["done", "done", "done", "queue_full"]
        assert ends_of(heard) == sorted(line.id for line in lines)


def test_events_that_nobody_takes_stay_bounded():
    inbox = Inbox()
    for number in range(3 * MAX_LOOSE):
        inbox.post(WorldChanged("crowns", str(number)))
    assert len(inbox) == MAX_LOOSE


def test_far_npcs_are_not_asked(tmp_path):
    session = ScriptedSession(["So."])
    with open_engine(tmp_path, session, prewarm=False) as engine:
        engine.set_focus({"bo": 90.0})
        assert engine.npc("bo").ask("Hello?").reason == "too_far"
        assert session.requests == []
        with pytest.raises(CommandError, match='did you mean "ann"'):
            engine.set_focus({"anne": 1.0})


def test_an_unknown_character_is_refused_with_the_one_that_was_meant(tmp_path):
    with open_engine(tmp_path) as engine:
        for ask in (
            lambda: engine.npc("anne"),
            lambda: engine.npc("bo").say("Psst.", hearers=("anne",)),
            lambda: engine.world.arrive("anne", "mill"),
        ):
            with pytest.raises(CommandError, match='"anne".*did you mean "ann"'):
                ask()
        with pytest.raises(CommandError, match="there are: ann, bo"):
            engine.npc("zacharias")


def test_a_clock_that_is_set_back_leaves_what_was_said_in_its_order(tmp_path):
    with open_engine(tmp_path, save=True) as engine:
        bo = engine.npc("bo")
        for day, time in ((9, "18:00"), (3, "06:30"), (3, "06:00")):
            engine.world.set("clock.day", day)
            engine.world.set("clock.time", time)
            bo.ask(f"Is it day {day}, {time}?")
        told = [line.text for line in bo.memory().lines if not line.is_own]
        assert told == ["Is it day 9, 18:00?", "Is it day 3, 06:30?", "Is it day 3, 06:00?"]
        engine.snapshot("early")
        engine.world.set("clock.day", 9)
        engine.restore("early")
        assert bo.state().day == 3
    with open_engine(tmp_path, save=True) as engine:
        assert (engine.npc("bo").state().day, engine.npc("bo").state().minute) == (3, 360)


def test_no_bark_comes_twice_before_all_were_heard(tmp_path):
    with open_engine(tmp_path, ScriptedSession([Reply("", fault="raise")])) as engine:
        barks = [engine.npc("ann").ask(f"Well, {number}?").text for number in range(6)]
        assert set(barks[:3]) == set(barks[3:]) == {"Not now.", "Later.", "Ask again."}


def test_a_reply_is_short_where_the_usual_one_would_be_late():
    pace = Pace()
    assert pace.most_tokens(256, 0.1) == 256
    pace.note(Usage(reply_tokens=101, first_token_ms=500.0, decode_ms=10_000.0))
    assert pace.most_tokens(256, 20.0) == 256
    assert pace.most_tokens(256, 8.0) == SHORT_TOKENS


def test_a_handler_that_raises_keeps_nothing_from_the_others(tmp_path):
    with open_engine(tmp_path) as engine:

        def broken(event):
            raise ValueError("broken handler")

        engine.subscribe(broken)
        heard = Heard(engine)
        engine.npc("bo").ask("Hello.")
        engine.tick(None)
        assert len(heard.of(LineEnded)) == 1
        assert any("broken handler" in notice.text for notice in heard.of(Notice))


def test_a_handler_that_ticks_is_refused(tmp_path):
    with open_engine(tmp_path) as engine:
        engine.subscribe(lambda event: engine.tick(2))
        engine.npc("bo").ask("Hello.")
        assert engine.stats().handler_faults > 0


@pytest.mark.slow
def test_of_500_npcs_asked_at_once_the_players_is_served_and_every_line_ends_once(tmp_path):
    session = HeldSession(["One two three."])
    with open_crowd(tmp_path, session, number=500, prewarm=False) as engine:
        heard, names = Heard(engine), crowd_of(500)
        lines = [engine.npc(name).say("A?", priority="ambient") for name in names[:499]]
        lines.append(engine.npc(names[499]).say("Me?"))
        wait_until(lambda: any(asked.priority == "player" for asked in session.requests))
        assert len(session.requests) < 100
        session.let_go.set()
        finish(engine, lines)
        assert lines[-1].reason == "done"
        assert engine.stats().lines_by_reason == {"done": 256, "queue_full": 244}
        assert ends_of(heard) == sorted(line.id for line in lines)
