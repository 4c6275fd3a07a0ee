from dataclasses import replace

import pytest

from npc_engine.dialogue.history import HistoryLine
from npc_engine.events import (
    FoldEnded,
    LineEnded,
    LineRecorded,
    ModelLoading,
    ModelReady,
    Notice,
    ReplyStarted,
    TextDelta,
    TextReset,
)
from npc_engine.messages import Usage
from npc_engine.tui.reasons import mark_of
from npc_engine.tui.state import (
    ChatState,
    ModelState,
    asked_again,
    greeted,
    on_event,
    on_model_event,
    said,
    with_history,
    with_note,
)

EMPTY = ChatState(npc="ann", npc_name="Ann", world_name="Ford")


def after(chat: ChatState, *events) -> ChatState:
    for event in events:
        chat = on_event(chat, event)
    return chat


def ended(line_id: int, text: str, reason="done", rung="full", entry_id=2, detail="") -> LineEnded:
    usage = Usage(reply_tokens=11, decode_ms=250)
    return LineEnded(line_id, "ann", text, reason, rung, entry_id, usage, detail)


def past(entry_id: int, role: str, text: str, **fields) -> HistoryLine:
    values = {
        "entry_id": entry_id,
        "role": role,
        "speaker": "ann" if role == "npc" else "player",
        "text": text,
        "reason": "done",
        "rung": "full",
        "authored": False,
        "edited": False,
        "folded": False,
        "version": 1,
        "versions": 1,
    }
    return HistoryLine(**{**values, **fields})


def test_a_turn_goes_from_words_to_a_growing_reply_to_a_stored_one():
    chat = said(EMPTY, 7, "Hello")
    assert [(line.role, line.text, line.entry_id) for line in chat.lines] == [
        ("player", "Hello", None)
    ]
    assert chat.is_writing

    chat = after(chat, LineRecorded(7, 1), ReplyStarted(7, 50, 0), TextDelta(7, "Go"))
    chat = after(chat, TextDelta(7, "od day."))
    assert chat.lines[0].entry_id == 1
    assert (chat.lines[1].text, chat.lines[1].writing) == ("Good day.", True)
    key = chat.lines[1].key

    chat = after(chat, ended(7, "Good day."))
    reply = chat.lines[1]
    assert (reply.key, reply.text, reply.entry_id, reply.writing) == (key, "Good day.", 2, False)
    assert not chat.is_writing
    assert chat.tokens_per_s == 40.0


def test_a_reset_empties_the_reply_and_a_bark_takes_its_place():
    chat = after(said(EMPTY, 1, "Hello"), LineRecorded(1, 1), TextDelta(1, "User:"), TextReset(1))
    assert chat.lines[1].text == ""
    chat = after(chat, TextDelta(1, "Hm."), ended(1, "Hm.", "bad_output", "bark"))
    assert (chat.lines[1].text, chat.lines[1].mark) == ("Hm.", "bark · bad_output")


def test_events_of_other_lines_change_nothing():
    chat = said(EMPTY, 1, "Hello")
    assert on_event(chat, TextDelta(99, "other")) is chat
    assert on_event(chat, ended(99, "other")) is chat


def test_a_line_that_interrupts_stands_below_the_reply_it_cut():
    chat = after(said(EMPTY, 1, "one"), LineRecorded(1, 1), TextDelta(1, "reply o"))
    chat = said(chat, 2, "two")
    chat = after(chat, ended(1, "reply o", "cancelled", "short"), LineRecorded(2, 3))
    chat = after(chat, TextDelta(2, "reply two"), ended(2, "reply two", entry_id=4))
    assert [line.text for line in chat.lines] == ["one", "reply o", "two", "reply two"]
    assert chat.lines[1].mark == "stopped"


def test_a_reply_that_begins_after_the_next_line_stands_below_its_own():
    chat = said(said(EMPTY, 1, "one"), 2, "two")
    chat = after(chat, LineRecorded(1, 1), TextDelta(1, "to one"))
    assert [line.text for line in chat.lines] == ["one", "to one", "two"]


def test_another_try_hides_the_reply_and_counts_the_versions():
    chat = with_history(EMPTY, [past(1, "player", "hi"), past(2, "npc", "old", versions=2)])
    chat = asked_again(chat, 5)
    assert [line.text for line in chat.lines] == ["hi"]
    chat = after(chat, TextDelta(5, "new"), ended(5, "new", entry_id=9))
    assert (chat.lines[1].version, chat.lines[1].versions) == (3, 3)


