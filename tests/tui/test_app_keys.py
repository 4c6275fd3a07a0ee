import json
import os
import signal
import subprocess
import sys

import pytest
from textual.binding import Binding
from textual.widgets import OptionList

from npc_engine.tui import app as app_module
from npc_engine.tui.keys import binding_ids, own_bindings
from npc_engine.tui.screens.chat import ChatScreen
from npc_engine.tui.screens.chooser import ChooserScreen
from npc_engine.tui.screens.help import HelpScreen
from npc_engine.tui.widgets.panel import PromptPanel
from npc_engine.tui.wording import gauge_rows, gauge_text
from tests.stage import ROOT
from tests.tui.stage_app import NARROW, WIDE, hanging, running, stage_engine


async def test_enter_sends_and_the_reply_is_shown(tmp_path):
    async with running(stage_engine(tmp_path)) as stage:
        await stage.say("Is the flour fresh?")
        assert stage.texts() == ["Mind the step.", "Is the flour fresh?", "Fresher than you."]
        assert [view.line.text for view in stage.views] == stage.texts()
        assert stage.row("status") == "saved"


async def test_letters_and_enter_in_one_burst_keep_their_order(tmp_path):
    async with running(stage_engine(tmp_path)) as stage:
        await stage.pilot.press(*"hello", "enter", *"next")
        await stage.until(lambda: len(stage.chat.lines) == 3)
        await stage.idle()
        assert stage.texts()[1] == "hello"
        assert stage.box.text == "next"


@pytest.mark.parametrize("key", ["ctrl+j", "shift+enter"])
async def test_a_row_is_broken_without_sending(tmp_path, key):
    async with running(stage_engine(tmp_path)) as stage:
        await stage.type("one")
        await stage.pilot.press(key)
        await stage.type("two")
        assert stage.box.text == "one\ntwo"
        await stage.pilot.press("enter")
        await stage.until(lambda: len(stage.chat.lines) == 3)
        assert stage.texts()[1] == "one\ntwo"


async def test_the_box_grows_to_five_rows_and_no_further(tmp_path):
    async with running(stage_engine(tmp_path)) as stage:
        heights = [stage.box.size.height]
        for _ in range(6):
            await stage.pilot.press("a", "ctrl+j")
            await stage.pilot.pause()
            heights.append(stage.box.size.height)
        assert heights == [1, 2, 3, 4, 5, 5, 5]


async def test_a_growing_reply_is_shown_and_escape_stops_it(tmp_path):
    engine = stage_engine(tmp_path, hanging("One two three four five"))
    async with running(engine) as stage:
        await stage.type("Count")
        await stage.pilot.press("enter")
        await stage.writing("One two three four")
        assert "writing" in stage.row("status")
        assert stage.views[-1].line.writing
        await stage.pilot.press("escape")
        await stage.idle()
        assert stage.chat.lines[-1].mark == "stopped"
        assert stage.chat.lines[-1].text == "One two three four"


async def test_ctrl_c_stops_and_then_says_how_to_leave(tmp_path):
    async with running(stage_engine(tmp_path, hanging("One two three four five"))) as stage:
        await stage.type("Count")
        await stage.pilot.press("enter")
        await stage.writing("One two three four")
        await stage.pilot.press("ctrl+c")
        await stage.idle()
        assert stage.chat.lines[-1].mark == "stopped"
        await stage.pilot.press("ctrl+c")
        await stage.pilot.pause()
        assert "ctrl+q quits" in stage.row("status")


async def test_ctrl_c_copies_what_is_marked_in_the_box(tmp_path):
    async with running(stage_engine(tmp_path)) as stage:
        await stage.type("copy me")
        await stage.pilot.press("shift+home", "ctrl+c")
        assert stage.app.clipboard == "copy me"


async def test_ctrl_c_copies_what_is_marked_in_the_log(tmp_path):
    async with running(stage_engine(tmp_path)) as stage:
        stage.views[0].text_select_all()
        await stage.pilot.press("ctrl+c")
        await stage.pilot.pause()
        assert "Mind the step." in stage.app.clipboard
        assert "copied" in stage.row("status")


async def test_arrows_swipe_in_an_empty_box_only(tmp_path):
    async with running(stage_engine(tmp_path, "First.", "Second.")) as stage:
        await stage.say("Hello")
        await stage.pilot.press("right")
        await stage.idle()
        assert stage.texts()[-1] == "Second."
        await stage.pilot.press("left")
        await stage.pilot.pause()
        assert stage.texts()[-1] == "First."
        assert "‹1/2›" in str(stage.views[-1].render())
        await stage.type("ab")
        await stage.pilot.press("left", "right", "left")
        assert stage.box.cursor_location == (0, 1)
        assert stage.texts()[-1] == "First."


async def test_ctrl_r_writes_another_reply(tmp_path):
    async with running(stage_engine(tmp_path, "First.", "Second.")) as stage:
        await stage.say("Hello")
        await stage.pilot.press("ctrl+r")
        await stage.idle()
        assert stage.texts()[-1] == "Second."
        assert stage.chat.lines[-1].versions == 2


