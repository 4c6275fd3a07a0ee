"""Several NPCs speak at once: what overlaps, what stays in order, what each remembers."""

import threading
import time

import pytest

from npc_engine.errors import CommandError
from npc_engine.events import LineEnded, ReplyStarted, TextDelta
from npc_engine.model.scripted import Reply, ScriptedSession
from tests.engine.crowd import (
    HeldSession,
    MeetingSession,
    crowd_of,
    ends_of,
    finish,
    open_crowd,
    wait_until,
)
from tests.stage import FakeClock
from tests.stage_engine import Heard

CROWD = crowd_of(8)


def reply_by_name(request):
    """Says the word that the player's last line ends with, and nothing else."""
    return f"Word {request.messages[-1].text.split()[-1]} it is."


def texts(npc):
    return [line.text for line in npc.history()]


def words_of(memory):
    return [line.text for line in memory.lines]


@pytest.mark.parametrize("alone", [False, True], ids=["one timeline", "a chat each"])
def test_eight_npcs_speak_at_once_and_each_remembers_its_own_lines(tmp_path, alone):
    with open_crowd(tmp_path, MeetingSession(reply_by_name, 8), save=True) as engine:
        heard = Heard(engine)
        npcs = [engine.new_chat(npc) if alone else engine.npc(npc) for npc in CROWD]
        lines = [npc.say(f"Say w{index}") for index, npc in enumerate(npcs)]
        finish(engine, lines)
        assert [line.text for line in lines] == [f"Word w{index} it is." for index in range(8)]
        first_end = next(i for i, e in enumerate(heard.events) if isinstance(e, LineEnded))
        before = heard.events[:first_end]
        begun = {event.line_id for event in before if isinstance(event, ReplyStarted)}
        speaking = {event.line_id for event in before if isinstance(event, TextDelta)}
        assert begun == speaking == {line.id for line in lines}
        assert ends_of(heard) == sorted(line.id for line in lines)
        memories = [words_of(npc.memory()) for npc in npcs]
        chats = [npc.chat_id for npc in npcs]
    assert memories == [[f"Say w{i}", f"Word w{i} it is."] for i in range(8)]
    with open_crowd(tmp_path, ScriptedSession(["So."]), save=True) as engine:
        again = [engine.npc(npc, chat) for npc, chat in zip(CROWD, chats, strict=True)]
        assert [words_of(npc.memory()) for npc in again] == memories
        assert engine._store.recovered_replies == 0


def test_lines_to_one_npc_are_answered_in_their_order(tmp_path):
    with open_crowd(tmp_path, ScriptedSession(["One.", "Two.", "Three."])) as engine:
        heard = Heard(engine)
        bo = engine.npc("bo")
        lines = [bo.say(f"Line {number}") for number in range(20)]
        finish(engine, lines)
        ended = [event.line_id for event in heard.of(LineEnded)]
        assert ended == [line.id for line in lines]
        said = [line.text for line in bo.history() if line.role == "player"]
        assert said == [f"Line {number}" for number in range(20)]


def test_who_speaks_meanwhile_keeps_its_place_in_the_timeline(tmp_path):
    session = HeldSession(["Ann goes on.", "Bo is quick.", "So."])
    with open_crowd(tmp_path, session) as engine:
        ann, bo = engine.npc("ann"), engine.npc("bo")
        first = ann.say("To Ann")
        session.wait_for(1)
        second = bo.say("To Bo")
        session.wait_for(1)
        engine.world.set("gate", "open")
        wait_until(lambda: ann.talk.state().values["gate"] == "open")
        session.let_go.set()
        finish(engine, [first, second])
        assert sorted(texts(ann)[2:]) == ["Ann goes on.", "Bo is quick."]
        assert words_of(ann.memory()) == ["To Ann", "Ann goes on."]
        assert words_of(bo.memory()) == ["To Bo", "Bo is quick."]
        assert ann.state().values["gate"] == "open"
        assert (ann.history()[-1].versions, bo.history()[-1].versions) == (1, 1)


def test_a_change_of_the_world_does_not_reach_a_reply_under_way(tmp_path):
    session = HeldSession(["Ann goes on.", "So."])
    with open_crowd(tmp_path, session) as engine:
        ann = engine.npc("ann")
        line = ann.say("The gate?")
        session.wait_for(1)
        engine.world.set("gate", "open")
        assert engine.world.state.values["gate"] == "open"
        session.let_go.set()
        finish(engine, [line])
        ann.ask("And now?")
        first, second = session.requests
        assert "The gate is shut." in first.messages[-1].text
        assert "The gate is open." in second.messages[-1].text


def test_nobody_may_take_back_lines_while_another_speaks_in_the_chat(tmp_path):
    session = HeldSession(["One.", "Two."])
    session.let_go.set()
    with open_crowd(tmp_path, session) as engine:
        ann, bo = engine.npc("ann"), engine.npc("bo")
        ann.ask("To Ann")
        session.wait_for(1)
        session.let_go.clear()
        line = bo.say("To Bo")
        session.wait_for(1)
        with pytest.raises(CommandError, match="Bo is speaking"):
            ann.undo()
        other = engine.new_chat("ann")
        with pytest.raises(CommandError, match="nothing was said"):
            other.undo()
        session.let_go.set()
        finish(engine, [line])
        assert ann.undo() == "To Ann"
        assert texts(bo) == []


def test_another_try_goes_to_the_npcs_own_last_line(tmp_path):
    with open_crowd(tmp_path, ScriptedSession(["Ann one.", "Bo one.", "Ann two."])) as engine:
        ann, bo = engine.npc("ann"), engine.npc("bo")
        ann.ask("To Ann")
        bo.ask("To Bo")
        line = ann.wait(ann.regenerate())
        assert line.text == "Ann two."
        assert texts(ann) == ["To Ann", "Ann two."]
        ann.swipe_to(0)
        assert texts(ann) == ["To Ann", "Ann one."]


