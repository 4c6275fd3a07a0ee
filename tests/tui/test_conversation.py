import time

import pytest

from npc_engine.engine import Engine
from npc_engine.errors import LoadError
from npc_engine.model.scripted import ScriptedSession
from npc_engine.tui.bridge import Bridge
from tests.stage import FakeClock
from tests.stage_engine import open_engine
from tests.tui.stage_app import hanging, stage_engine


def settle(bridge: Bridge, holds=None) -> None:
    """Pump until nothing is being written, or until something holds."""
    done = holds or (lambda: not bridge.conversation.state.is_writing)
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end
        bridge.pump()


@pytest.fixture
def stage(tmp_path):
    with stage_engine(tmp_path, "Fresher than you.", "Ask the river.", "No.") as engine:
        bridge = Bridge(engine)
        conversation = bridge.open("ann")
        settle(bridge)
        yield bridge, conversation


def texts(conversation) -> list[str]:
    return [line.text for line in conversation.state.lines]


def test_an_empty_chat_begins_with_the_greeting(stage):
    _, conversation = stage
    assert texts(conversation) == ["Mind the step."]
    assert conversation.state.clock == "day 1, 12:00"


def test_listeners_hear_once_for_each_pump_that_changed_something(stage):
    bridge, conversation = stage
    heard = []
    stop = bridge.listen(lambda: heard.append(conversation.state))
    bridge.pump()
    assert heard == []
    conversation.send("Is the flour fresh?")
    settle(bridge)
    assert heard[-1] is conversation.state
    assert len(heard) == len(set(map(id, heard)))
    stop()
    count = len(heard)
    conversation.send("And now?")
    settle(bridge)
    assert len(heard) == count


def test_the_plan_shown_is_the_one_that_was_sent(stage):
    bridge, conversation = stage
    conversation.send("Is the flour fresh?")
    settle(bridge)
    session = bridge.engine.session
    assert conversation.state.plan.prompt_ids == session.requests[-1].prompt_ids


def test_the_preview_is_the_plan_of_an_empty_line(stage):
    bridge, conversation = stage
    plan = conversation.plan_job()()
    assert plan == bridge.engine.npc("ann", bridge.engine.chats("ann")[0].id).plan("")
    assert conversation.plan_job() is None


def test_swipes_go_back_and_forth_and_past_the_last_a_new_one_is_written(stage):
    bridge, conversation = stage
    conversation.send("Hello")
    settle(bridge)
    conversation.swipe(1)
    settle(bridge)
    assert texts(conversation)[-1] == "Ask the river."
    assert conversation.state.lines[-1].versions == 2
    conversation.swipe(-1)
    assert texts(conversation)[-1] == "Fresher than you."
    assert (conversation.state.lines[-1].version, conversation.state.lines[-1].versions) == (1, 2)
    conversation.swipe(-1)
    assert conversation.state.notice.text == "this is the first reply"
    conversation.swipe(1)
    assert texts(conversation)[-1] == "Ask the river."


def test_there_is_nothing_to_swipe_before_the_first_line(stage):
    _, conversation = stage
    conversation.swipe(1)
    assert "say something first" in conversation.state.notice.text
    conversation.regenerate()
    assert "say something first" in conversation.state.notice.text


def test_another_try_that_is_stopped_at_once_brings_the_old_reply_back(tmp_path):
    with stage_engine(tmp_path, "Fresher than you.", hanging("Well then", 0)) as engine:
        bridge = Bridge(engine)
        conversation = bridge.open("ann")
        conversation.send("Hello")
        settle(bridge)
        conversation.regenerate()
        settle(bridge, lambda: len(engine.session.requests) == 2)
        assert conversation.stop()
        settle(bridge)
        assert texts(conversation)[-1] == "Fresher than you."


