"""Actions in a game: offered, called for, carried out once, told on."""

import asyncio
import json
import threading
import time

import pytest

from npc_engine.engine import LATER, Engine
from npc_engine.errors import CommandError
from npc_engine.events import ActionDropped, ActionEnded, ActionHeld, ActionProposed, Notice
from npc_engine.memory.entries import ActionCalled, ActionSettled, WorldEventSeen
from npc_engine.model.plain_tokenizer import PlainTokenizer
from npc_engine.model.scripted import Reply, ScriptedSession
from tests.stage import write_project
from tests.stage_engine import Heard

ACTIONS = """\
actions:
  sell_flour:
    description: Sell flour to the stranger at a price.
    parameters:
      sacks: {type: integer, minimum: 1, maximum: 9}
      price: {type: integer, minimum: 0}
    required: [sacks]
    keys: [buy, flour, sack]
    cooldown_s: 60
    tells: "{npc} sells {sacks} sacks of flour."
  look_up_price:
    description: Look up what something costs in the book.
    parameters: {thing: {type: string}}
    required: [thing]
    keys: [cost, price]
    returns: true
  open_gate:
    description: Open the gate.
    when: state.gate == "shut"
    keys: [gate]
    reversible: true
  lend_boat:
    description: Lend the boat to the stranger.
    keys: [boat]
    confirm: true
"""
SELL = '<toolcall> {"name": "sell_flour", "arguments": {"sacks": 2, "price": 4}} </toolcall>'
LOOK = '<toolcall> {"name": "look_up_price", "arguments": {"thing": "flour"}} </toolcall>'
OPEN = '<toolcall> {"name": "open_gate", "arguments": {}} </toolcall>'
LEND = '<toolcall> {"name": "lend_boat", "arguments": {}} </toolcall>'


class Stage:
    """An engine with actions, and what its game was asked to do."""

    def __init__(self, folder, script, *, save=None, **options):
        write_project(folder)
        world = folder / "worlds" / "ford.yaml"
        world.write_text(world.read_text() + ACTIONS)
        ann = folder / "characters" / "ann.yaml"
        names = "actions: [sell_flour, look_up_price, open_gate, lend_boat]\n"
        ann.write_text(ann.read_text() + names)
        self.session = script if isinstance(script, ScriptedSession) else ScriptedSession(script)
        self.engine = Engine.open(
            world, folder / "characters", save, self.session, prewarm=False, **options
        )
        self.heard = Heard(self.engine)
        self.calls = []

    def take(self, name, result=None, **options):
        def handle(call):
            self.calls.append((call.npc, call.name, call.arguments))
            return result

        self.engine.on_action(name, handle, **options)

    @property
    def ann(self):
        return self.engine.npc("ann")

    def entries(self, kind):
        return [e.payload for e in self.ann.talk.path() if isinstance(e.payload, kind)]

    def prompt(self, number=-1):
        return self.session.tokenizer.decode(self.session.requests[number].prompt_ids)


@pytest.fixture
def stage(tmp_path):
    made = []

    def make(script, **options):
        made.append(Stage(tmp_path, script, **options))
        return made[-1]

    yield make
    for each in made:
        each.engine.close()


def test_without_a_handler_nobody_knows_of_actions(stage):
    s = stage(["Good flour."])
    s.ann.ask("I want to buy flour.")
    assert "sell_flour" not in s.prompt()


def test_an_action_is_called_done_and_remembered(stage):
    s = stage([f"Two sacks, then. {SELL}", "As you say."])
    s.take("sell_flour")
    line = s.ann.ask("I want to buy two sacks of flour.")
    assert (line.text, line.reason, line.rung) == ("Two sacks, then.", "stopped", "full")
    assert s.calls == [("ann", "sell_flour", {"sacks": 2, "price": 4})]
    assert [call.outcome for call in line.actions] == ["done"]
    assert [e.outcome for e in s.heard.of(ActionEnded)] == ["done"]
    (called,), (settled,) = s.entries(ActionCalled), s.entries(ActionSettled)
    assert called.call_id == settled.call_id == line.actions[0].id
    s.ann.ask("Thank you.")
    assert "Two sacks, then.\n<tool_call>" in s.prompt()
    assert '{"name": "sell_flour", "arguments": {"sacks": 2, "price": 4}}' in s.prompt()


def test_schemas_stand_in_the_prompt_and_sections_add_up(stage):
    s = stage(["Good flour."])
    for name in ("sell_flour", "open_gate"):
        s.take(name)
    plan = s.ann.plan("I want to buy flour.")
    assert plan.tokens_of("actions") > 20
    assert sum(section.tokens for section in plan.sections) == plan.total_tokens
    assert "can do now" in plan.text


