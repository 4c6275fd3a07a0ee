"""`npc chat --act`: characters act, and what they do is told."""

import io

from npc_engine.engine import Engine
from npc_engine.model.scripted import ScriptedSession
from npc_engine.tui.line_mode import LineModeOptions, run_lines
from npc_engine.tui.rehearsal import act_in_words, act_out
from npc_engine.tui.state import ChatState, on_event
from tests.stage import CHARACTERS, WORLDS

SELL = '<tool_call>{"name": "offer_item", "arguments": {"item": "sword", "price": 30}}</tool_call>'


def open_oakhollow(*replies):
    return Engine.open(WORLDS / "oakhollow.yaml", CHARACTERS, model=ScriptedSession(replies))


def test_what_is_done_stands_below_the_words_in_line_mode():
    out, notes = io.StringIO(), io.StringIO()
    with open_oakhollow(f"Thirty. {SELL}") as engine:
        act_out(engine)
        npc = engine.npc("mira")
        run_lines(engine, npc, iter(["I want to buy a sword.\n"]), out, notes, LineModeOptions())
    assert "Thirty." in out.getvalue()
    assert 'Mira does offer_item item: "sword", price: 30]' in notes.getvalue()


def test_without_it_nobody_acts():
    out, notes = io.StringIO(), io.StringIO()
    with open_oakhollow(f"Thirty. {SELL}") as engine:
        npc = engine.npc("mira")
        run_lines(engine, npc, iter(["I want to buy a sword.\n"]), out, notes, LineModeOptions())
    assert "offer_item" not in out.getvalue() + notes.getvalue()


def test_the_screen_notes_acts_of_this_character_alone():
    with open_oakhollow(f"Thirty. {SELL}", "No. " + SELL.replace("30", "-1")) as engine:
        act_out(engine)
        events = []
        engine.subscribe(events.append)
        engine.npc("mira").ask("I want to buy a sword.")
        engine.npc("wick").ask("I want to buy a sword.")
        chat = ChatState("mira", "Mira", "Oakhollow")
        for event in events:
            chat = on_event(chat, event)
    assert [(line.name, line.text) for line in chat.lines] == [
        ("Mira acts", 'does offer_item item: "sword", price: 30')
    ]
    dropped = [act_in_words(event) for event in events if getattr(event, "npc", "") == "wick"]
    assert any(text.startswith("does not do offer_item: ") for text in dropped)
