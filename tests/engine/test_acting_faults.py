"""What goes wrong around actions: late answers, cancelled lines, old offers, other branches."""

import asyncio
import threading
import time

import pytest

from npc_engine import KeywordPolicy
from npc_engine.dialogue.handle import TurnHandle
from npc_engine.engine import LATER
from npc_engine.engine.action_desk import Desk
from npc_engine.errors import CommandError
from npc_engine.events import ActionDropped, ActionEnded, ActionHeld, ActionProposed
from npc_engine.memory.entries import ActionCalled, ActionSettled, LineSaid, WorldEventSeen
from npc_engine.model.scripted import Reply, ScriptedSession
from tests.engine.test_actions import LEND, LOOK, OPEN, SELL, Stage
from tests.stage import FakeClock


@pytest.fixture
def stage(tmp_path):
    made = []

    def make(script, **options):
        made.append(Stage(tmp_path, script, **options))
        return made[-1]

    yield make
    for each in made:
        each.engine.close()


def until(stage, is_so):
    end = time.monotonic() + 20
    while not is_so():
        stage.engine.tick()
        time.sleep(0.002)
        assert time.monotonic() < end


def test_what_is_done_late_is_seen_as_well(stage):
    s = stage([f"Sold. {SELL}"])
    waiting = []
    s.engine.on_action("sell_flour", lambda call: waiting.append(call) or LATER)
    s.engine.world.arrive("ann", "mill")
    s.engine.world.arrive("bo", "mill")
    s.ann.ask("I want to buy flour.")
    waiting[0].done()
    until(s, lambda: s.heard.of(ActionEnded))
    (seen,) = s.entries(WorldEventSeen)
    assert (seen.text, seen.witnesses) == ("Ann sells 2 sacks of flour.", ("ann", "bo"))


def test_waiting_for_a_call_that_a_restore_has_forgotten_is_over_at_once():
    desk = Desk(FakeClock(), print, print)
    handle = TurnHandle()
    desk.expect("1", 1, handle)
    desk.forget_all()
    assert desk.wait("1", handle, for_result=True).outcome == "lapsed"


def test_the_call_of_a_cancelled_line_never_reaches_the_game(stage):
    s = stage([f"Sold. {SELL}"])
    s.take("sell_flour")
    line = s.ann.say("I want to buy flour.")
    end = time.monotonic() + 10
    while not s.entries(ActionCalled):
        time.sleep(0.001)
        assert time.monotonic() < end
    line.cancel()
    s.ann.wait(line)
    assert s.calls == []


def test_a_yes_to_something_else_does_not_set_off_an_old_offer(stage):
    s = stage([f"My boat? If you bring it back. {LEND}", "So it is."])
    s.take("lend_boat")
    s.ann.ask("Lend me your boat.")
    s.ann.talk.record("And who are you?", s.engine._store.epoch)  # answered by no model
    s.ann.ask("Yes.")
    assert s.calls == []
    assert [e.outcome for e in s.heard.of(ActionEnded)] == ["lapsed"]


def test_another_character_agrees_to_nothing_for_the_player(stage):
    s = stage([f"My boat? If you bring it back. {LEND}", "So it is."])
    s.take("lend_boat")
    s.ann.ask("Lend me your boat.")
    s.ann.ask("Yes.", speaker="bo")
    assert s.calls == []
    s.ann.ask("Yes.")
    assert len(s.calls) == 1


def test_an_offer_that_is_not_possible_any_more_is_let_go(stage):
    s = stage([f"Shall I open it? {OPEN}", "Hm."])
    declared = s.engine.cast.world.actions["open_gate"]
    s.engine.cast.world.actions["open_gate"] = declared.model_copy(update={"confirm": True})
    s.take("open_gate")
    s.ann.ask("Open the gate.")
    assert s.heard.of(ActionHeld)
    s.engine.world.set("gate", "open")
    s.ann.ask("Yes.")
    assert s.calls == []
    assert [e.outcome for e in s.heard.of(ActionEnded)] == ["lapsed"]


def test_an_id_stands_for_one_doing_though_the_yes_is_said_again(stage):
    s = stage([f"My boat? If you bring it back. {LEND}", "Mind the rudder."])
    s.take("lend_boat")
    s.ann.ask("Lend me your boat.")
    s.engine.snapshot("offered")
    s.ann.ask("Yes.")
    s.engine.restore("offered")
    s.ann.ask("Yes.")
    ids = [e.call_id for e in s.heard.of(ActionProposed)]
    assert len(ids) == len(set(ids)) == len(s.calls) == 2