def test_where_the_template_has_no_tools_they_are_told_in_words(stage):
    class NoTools(PlainTokenizer):
        takes_tools = False

    s = stage(ScriptedSession(["Good flour."], tokenizer=NoTools()))
    s.take("sell_flour")
    plan = s.ann.plan("I want to buy flour.")
    assert "- sell_flour(sacks: whole number from 1 to 9;" in plan.text
    assert sum(section.tokens for section in plan.sections) == plan.total_tokens


def test_small_talk_fires_no_action(stage):
    s = stage([f"A fine morning. {SELL}"])
    s.take("sell_flour")
    line = s.ann.ask("Lovely weather today.")
    assert (line.text, s.calls) == ("A fine morning.", [])
    assert [e.reason for e in s.heard.of(ActionDropped)] == ["ungrounded"]


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ('<toolcall> {"name": "fly_away", "arguments": {}} </toolcall>', "unknown_action"),
        ('<toolcall> {"name": "sell_flour", "arguments": {}} </toolcall>', "missing_argument"),
        (
            '<toolcall> {"name": "sell_flour", "arguments": {"sacks": 99}} </toolcall>',
            "bad_argument",
        ),
    ],
)
def test_a_wrong_call_is_dropped_and_the_words_stand(stage, call, reason):
    s = stage([f"Certainly. {call}"])
    s.take("sell_flour")
    line = s.ann.ask("I want to buy flour.")
    assert (line.text, s.calls) == ("Certainly.", [])
    assert [e.reason for e in s.heard.of(ActionDropped)] == [reason]
    assert not s.entries(ActionCalled)


def test_a_result_is_told_to_the_model_which_speaks_once_more(stage):
    s = stage([f"Let me see. {LOOK}", "Four crowns a sack."])
    s.take("look_up_price", {"price": 4})
    line = s.ann.ask("What does flour cost?")
    assert line.text == "Let me see.\nFour crowns a sack."
    assert '{"price": 4}' in s.prompt()
    assert len(s.session.requests) == 2
    said = [each.text for each in s.ann.history()]
    assert said == ["What does flour cost?", "Let me see.", "Four crowns a sack."]


def test_a_call_without_words_gets_words(stage):
    s = stage([SELL, "There you are."])
    s.take("sell_flour")
    line = s.ann.ask("I want to buy flour.")
    assert (line.text, len(s.calls)) == ("There you are.", 1)
    s.ann.ask("Thanks.")
    prompt = s.prompt()
    assert prompt.index("sell_flour", prompt.index("I want to buy flour.")) < prompt.index(
        "There you are."
    )


def test_the_second_reply_calls_for_nothing(stage):
    s = stage([LOOK, f"Four crowns. {SELL}"])
    s.take("look_up_price", 4)
    s.take("sell_flour")
    line = s.ann.ask("What does flour cost? I want to buy some.")
    assert "toolcall" not in line.text
    assert [name for _, name, _ in s.calls] == ["look_up_price"]


def test_a_second_call_is_cut_out_and_asked_for_as_words(stage):
    s = stage([LOOK, '{"name": "look_up_price", "arguments": {"thing": "rye"}}', "Four crowns."])
    s.take("look_up_price", 4)
    line = s.ann.ask("What does flour cost?")
    assert (line.text, len(s.calls)) == ("Four crowns.", 1)


def test_where_a_call_alone_is_dropped_the_npc_is_asked_for_words(stage):
    s = stage([SELL, "A fine day it is."])
    s.take("sell_flour")
    line = s.ann.ask("Lovely weather today.")
    assert (line.text, line.rung, s.calls) == ("A fine day it is.", "full", [])
    assert "only speaks" in s.prompt()


def test_one_action_a_turn_by_default(stage):
    s = stage([f"Both. {SELL} {OPEN}"])
    s.take("sell_flour")
    s.take("open_gate")
    s.ann.ask("I want to buy flour. Open the gate.")
    assert len(s.calls) == 1


def test_several_actions_where_the_game_allows_them(stage):
    both = SELL.replace(" </toolcall>", ",") + OPEN.removeprefix("<toolcall>")
    s = stage([f"Both. {both}"], actions_per_turn=2)
    s.take("sell_flour")
    s.take("open_gate")
    s.ann.ask("I want to buy flour. Open the gate.")
    assert [name for _, name, _ in s.calls] == ["sell_flour", "open_gate"]


def test_a_cooldown_holds_and_an_undone_action_gives_it_back(stage):
    s = stage([f"Sold. {SELL}"])
    s.take("sell_flour", retract=lambda call: True)
    s.ann.ask("I want to buy flour.")
    s.ann.ask("I want to buy more flour.")
    assert len(s.calls) == 1
    assert [e.reason for e in s.heard.of(ActionDropped)] == ["blocked"]