def test_words_that_could_not_be_stored_come_back():
    chat = after(said(EMPTY, 1, "Hello"), ended(1, "", "failed", "silence", None, "disk full"))
    assert chat.lines == ()
    assert chat.returned_words == "Hello"
    assert (chat.notice.level, chat.notice.text) == ("error", "not sent: disk full")


def test_a_stop_before_the_first_word_leaves_the_players_line_and_says_so():
    chat = after(said(EMPTY, 1, "Hello"), LineRecorded(1, 1))
    chat = after(chat, ended(1, "", "cancelled", "silence", None))
    assert [line.text for line in chat.lines] == ["Hello"]
    assert chat.notice.text == "stopped before the first word"


def test_a_greeting_needs_no_line_of_the_player():
    chat = after(greeted(EMPTY, 1), TextDelta(1, "Mind the step."), ended(1, "Mind the step."))
    assert [(line.role, line.mark) for line in chat.lines] == [("npc", "")]


def test_a_greeting_stands_first_even_when_the_player_was_faster():
    chat = said(greeted(EMPTY, 1), 2, "Hello")
    chat = after(chat, TextDelta(1, "Mind the step."), ended(1, "Mind the step."))
    assert [line.text for line in chat.lines] == ["Mind the step.", "Hello"]


def test_a_history_read_again_keeps_the_keys_of_its_lines_and_drops_notes():
    lines = [past(1, "player", "hi"), past(2, "npc", "hello")]
    first = with_note(with_history(EMPTY, lines), "/lines", "1 hi\n2 hello")
    again = with_history(first, [*lines[:1], past(3, "npc", "another")])
    assert again.lines[0] is not None and again.lines[0].key == first.lines[0].key
    assert again.lines[1].key not in {line.key for line in first.lines}
    assert [line.role for line in again.lines] == ["player", "npc"]


def test_control_codes_never_reach_the_state():
    chat = with_history(EMPTY, [past(1, "npc", "a\x1b[31mb\x07c")])
    chat = after(said(chat, 1, "x\x1b]0;t\x07y"), LineRecorded(1, 2), TextDelta(1, "q\x9b2Jr"))
    assert [line.text for line in chat.lines] == ["abc", "xy", "qr"]


def test_a_fold_is_told_with_its_numbers_and_only_to_its_chat():
    chat = on_event(EMPTY, FoldEnded("ann", "digest", 12, 900, 210))
    assert chat.notice.text == "fold: 12 older turns are now a summary, 900 to 210 tokens (digest)"
    assert on_event(EMPTY, FoldEnded("bo", "digest", 12, 900, 210)) is EMPTY
    assert on_event(EMPTY, FoldEnded("ann", "discarded", 12, 900, 210)) is EMPTY


def test_a_notice_of_the_engine_is_shown():
    chat = on_event(EMPTY, Notice("warning", "slow disk"))
    assert (chat.notice.level, chat.notice.text) == ("warning", "slow disk")


@pytest.mark.parametrize(
    ("reason", "rung", "mark"),
    [
        ("done", "full", ""),
        ("stopped", "full", ""),
        ("cancelled", "short", "stopped"),
        ("length", "short", "short"),
        ("late_total", "short", "short · late_total"),
        ("late_first", "bark", "bark · late_first"),
        ("done", "authored", "authored"),
        ("bad_output", "authored", "authored · bad_output"),
        ("blocked", "bark", "bark · not allowed"),
        ("done", "bark", "bark"),
        ("superseded", "silence", "no reply · a newer line came"),
        ("busy", "silence", "no reply · was speaking"),
        ("queue_full", "silence", "no reply · too many lines wait"),
        ("too_far", "silence", "no reply · out of earshot"),
        ("failed", "silence", "no reply · failed"),
    ],
)
def test_what_is_no_full_reply_says_so(reason, rung, mark):
    assert mark_of(reason, rung) == mark


def test_the_model_loads_and_is_ready():
    model = on_model_event(ModelState(), ModelLoading("reading weights", 0.4))
    assert (model.phase, model.text, model.share) == ("loading", "reading weights", 0.4)
    model = on_model_event(model, ModelReady("smollm2", "cpu", "float32"))
    assert (model.phase, model.name, model.text) == ("ready", "smollm2", "cpu, float32")
    assert on_model_event(model, ModelLoading("late", None)) is model


def test_states_are_values():
    assert replace(EMPTY, clock="day 1") != EMPTY
    assert said(EMPTY, 1, "a") == said(EMPTY, 1, "a")