def test_nothing_that_was_taken_back_comes_again_with_an_older_reply(stage):
    s = stage([OPEN, "There, open.", "No, then."])
    s.take("open_gate", retract=lambda call: True)
    s.ann.ask("Open the gate, please.")
    s.ann.wait(s.ann.regenerate())
    entries, _ = s.ann.swipes()
    for index in range(len(entries)):
        s.ann.swipe_to(index)
        assert not s.entries(ActionSettled), index


def test_a_reply_is_not_written_anew_behind_what_was_done_meanwhile(stage):
    s = stage([f"Sold. {SELL}", "No, then."])
    s.take("sell_flour")
    s.ann.ask("I want to buy flour.")
    asked, epoch = s.ann.talk.past.last_player_entry(), s.engine._store.epoch
    (called,) = s.entries(ActionCalled)
    with pytest.raises(CommandError, match="has done sell_flour meanwhile"):
        s.ann.talk.past.leave_acts_after(asked.id, epoch, ())
    assert s.entries(ActionSettled)
    s.ann.talk.past.leave_acts_after(asked.id, epoch, {called.call_id})
    assert not s.entries(ActionSettled)


def test_a_handler_that_is_cancelled_has_failed(stage):
    s = stage([f"Let me see. {LOOK}", "Four crowns."])
    begun = []

    async def handle(call):
        task = asyncio.current_task()
        begun.append(task)
        task.cancel()
        await asyncio.sleep(1)

    s.engine.on_action("look_up_price", handle)
    line = s.ann.ask("What does flour cost?")
    assert line.actions[0].outcome == "failed"


def test_a_talk_does_not_go_back_behind_what_is_still_under_way(stage):
    s = stage([f"Sold. {SELL}"])
    waiting = []
    s.engine.on_action("sell_flour", lambda call: waiting.append(call) or LATER)
    s.ann.ask("I want to buy flour.")
    with pytest.raises(CommandError, match="under way"):
        s.ann.undo()
    waiting[0].refused()
    until(s, lambda: s.heard.of(ActionEnded))
    assert s.ann.undo() == "I want to buy flour."


def test_a_crash_in_the_words_behind_an_action_keeps_what_was_done(stage, monkeypatch):
    monkeypatch.setattr("npc_engine.dialogue.answering._DRAFT_EVERY_S", 0.0)
    s = stage(ScriptedSession([f"Let me see. {LOOK}", Reply("Four crowns a sack, no less.", 0.1)]))
    s.take("look_up_price", 4)
    store, chat_id = s.engine._store, s.ann.chat_id
    line = s.ann.say("What does flour cost?")
    until(s, lambda: (d := store.draft(chat_id, "reply")) and "Four" in d.text)
    assert store.recover_drafts() == 1
    assert [each.outcome for each in s.entries(ActionSettled)] == ["done"]
    first, second = [each for each in s.entries(LineSaid) if each.role == "npc"]
    assert (first.text, second.to, second.hearers) == ("Let me see.", first.to, first.hearers)
    line.cancel()
    s.ann.wait(line)


def test_another_try_at_a_line_that_was_answered_by_an_action_is_another_try(stage):
    s = stage([OPEN, "There, open.", "No, then."])
    s.take("open_gate", retract=lambda call: True)
    s.ann.ask("Open the gate, please.")
    s.ann.wait(s.ann.regenerate())
    first, _, again = s.session.requests[:3]
    assert first.prompt_ids == again.prompt_ids
    assert first.seed != again.seed


def test_what_the_content_policy_forbids_is_in_no_argument_either(stage):
    policy = KeywordPolicy({"Sexual": ["kiss"]})
    s = stage([f"Let me see. {LOOK.replace('flour', 'a kiss')}"], policy=policy)
    s.take("look_up_price")
    line = s.ann.ask("What does it cost?")
    assert (line.text, s.calls) == ("Let me see.", [])
    (dropped,) = s.heard.of(ActionDropped)
    assert (dropped.reason, "Sexual" in dropped.detail) == ("blocked", True)


def test_closing_ends_handlers_that_are_still_awaited(stage):
    s = stage([f"Sold. {SELL}"])
    ended = threading.Event()

    async def handle(call):
        try:
            await asyncio.sleep(600)
        finally:
            ended.set()

    s.engine.on_action("sell_flour", handle)
    line = s.ann.ask("I want to buy flour.")
    assert line.actions[0].outcome is None
    s.engine.close()
    assert ended.wait(10)