def test_what_cannot_be_taken_back_keeps_the_talk_where_it_is(stage):
    s = stage([f"Sold. {SELL}"])
    s.take("sell_flour", retract=lambda call: True)
    s.ann.ask("I want to buy flour.")
    for change in (s.ann.undo, s.ann.regenerate):
        with pytest.raises(CommandError, match="sell_flour, which cannot be taken back"):
            change()


def test_a_reversible_action_is_taken_back_with_its_line(stage):
    taken = []
    s = stage([f"Open it is. {OPEN}", "No, then."])
    s.take("open_gate", retract=lambda call: taken.append(call.id) or True)
    line = s.ann.ask("Open the gate, please.")
    again = s.ann.wait(s.ann.regenerate())
    assert taken == [line.actions[0].id]
    assert again.text == "No, then."
    assert not s.entries(ActionSettled)
    s.engine.tick(None)
    assert [e.outcome for e in s.heard.of(ActionEnded)] == ["done", "retracted"]


def test_a_game_that_does_not_take_back_keeps_the_talk(stage):
    s = stage([f"Open it is. {OPEN}"])
    s.take("open_gate", retract=lambda call: False)
    s.ann.ask("Open the gate, please.")
    with pytest.raises(CommandError, match="does not take back"):
        s.ann.undo()
    assert len(s.entries(ActionSettled)) == 1


def test_a_veto_refuses_and_the_npc_speaks(stage):
    s = stage([f"Sold. {SELL}"])
    s.take("sell_flour", veto=lambda call: call.arguments["sacks"] < 2)
    line = s.ann.ask("I want to buy flour.")
    assert (line.text, s.calls, line.actions[0].outcome) == ("Sold.", [], "refused")


def test_a_handler_that_raises_has_failed_and_the_game_goes_on(stage):
    s = stage([f"Let me see. {LOOK}", "The book is gone."])

    def broken(call):
        raise KeyError("ledger")

    s.engine.on_action("look_up_price", broken)
    line = s.ann.ask("What does flour cost?")
    assert line.text == "Let me see.\nThe book is gone."
    assert line.actions[0].outcome == "failed"
    assert any("KeyError" in notice.text for notice in s.heard.of(Notice))


def test_a_handler_may_answer_in_a_later_tick(stage):
    s = stage([f"Let me see. {LOOK}", "Four crowns."])
    waiting = []
    s.engine.on_action("look_up_price", lambda call: waiting.append(call) or LATER)
    line = s.ann.say("What does flour cost?")
    while not waiting:
        s.engine.tick()
        time.sleep(0.001)
    assert not line.done
    waiting[0].done({"price": 4})
    s.ann.wait(line)
    assert line.text.endswith("Four crowns.")


def test_what_is_answered_after_the_line_is_remembered_all_the_same(stage):
    s = stage([f"Sold. {SELL}", "Thanks to you."])
    waiting = []
    s.engine.on_action("sell_flour", lambda call: waiting.append(call) or LATER)
    line = s.ann.ask("I want to buy flour.")
    assert (line.done, line.actions[0].outcome) == (True, None)
    assert waiting[0].done()
    assert not waiting[0].refused()
    end = time.monotonic() + 10
    while not s.heard.of(ActionEnded):
        s.engine.tick()
        assert time.monotonic() < end
    s.ann.ask("Thank you.")
    assert "sell_flour" in s.prompt().split("I want to buy flour.")[1]


def test_a_coroutine_is_awaited_without_and_within_an_event_loop(stage):
    s = stage([f"Let me see. {LOOK}", "Four crowns."])

    async def handle(call):
        await asyncio.sleep(0)
        return {"price": 4, "thread": threading.current_thread().name}

    s.engine.on_action("look_up_price", handle)
    line = s.ann.ask("What does flour cost?")
    assert json.loads(line.actions[0].result)["thread"] == "npc-engine-handlers"

    async def play():
        return await s.ann.reply("What does flour cost?")

    line = asyncio.run(play())
    assert json.loads(line.actions[0].result)["thread"] == "MainThread"


def test_an_action_to_be_confirmed_waits_for_a_yes(stage):
    s = stage([f"My boat? If you bring it back. {LEND}", "Mind the rudder."])
    s.take("lend_boat")
    s.ann.ask("Lend me your boat.")
    assert s.calls == []
    assert len(s.heard.of(ActionHeld)) == 1
    line = s.ann.ask("Yes, I will.")
    assert (len(s.calls), line.text) == (1, "Mind the rudder.")