async def test_up_brings_the_last_line_back_into_the_box(tmp_path):
    async with running(stage_engine(tmp_path)) as stage:
        await stage.say("Hello")
        await stage.pilot.press("up")
        assert stage.box.text == "Hello"


async def test_a_slash_command_shows_its_hint_and_its_answer(tmp_path):
    async with running(stage_engine(tmp_path)) as stage:
        await stage.type("/mem")
        await stage.pilot.pause()
        assert stage.row("status").startswith("/memory: ")
        await stage.pilot.press("tab")
        assert stage.box.text == "/memory "
        await stage.pilot.press("enter")
        await stage.until(lambda: stage.row("status") == "saved │ 1 turns word for word, 0 folds")
        await stage.type("/world")
        await stage.pilot.press("enter")
        await stage.until(lambda: stage.chat.lines[-1].role == "note")
        assert "gate = shut" in stage.chat.lines[-1].text


async def test_a_wrong_command_is_told_and_the_app_goes_on(tmp_path):
    async with running(stage_engine(tmp_path)) as stage:
        await stage.type("/swpie")
        await stage.pilot.press("enter")
        await stage.pilot.pause()
        assert "warning: there is no command /swpie" in stage.row("status")
        await stage.say("Hello")
        assert stage.row("status") == "saved"


async def test_slash_quit_leaves(tmp_path):
    engine = stage_engine(tmp_path)
    async with running(engine) as stage:
        await stage.type("/quit")
        await stage.pilot.press("enter")
        await stage.pilot.pause()
        assert stage.app.return_code == 0


async def test_ctrl_n_and_slash_new_begin_anew(tmp_path):
    engine = stage_engine(tmp_path)
    async with running(engine) as stage:
        await stage.say("Hello")
        await stage.pilot.press("ctrl+n")
        await stage.until(lambda: stage.texts() == ["You again."])
        await stage.type("/new")
        await stage.pilot.press("enter")
        await stage.until(lambda: len(engine.chats("ann")) == 3)


async def test_the_chooser_offers_the_cast_and_enter_opens_the_chat(tmp_path):
    async with running(stage_engine(tmp_path), npc_id=None) as stage:
        cards = stage.app.screen.query_one(OptionList)
        assert [option.id for option in cards.options] == ["ann", "bo"]
        assert "model scripted" in stage.row("status")
        await stage.pilot.press("down", "enter")
        await stage.until(lambda: isinstance(stage.app.screen, ChatScreen))
        await stage.until(lambda: stage.texts() == ["Cold on the water."])


async def test_ctrl_o_goes_back_to_the_cast_and_shows_the_last_words(tmp_path):
    async with running(stage_engine(tmp_path)) as stage:
        await stage.say("Hello")
        await stage.pilot.press("ctrl+o")
        await stage.until(lambda: isinstance(stage.app.screen, ChooserScreen))
        cards = stage.app.screen.query_one(OptionList)
        assert cards.highlighted == 0
        assert stage.row("place") == "Ford: whom do you talk with?"
        assert str(cards.options[0].prompt).splitlines() == [
            "Ann Reed  2 h ago",
            "The miller of Ford.",
            "Ann: Fresher than you.",
        ]
        await stage.pilot.press("n")
        await stage.until(lambda: isinstance(stage.app.screen, ChatScreen))
        await stage.until(lambda: stage.texts() == ["You again."])


async def test_the_chooser_works_on_a_narrow_screen(tmp_path):
    async with running(stage_engine(tmp_path), npc_id=None, size=NARROW) as stage:
        for name in ("place", "setting", "cards", "status"):
            region = stage.app.screen.query_one(f"#{name}").region
            assert region.x >= 0 and region.right <= 80 and region.bottom <= 24
        await stage.pilot.press("down", "up", "enter")
        await stage.until(lambda: isinstance(stage.app.screen, ChatScreen))
        await stage.until(lambda: stage.texts() == ["Mind the step."])


async def test_the_palette_runs_what_keys_run(tmp_path):
    async with running(stage_engine(tmp_path)) as stage:
        panel = stage.app.screen.query_one(PromptPanel)
        await stage.pilot.press("ctrl+p", *"prompt")
        found = stage.app.screen.query_one("CommandList", OptionList)
        await stage.until(lambda: found.option_count == 1)
        await stage.pilot.press("down", "enter")
        await stage.until(lambda: not panel.display)


async def test_a_chat_is_resumed_with_the_line_that_was_half_typed(tmp_path):
    async with running(stage_engine(tmp_path, save=True)) as stage:
        await stage.say("Hello")
        await stage.type("half a li")
    async with running(stage_engine(tmp_path, save=True)) as stage:
        assert stage.texts() == ["Mind the step.", "Hello", "Fresher than you."]
        assert stage.box.text == "half a li"
        assert stage.box.cursor_location == (0, 9)


