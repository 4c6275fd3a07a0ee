"""Calls behind `Action:` or in a fence."""

from npc_engine.actions.call_forms import read_call_by_name, read_json, read_named_group
from npc_engine.actions.held_text import Waiting
from npc_engine.actions.openings import looks_like_group, read_known_name, read_tag
from npc_engine.actions.reply_state import ReplyState
from npc_engine.actions.written import named_call, normal_name

LABELS = ("action", "actions", "tool", "function", "call", "toolcall", "functioncall")
"""Words that announce a call at the beginning of a line, normalised."""
_LABEL_REST = ("call", "calls", "name", "use", "to")
_INPUT_WORDS = ("action", "input", "arguments", "parameters", "args", "with", "tool")


def after_label(state: ReplyState, index: int) -> Waiting[int | None]:
    """Where the name behind `Action:` or `Tool call:` begins; None where it is no label."""
    held = state.held
    index = yield from held.after_space(index, 2)
    end = yield from held.word_end(index, 8)
    if normal_name(held.text[index:end]) in _LABEL_REST:
        index = end
    elif end > index:
        return None
    has_colon = False
    for _ in range(10):
        char = yield from held.char(index)
        if char == ":" or (char == "=" and not has_colon):
            has_colon = True
        elif not char or char not in "*` \n_":
            break
        index += 1
    return index if has_colon else None


def read_labelled(state: ReplyState, index: int) -> Waiting[bool]:
    """A call whose name stands behind a label; False where other words stand there."""
    held = state.held
    char = yield from held.char(index)
    if char and char in "{[" and (yield from looks_like_group(held, index)):
        yield from read_json(state, index)
        return True
    end, is_known = yield from read_known_name(held, index, state.names)
    if not is_known:
        end = yield from held.word_end(index, 64)
    name = held.text[index:end]
    if not name:
        return False
    if (yield from read_call_by_name(state, name, end)):
        return True
    if not is_known:
        return False
    while (yield from held.char(end)) in ("*", "`", " ", "."):
        end += 1
    if (yield from held.char(end)) not in ("", "\n"):
        return False
    group = yield from _input_after(state, end)
    if group is not None:
        yield from read_named_group(state, name, group)
    else:
        state.found(named_call(name, None, held.text[held.at : end]), held.at, end)
        yield from state.drop_to(end)
    return True


def _input_after(state: ReplyState, index: int) -> Waiting[int | None]:
    """Where the group of an `Action Input:` line begins."""
    held = state.held
    index = yield from held.after_space(index, 8)
    for _ in range(3):
        end = yield from held.word_end(index, 12)
        if normal_name(held.text[index:end]) not in _INPUT_WORDS:
            break
        index = yield from held.after_space(end, 4)
    while (yield from held.char(index)) in (":", "*", " ", "\n"):
        index += 1
    char = yield from held.char(index)
    is_group = char == "{" and (yield from looks_like_group(held, index))
    return index if is_group else None


def read_fence(state: ReplyState, index: int) -> Waiting[None]:
    """Three backticks: dropped before a call, spoken otherwise."""
    held = state.held
    end = yield from held.word_end(index, 24)
    start = yield from held.after_space(end, 64)
    char = yield from held.char(start)
    is_call = False
    if char == "<":
        is_call = (yield from read_tag(held, start)) is not None
    elif char and char in "{[":
        is_call = yield from looks_like_group(held, start)
    if char and not is_call:
        _, is_call = yield from read_known_name(held, start, {*state.names, *LABELS})
    if is_call:
        held.at = start
        state.is_line_start = True
    else:
        state.say_to(end)
