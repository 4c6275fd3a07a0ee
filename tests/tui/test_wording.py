import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npc_engine.prompt.compiler import compile_plan
from npc_engine.tui.acts import act_spans
from npc_engine.tui.colours import MIN_CONTRAST, contrast, readable
from npc_engine.tui.keymap import read_keymap
from npc_engine.tui.state import ChatState, LiveLine, ModelState
from npc_engine.tui.window import MAX_LINES, Window, follow, newer, older, tail
from npc_engine.tui.wording import (
    ago_text,
    command_hint,
    first_words,
    gauge_bar,
    gauge_rows,
    gauge_sums,
    gauge_text,
    section_bar,
    status_words,
    version_text,
)
from tests.stage import TOKENIZER, request

PLAN = compile_plan(request(), TOKENIZER)
READY = ModelState("ready", "cpu, float32", name="smollm2")
CHAT = ChatState(npc="ann", npc_name="Ann", world_name="Ford")


def test_the_rows_of_the_gauge_add_up_to_what_the_plan_takes_of_the_window():
    rows = gauge_rows(PLAN)
    assert sum(row.tokens for row in rows if not row.is_kept_free) == PLAN.total_tokens
    assert [(row.name, row.tokens) for row in rows[-2:]] == [
        ("margin", PLAN.margin_tokens),
        ("reserve", PLAN.reply_tokens),
    ]
    used = PLAN.total_tokens + PLAN.margin_tokens + PLAN.reply_tokens
    assert gauge_text(PLAN).startswith(f"{used:,}/{PLAN.window_tokens:,} ")
    assert gauge_sums(PLAN)[0].endswith(f"= {used:,}")


def test_the_bar_has_the_reserve_at_its_end():
    bar = gauge_bar(PLAN)
    assert len(bar) == 10
    assert bar.endswith("▒")
    assert bar.strip("▓░▒") == ""


@given(st.integers(0, 4096), st.integers(1, 4096), st.integers(1, 30))
def test_a_section_bar_is_empty_only_for_nothing(tokens, largest, cells):
    bar = section_bar(min(tokens, largest), largest, cells)
    assert (len(bar) >= 1) == (tokens > 0)
    assert len(bar) <= cells


def test_the_status_says_what_goes_on():
    loading = ModelState("loading", "reading weights", 0.4)
    assert status_words(CHAT, loading) == ("loading model: reading weights 40%",)
    assert status_words(CHAT, READY) == ("saved",)
    waiting = ChatState("ann", "Ann", "Ford", live=(LiveLine(1, "hi", 1),))
    assert status_words(waiting, READY) == ("waiting",)
    asked = ChatState("ann", "Ann", "Ford", live=(LiveLine(1, "hi", 1, started=True),))
    assert status_words(asked, READY) == ("reading",)
    writing = ChatState("ann", "Ann", "Ford", live=(LiveLine(1, "hi", 1, 2, started=True),))
    assert status_words(writing, READY) == ("writing",)
    assert status_words(CHAT, ModelState("failed", "no weights")) == ("no model",)


def test_hints_follow_a_command_while_it_is_typed():
    assert command_hint("hello") == ""
    assert command_hint("//shrug") == ""
    assert command_hint("/sw") == "/swipe [n]: the next reply that was written, or number n"
    assert command_hint("/swipe 2").startswith("/swipe [n]: ")
    assert "/swipe" in command_hint("/") and "/undo" in command_hint("/")
    assert command_hint("/nothing") == "there is no command /nothing; /help lists them"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5, "just now"),
        (600, "10 min ago"),
        (7200, "2 h ago"),
        (90_000, "yesterday"),
        (400_000, "4 days ago"),
    ],
)
def test_times_are_rough(seconds, text):
    assert ago_text(seconds) == text


def test_versions_show_only_where_there_are_several():
    assert version_text(1, 1) == ""
    assert version_text(2, 3) == "‹2/3›"


@given(st.text(), st.integers(2, 80))
def test_first_words_fit_in_one_row(text, max_chars):
    row = first_words(text, max_chars)
    assert len(row) <= max_chars
    assert "\n" not in row


@pytest.mark.parametrize(
    ("text", "acts"),
    [
        ("*nods* Fine.", ["*nods*"]),
        ("Fine. *turns aw", ["*turns aw"]),
        ("**spits**", ["**spits**"]),
        ("2 * 3 and 5*3", []),
        ("*", []),
        ("*one\nline* two", ["*one"]),
        ("*a* then *b*", ["*a*", "*b*"]),
    ],
)
def test_acts_stand_between_stars(text, acts):
    assert [text[start:end] for start, end in act_spans(text)] == acts


@given(st.text(alphabet="ab *\n", max_size=60))
def test_act_spans_are_ordered_and_inside_the_text(text):
    edges = [edge for span in act_spans(text) for edge in span]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(text) for edge in edges)


_CHANNEL = st.integers(0, 255)
_COLOUR = st.tuples(_CHANNEL, _CHANNEL, _CHANNEL).map(lambda c: "#{:02x}{:02x}{:02x}".format(*c))


@given(_COLOUR, _COLOUR)
def test_names_can_be_read_on_any_background(colour, background):
    assert contrast(readable(colour, background), background) >= MIN_CONTRAST


def test_a_colour_that_can_be_read_stays_as_it_is():
    assert readable("#ffffff", "#000000") == "#ffffff"
    assert readable("ansi_red", "#000000") == "ansi_red"


@given(st.lists(st.sampled_from(["older", "newer", "more", "fewer", "tail"]), max_size=30))
def test_the_window_is_never_too_large_and_never_outside(steps):
    count = 1000
    window = tail(count)
    for step in steps:
        before = count
        if step == "older":
            window = older(window)
        elif step == "newer":
            window = newer(window, count)
        elif step == "tail":
            window = tail(count)
        else:
            count = count + 7 if step == "more" else max(0, count - 400)
            window = follow(window, before, count)
        assert 0 <= window.first <= window.last <= count
        assert window.last - window.first <= MAX_LINES


def test_a_window_at_the_end_follows_and_one_further_up_stays():
    assert follow(Window(900, 1000), 1000, 1001) == Window(900, 1001)
    assert follow(Window(100, 300), 1000, 1001) == Window(100, 300)


def test_a_missing_keymap_is_an_empty_one(tmp_path):
    assert read_keymap(tmp_path / "keymap.json", {"chat.send"}).keys == {}


def test_a_keymap_keeps_what_is_right_and_names_what_is_wrong(tmp_path):
    path = tmp_path / "keymap.json"
    path.write_text(json.dumps({"chat.send": "ctrl+s", "chat.sned": "f9", "app.quit": 3}), "utf-8")
    result = read_keymap(path, {"chat.send", "app.quit"})
    assert result.keys == {"chat.send": "ctrl+s"}
    assert result.faults == (
        'keymap.json: found "chat.sned"; expected the id of a key; did you mean "chat.send"?',
        'keymap.json app.quit: found 3; expected a key such as "ctrl+s"',
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "keymap.json:1:2: found no JSON"),
        ("[1]", "keymap.json: found list; expected an object"),
    ],
)
def test_a_broken_keymap_is_told_with_its_place(tmp_path, text, fault):
    path = tmp_path / "keymap.json"
    path.write_text(text, encoding="utf-8")
    result = read_keymap(path, {"chat.send"})
    assert result.keys == {}
    assert result.faults[0].startswith(fault)
