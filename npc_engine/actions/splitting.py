"""Where speech ends and a call begins, character by character."""

from npc_engine.actions.call_forms import is_list_of_calls, read_call_by_name, read_json
from npc_engine.actions.held_text import Waiting
from npc_engine.actions.labelled_forms import LABELS, after_label, read_fence, read_labelled
from npc_engine.actions.openings import (
    Tag,
    is_headless,
    looks_like_group,
    read_known_name,
    read_tag,
)
from npc_engine.actions.reply_state import ReplyState
from npc_engine.actions.tagged_forms import marker_end, read_named_tag, read_tagged
from npc_engine.actions.written import normal_name

_EMPHASIS = "*`"


def read_speech(state: ReplyState) -> Waiting[None]:
    """Read to the end of the text; what can be no part of a call is spoken at once."""
    held = state.held
    while True:
        char = yield from held.char(held.at)
        if not char:
            return
        if char == "<":
            yield from _at_tag(state)
        elif char in "{[":
            yield from _at_bracket(state)
        elif char in "}]" and not state.closes_spoken(char):
            held.at += 1
        elif char == '"':
            yield from _at_quote(state)
        elif char in _EMPHASIS or char.isalnum() or char == "_":
            yield from _at_word(state)
        else:
            state.say_to(held.at + 1)


def _at_tag(state: ReplyState) -> Waiting[None]:
    tag = yield from read_tag(state.held, state.held.at)
    if tag is None:
        state.say_to(state.held.at + 1)
    elif tag.is_closer:
        yield from state.drop_to(tag.end)
    elif tag.name:
        yield from read_named_tag(state, tag)
    else:
        yield from read_tagged(state, tag)


def _at_bracket(state: ReplyState) -> Waiting[None]:
    held = state.held
    start = held.at
    behind = yield from marker_end(state, start)
    if behind is not None:
        yield from read_tagged(state, Tag(behind, is_closer=False, has_closer=False))
    elif (yield from looks_like_group(held, start)):
        yield from read_json(state, start)
    elif held.text[start] == "[" and (yield from is_list_of_calls(state, start)):
        held.at = start + 1  # its members are read one by one
    else:
        state.say_to(start + 1)


def _at_quote(state: ReplyState) -> Waiting[None]:
    start = state.held.at
    if (yield from is_headless(state.held, start)):
        yield from read_json(state, start, opened="{")
    else:
        state.say_to(start + 1)


def _at_word(state: ReplyState) -> Waiting[None]:
    """A word that may be an action's name or a label, or a fence."""
    held = state.held
    start = held.at
    index = start
    while index - start < 3 and (yield from held.char(index)) in tuple(_EMPHASIS):
        index += 1
    if held.text[start:index] == "```":
        yield from read_fence(state, index)
        return
    state.num_stars = held.text[start:index].count("*")
    begins_line = state.is_line_start
    labels = LABELS if begins_line else ()
    end, is_known = yield from read_known_name(held, index, {*state.names, *labels})
    if end == index:
        state.say_to(max(index, start + 1))
        return
    word = held.text[index:end]
    if is_known and begins_line and normal_name(word) in LABELS:
        named_at = yield from after_label(state, end)
        if named_at is not None and (yield from read_labelled(state, named_at)):
            return
    is_action = is_known and normal_name(word) in state.names
    if is_action and (yield from read_call_by_name(state, word, end)):
        return
    yield from _say_word(state, end)


def _say_word(state: ReplyState, end: int) -> Waiting[None]:
    """Say a word that begins no call, to its end."""
    held = state.held
    state.say_to(end)
    while True:
        char = yield from held.char(held.at)
        if not char or not (char.isalnum() or char == "_"):
            return
        state.say_to(held.at + 1)