def test_an_action_to_be_confirmed_is_let_go_without_a_yes(stage):
    s = stage([f"My boat? If you bring it back. {LEND}", "As you like."])
    s.take("lend_boat")
    s.ann.ask("Lend me your boat.")
    s.ann.ask("No, rather not.")
    s.ann.ask("Yes.")
    assert s.calls == []
    assert [e.outcome for e in s.heard.of(ActionEnded)] == ["lapsed"]


def test_what_was_done_is_seen_by_those_who_are_there(stage):
    s = stage([f"Sold. {SELL}"])
    s.take("sell_flour")
    s.engine.world.arrive("ann", "mill")
    s.engine.world.arrive("bo", "mill")
    s.ann.ask("I want to buy flour.")
    (seen,) = s.entries(WorldEventSeen)
    assert (seen.text, seen.witnesses) == ("Ann sells 2 sacks of flour.", ("ann", "bo"))


def test_a_line_cancelled_in_the_middle_of_a_call_does_nothing(stage):
    s = stage([Reply(f"Sold. {SELL}", delay_s=0.02)])
    s.take("sell_flour")
    line = s.ann.say("I want to buy flour.")
    end = time.monotonic() + 10
    while not line.text:
        s.engine.tick()
        assert time.monotonic() < end
    line.cancel()
    s.ann.wait(line)
    assert (s.calls, line.reason) == ([], "cancelled")


def test_a_call_cut_off_by_the_reply_reserve_does_nothing(stage):
    s = stage([Reply("Sold. " + SELL[:40], reason="length")])
    s.take("sell_flour")
    line = s.ann.ask("I want to buy flour.")
    assert (s.calls, line.text) == ([], "Sold.")


def test_a_restore_forgets_what_was_under_way(stage):
    s = stage([f"Sold. {SELL}", "Hello again."])
    waiting = []
    s.engine.on_action("sell_flour", lambda call: waiting.append(call) or LATER)
    s.engine.snapshot("before")
    s.ann.ask("I want to buy flour.")
    s.engine.restore("before")
    waiting[0].done()
    line = s.ann.ask("Good day.")
    assert line.text == "Hello again."
    assert s.prompt().count('"arguments": {"sacks": 2') == 0
    assert not s.entries(ActionSettled)


def test_an_unknown_action_is_refused_with_a_suggestion(stage):
    s = stage(["Hello."])
    with pytest.raises(CommandError, match="sell_flour"):
        s.engine.on_action("sell_flower", print)


def test_a_call_never_shows_in_the_text(stage):
    s = stage([f"Sold. {SELL}"])
    s.take("sell_flour")
    shown = []
    line = s.ann.say("I want to buy flour.")
    line.listeners.append(lambda event: shown.append(line.text))
    s.ann.wait(line)
    assert all("tool" not in text and "{" not in text for text in shown)
    assert isinstance(s.heard.of(ActionProposed)[0].arguments, dict)


def test_an_action_with_a_veto_cannot_be_taken_without_one(stage):
    s = stage(["Hello."])
    declared = s.engine.cast.world.actions["sell_flour"]
    s.engine.cast.world.actions["sell_flour"] = declared.model_copy(update={"veto": True})
    with pytest.raises(CommandError, match="give veto="):
        s.engine.on_action("sell_flour", print)
    s.engine.on_action("sell_flour", print, veto=lambda call: True)


@pytest.mark.parametrize("command", ["/undo", "/branch 1"])
def test_a_slash_command_goes_back_behind_actions_by_the_same_rule(stage, command):
    s = stage([f"Sold. {SELL}"])
    s.take("sell_flour", retract=lambda call: True)
    s.ann.ask("I want to buy flour.")
    with pytest.raises(CommandError, match="sell_flour, which cannot be taken back"):
        s.ann.command(command)
    assert len(s.entries(ActionSettled)) == 1


@pytest.mark.parametrize(("change", "to"), [("swipe_to", 7), ("branch", 10_000), ("branch", 0)])
def test_what_cannot_be_gone_back_to_takes_nothing_back(stage, change, to):
    taken = []
    s = stage([f"Open it is. {OPEN}"])
    s.take("open_gate", retract=lambda call: taken.append(call.id) or True)
    s.ann.ask("Open the gate, please.")
    with pytest.raises(CommandError, match="there is no"):
        getattr(s.ann, change)(to)
    assert (taken, len(s.entries(ActionSettled))) == ([], 1)


def test_another_reply_keeps_what_was_done_before_both(stage):
    s = stage([OPEN, "There.", "Done."])
    s.take("open_gate", retract=lambda call: False)
    s.ann.ask("Open the gate, please.")
    replies, current = s.ann.swipes()
    s.ann.swipe_to(current)
    assert (len(replies), len(s.entries(ActionSettled))) == (1, 1)