async def test_the_gauge_shows_the_numbers_of_the_plan(tmp_path):
    async with running(stage_engine(tmp_path)) as stage:
        engine = stage.app.bridge.engine
        npc = engine.npc("ann", engine.chats("ann")[0].id)
        assert stage.row("machine").endswith(gauge_text(npc.plan("")))
        await stage.say("Is the flour fresh?")
        plan = npc.talk.last_plan
        assert stage.row("machine").endswith(gauge_text(plan))
        panel = str(stage.app.screen.query_one(PromptPanel).query_one("Static").render())
        for row in gauge_rows(plan):
            assert f"{row.name:<9}{row.tokens:>6,}" in panel


async def test_the_panel_stands_beside_the_log_and_f2_hides_it(tmp_path):
    async with running(stage_engine(tmp_path), size=WIDE) as stage:
        panel = stage.app.screen.query_one(PromptPanel)
        assert panel.display and stage.log.region.right <= panel.region.x
        await stage.pilot.press("f2")
        assert not panel.display


async def test_on_a_narrow_screen_the_panel_lies_over_the_log_until_escape(tmp_path):
    async with running(stage_engine(tmp_path), size=NARROW) as stage:
        panel = stage.app.screen.query_one(PromptPanel)
        assert not panel.display
        assert stage.log.region.width == 80
        await stage.pilot.press("f2")
        await stage.pilot.pause()
        assert panel.display and panel.region.right == 80
        assert stage.log.region.width == 80
        await stage.pilot.press("escape")
        assert not panel.display


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_everything_fits_the_screen(tmp_path, size):
    async with running(stage_engine(tmp_path), size=size) as stage:
        await stage.say("Is the flour fresh?")
        width, height = size
        for name in ("place", "machine", "status", "log", "input"):
            region = stage.app.screen.query_one(f"#{name}").region
            assert region.x >= 0 and region.right <= width, name
            assert region.y >= 0 and region.bottom <= height, name
        assert stage.log.max_scroll_x == 0


async def test_resizing_keeps_the_talk_and_moves_the_panel(tmp_path):
    async with running(stage_engine(tmp_path), size=WIDE) as stage:
        await stage.say("Hello")
        await stage.pilot.resize_terminal(*NARROW)
        await stage.pilot.pause()
        assert not stage.app.screen.query_one(PromptPanel).display
        assert [view.line.text for view in stage.views] == stage.texts()


async def test_help_lists_every_key_and_command_and_closes(tmp_path):
    async with running(stage_engine(tmp_path)) as stage:
        await stage.pilot.press("f1")
        assert isinstance(stage.app.screen, HelpScreen)
        text = str(stage.app.screen.query_one("Static").render())
        assert "[chat.again]" in text and "/regen" in text
        await stage.pilot.press("escape")
        assert isinstance(stage.app.screen, ChatScreen)
        await stage.type("/help")
        await stage.pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, HelpScreen))


async def test_ctrl_q_quits_in_the_middle_of_a_reply_and_keeps_it(tmp_path):
    replies = (hanging("One two three four five"),)
    async with running(stage_engine(tmp_path, *replies, save=True)) as stage:
        await stage.type("Count")
        await stage.pilot.press("enter")
        await stage.writing("One two three four")
        await stage.pilot.press("ctrl+q")
    async with running(stage_engine(tmp_path, save=True)) as stage:
        assert stage.texts()[-1] == "One two three four"


async def test_sheet_and_player_text_is_literal(tmp_path):
    async with running(stage_engine(tmp_path, "[bold]no[/bold] [red")) as stage:
        await stage.say("x[b]y")
        shown = [str(view.render()) for view in stage.views]
        assert shown[1] == "You\nx[b]y"
        assert shown[2] == "Ann\n[bold]no[/bold] [red"


def test_every_binding_has_an_id_and_no_id_means_two_things():
    owners = app_module._OWNERS
    bindings = list(own_bindings(owners))
    declared = [one for owner in owners for one in owner.__dict__.get("BINDINGS", [])]
    assert all(isinstance(one, Binding) and one.id for one in declared)
    assert len({one.id for one in bindings}) == len(bindings)
    assert binding_ids(owners) == {one.id for one in bindings}


async def test_a_keymap_moves_keys_and_says_what_it_does_not_know(tmp_path):
    path = tmp_path / "keymap.json"
    path.write_text(json.dumps({"chat.send": "ctrl+s", "chat.agian": "f9"}), encoding="utf-8")
    async with running(stage_engine(tmp_path), keymap_path=path) as stage:
        notices = [notice.message for notice in stage.app._notifications]
        assert notices == [
            'keymap.json: found "chat.agian"; expected the id of a key; did you mean "chat.again"?'
        ]
        await stage.type("one")
        await stage.pilot.press("enter")
        assert stage.box.text == "one\n"
        await stage.pilot.press("ctrl+s")
        await stage.until(lambda: len(stage.chat.lines) == 3)
        assert stage.texts()[1] == "one"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
async def test_a_signal_ends_the_app_by_the_normal_way(tmp_path, name):
    number = getattr(signal, name)
    async with running(stage_engine(tmp_path)) as stage:
        os.kill(os.getpid(), number)
        await stage.until(lambda: stage.app.return_code is not None)
        assert stage.app.return_code == 128 + number


def test_importing_the_app_loads_no_torch():
    code = (
        "import sys, npc_engine.tui.app\n"
        "print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