def test_another_try_waits_until_nobody_else_speaks_and_they_wait_for_it(tmp_path):
    session = HeldSession(["Ann one.", "Bo one.", "Ann two.", "Bo two."])
    session.let_go.set()
    with open_crowd(tmp_path, session) as engine:
        heard = Heard(engine)
        ann, bo = engine.npc("ann"), engine.npc("bo")
        ann.ask("To Ann")
        session.wait_for(1)
        session.let_go.clear()
        first = bo.say("To Bo")
        session.wait_for(1)
        again = ann.regenerate()
        session.let_go.set()
        finish(engine, [first, again])
        assert [event.line_id for event in heard.of(LineEnded)][1:] == [first.id, again.id]
        session.wait_for(1)
        session.let_go.clear()
        again = ann.regenerate()
        session.wait_for(1)
        later = bo.say("To Bo again")
        time.sleep(0.1)
        engine.tick(None)
        assert not later.recorded
        session.let_go.set()
        finish(engine, [again, later])
        assert ends_of(heard) == sorted(set(ends_of(heard)))
        assert texts(bo)[-2:] == ["To Bo again", later.text]


def test_another_try_that_is_cancelled_while_it_waits_stores_nothing(tmp_path):
    session = HeldSession(["Ann one.", "Bo one.", "Ann two."])
    session.let_go.set()
    with open_crowd(tmp_path, session) as engine:
        ann, bo = engine.npc("ann"), engine.npc("bo")
        ann.ask("To Ann")
        session.wait_for(1)
        session.let_go.clear()
        first = bo.say("To Bo")
        session.wait_for(1)
        again = ann.regenerate()
        again.cancel()
        finish(engine, [again])
        assert (again.reason, again.rung, again.entry_id) == ("cancelled", "silence", None)
        session.let_go.set()
        finish(engine, [first])
        assert texts(ann) == ["To Ann", "Ann one.", "To Bo", "Bo one."]


def test_lines_that_waited_are_not_in_a_restored_save(tmp_path):
    session = HeldSession(["One.", "late words", "Three."])
    session.let_go.set()
    with open_crowd(tmp_path, session) as engine:
        heard = Heard(engine)
        bo = engine.npc("bo")
        bo.ask("Before")
        session.wait_for(1)
        engine.snapshot("then")
        session.let_go.clear()
        held = bo.say("Held")
        session.wait_for(1)
        waiting = [bo.say("Waiting"), engine.npc("ann").say("To Ann")]
        engine.restore("then")
        finish(engine, [held, *waiting])
        assert texts(bo) == ["Before", "One."]
        assert {line.reason for line in (held, *waiting)} == {"cancelled"}
        assert ends_of(heard) == sorted(set(ends_of(heard)))


def test_world_changes_made_before_a_restore_are_forgotten_and_a_snapshot_has_them(tmp_path):
    with open_crowd(tmp_path, ScriptedSession(["So."])) as engine:
        engine.world.set("crowns", 7)
        engine.snapshot("seven")
        engine.world.set("crowns", 8)
        engine.restore("seven")
        assert engine.world.state.values["crowns"] == 7
        engine.npc("bo").ask("How many?")
        assert engine.npc("bo").talk.state().values["crowns"] == 7


def test_closing_while_eight_speak_ends_every_line_once(tmp_path):
    session = ScriptedSession([Reply("word " * 500, fault="hang", fault_after_tokens=3)])
    engine = open_crowd(tmp_path, session)
    heard = Heard(engine)
    lines = [engine.npc(npc).say("Talk.") for npc in CROWD]
    lines += [engine.npc(npc).say("And more.") for npc in CROWD]
    engine.close()
    engine.tick(None)
    assert ends_of(heard) == [line.id for line in lines]
    assert {line.reason for line in lines} == {"cancelled"}


def test_lines_may_be_said_from_many_threads(tmp_path):
    with open_crowd(tmp_path, ScriptedSession(["So be it."])) as engine:
        heard = Heard(engine)
        lines = []

        def talk(npc):
            lines.extend(engine.npc(npc).say(f"Line {number}") for number in range(10))

        threads = [threading.Thread(target=talk, args=(npc,)) for npc in CROWD]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        finish(engine, lines)
        assert ends_of(heard) == sorted(line.id for line in lines)
        said = [line.text for line in engine.npc("ann").history() if line.role == "player"]
        assert len(said) == 80


def test_priority_and_the_rest_of_the_time_go_with_the_request(tmp_path):
    session = ScriptedSession(["", "Now then.", "So."])
    clock = FakeClock()
    with open_crowd(tmp_path, session, clock=clock) as engine:
        line = engine.npc("bo").say("Hm?", deadline_s=5.0, priority="ambient")
        finish(engine, [line])
        engine.npc("bo").ask("And?")
    assert [(r.priority, r.deadline_s) for r in session.requests] == [
        ("ambient", 5.0),
        ("ambient", 5.0),
        ("player", None),
    ]


def test_a_session_that_ends_a_late_request_itself_gives_a_bark_or_a_sentence(tmp_path):
    hanging = Reply("", fault="hang")
    halting = Reply("One is said. Two is not", fault="hang")
    with open_crowd(tmp_path, ScriptedSession([hanging, halting]), clock=FakeClock()) as engine:
        ann = engine.npc("ann")
        early = ann.ask("Hello?", deadline_s=0.1)
        assert (early.text, early.reason, early.rung) == ("Hm.", "late_first", "bark")
        late = ann.ask("And?", deadline_s=0.1)
        assert (late.text, late.reason, late.rung) == ("One is said.", "late_total", "short")