@pytest.mark.parametrize(
    ("command", "effect"),
    [("/quit", "quit"), ("/q", "quit"), ("/new", "new_chat"), ("/help", "help")],
)
def test_commands_for_the_screen_work_while_a_reply_is_written(tmp_path, command, effect):
    with stage_engine(tmp_path, hanging("One two three four five")) as engine:
        bridge = Bridge(engine)
        conversation = bridge.open("ann")
        settle(bridge)
        conversation.send("Hello")
        assert conversation.command(command) == effect


def test_a_long_answer_is_a_note_and_a_short_one_a_notice(stage):
    bridge, conversation = stage
    conversation.send("Hello")
    settle(bridge)
    assert conversation.command("/prompt") == "none"
    assert conversation.state.lines[-1].role == "note"
    assert conversation.state.lines[-1].name == "/prompt"
    assert "template" in conversation.state.lines[-1].text
    conversation.command("/world gate=open")
    assert conversation.state.notice.text == "gate is now open"


def test_undo_takes_the_line_and_its_reply_back(stage):
    bridge, conversation = stage
    conversation.send("Hello")
    settle(bridge)
    conversation.command("/undo")
    assert texts(conversation) == ["Mind the step."]
    assert conversation.recall() == "Hello"


def test_what_makes_no_sense_is_a_notice(stage):
    _, conversation = stage
    conversation.command("/swpie")
    assert conversation.state.notice.level == "warning"
    assert "/swipe" in conversation.state.notice.text
    assert not conversation.send("\x1b[0m")
    assert "empty" in conversation.state.notice.text


def test_a_line_that_begins_with_two_slashes_is_said_with_one(stage):
    bridge, conversation = stage
    conversation.send("//shrug")
    settle(bridge)
    assert texts(conversation)[1] == "/shrug"


def test_a_model_that_cannot_be_loaded_is_told_with_its_mend_and_barks_answer(tmp_path):
    engine = open_engine(tmp_path, ScriptedSession(["unused"]))
    library, world_id, store = engine._library, engine._world_id, engine._store

    def fail(progress):
        raise LoadError("found no weights of smollm2; run: npc models get smollm2")

    broken = Engine(library, world_id, store, fail, clock=FakeClock())
    with broken:
        bridge = Bridge(broken)
        conversation = bridge.open("ann")
        settle(bridge, lambda: bridge.model.phase == "failed")
        assert bridge.model.text.endswith("run: npc models get smollm2")
        conversation.send("Hello")
        settle(bridge)
        assert texts(conversation)[-1] == "Not now."
        assert "npc models get smollm2" in conversation.state.notice.text
        conversation.command("/memory")
        assert "npc models get smollm2" in conversation.state.notice.text


def test_a_left_chat_is_resumed_as_it_was(tmp_path):
    with stage_engine(tmp_path, save=True) as engine:
        bridge = Bridge(engine)
        conversation = bridge.open("ann")
        settle(bridge)
        conversation.send("Hello")
        settle(bridge)
        conversation.keep_typed("half a li")
    with stage_engine(tmp_path, save=True) as engine:
        conversation = Bridge(engine).open("ann")
        assert texts(conversation) == ["Mind the step.", "Hello", "Fresher than you."]
        assert conversation.typed() == "half a li"


def test_a_sent_line_takes_its_draft_away(stage):
    bridge, conversation = stage
    conversation.keep_typed("Hello")
    conversation.send("Hello")
    settle(bridge)
    assert conversation.typed() == ""


def test_closing_in_the_middle_of_a_reply_keeps_what_was_heard(tmp_path):
    with stage_engine(tmp_path, hanging("One two three four five"), save=True) as engine:
        bridge = Bridge(engine)
        conversation = bridge.open("ann")
        settle(bridge)
        conversation.send("Count")
        settle(bridge, lambda: texts(conversation)[-1] == "One two three four")
    with stage_engine(tmp_path, save=True) as engine:
        conversation = Bridge(engine).open("ann")
        assert conversation.state.lines[-1].text == "One two three four"
        assert conversation.state.lines[-1].mark == "stopped"
