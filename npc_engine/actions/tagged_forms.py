"""Calls behind a tag or marker: `<toolcall>`, `<function=…>`, `[TOOL_CALLS]`."""

from npc_engine.actions.call_forms import is_list_of_calls, read_call_by_name, read_json
from npc_engine.actions.held_text import Waiting
from npc_engine.actions.openings import Tag, looks_like_group, read_known_name, read_tag
from npc_engine.actions.reply_state import ReplyState
from npc_engine.actions.written import named_call, normal_name, tagged_call


def read_tagged(state: ReplyState, tag: Tag) -> Waiting[None]:
    """What stands behind a tag of calls, up to its end or to words that are speech again."""
    held = state.held
    start = held.at
    num_before = len(state.calls) + len(state.unreadable)
    state.is_in_tag = tag.has_closer
    held.at = tag.end
    while (yield from _one_in_tag(state)):
        if tag.has_closer and not state.is_in_tag:
            return
    has_read = len(state.calls) + len(state.unreadable) > num_before
    char = yield from held.char(held.at)
    closing = (yield from read_tag(held, held.at)) if char == "<" else None
    if not has_read and closing is None and tag.has_closer:
        closing = yield from _words_in_tag(state, start)
    if closing is not None and closing.is_closer:
        yield from state.drop_to(held.at)
    state.is_in_tag = False


def read_named_tag(state: ReplyState, tag: Tag) -> Waiting[None]:
    """`<function=name>` with its arguments up to the closing tag."""
    held = state.held
    index = tag.end
    is_closed = False
    while True:
        char = yield from held.char(index)
        if not char:
            break
        inner = (yield from read_tag(held, index)) if char == "<" else None
        if inner is None:
            index += 1
        elif "parameter" in held.text[index : inner.end].lower():
            index = inner.end
        else:
            is_closed = inner.is_closer
            break
    text = held.text[held.at : index]
    state.found(tagged_call(tag.name, held.text[tag.end : index], text), held.at, index)
    if is_closed:
        state.closed()
    yield from state.drop_to(index)


def _one_in_tag(state: ReplyState) -> Waiting[bool]:
    """Reads one call behind a tag; False where something else stands."""
    held = state.held
    index = held.at
    while True:
        char = yield from held.char(index)
        if not char or not (char.isspace() or char in ",;]})`>"):
            break
        index += 1
    if not char:
        held.at = index
        return False
    if char in "{[":
        if char == "[" and (yield from is_list_of_calls(state, index)):
            index += 1
        elif (yield from looks_like_group(held, index)):
            held.at = index
            yield from read_json(state, index)
            return True
        else:
            return False
    if char == "<":
        held.at = index
        inner = yield from read_tag(held, index)
        if inner is None or inner.is_closer or not inner.name:
            return False
        yield from read_named_tag(state, inner)
        return True
    return (yield from _name_in_tag(state, index))


def _name_in_tag(state: ReplyState, index: int) -> Waiting[bool]:
    held = state.held
    end, is_known = yield from read_known_name(held, index, state.names)
    if not is_known:
        end = yield from held.word_end(index, 64)
    name = held.text[index:end]
    if not name:
        return False
    before, held.at = held.at, index
    if (yield from read_call_by_name(state, name, end)):
        return True
    stop = yield from held.after_space(end, 8)
    char = yield from held.char(stop)
    if is_known and (not char or char == "<"):
        state.found(named_call(name, None, name), index, end)
        held.at = stop
        return True
    held.at = before
    return False


def _words_in_tag(state: ReplyState, start: int) -> Waiting[Tag | None]:
    """Words where a call belongs: dropped up to the closing tag, spoken if there is none."""
    held = state.held
    index = held.at
    while True:
        char = yield from held.char(index)
        if not char or char == "\n":
            return None
        tag = (yield from read_tag(held, index)) if char == "<" else None
        if tag is not None:
            if tag.is_closer:
                state.unreadable.append(held.text[start : tag.end])
                held.at = index
                return tag
            return None
        index += 1


def marker_end(state: ReplyState, start: int) -> Waiting[int | None]:
    """Behind a `[TOOL_CALLS]`; None where none stands."""
    held = state.held
    if held.text[start] != "[":
        return None
    index = start + 1
    word = ""
    while True:
        char = yield from held.char(index)
        index += 1
        if char == "]":
            is_marker = normal_name(word) in ("toolcalls", "toolcall", "args")
            return index if is_marker else None
        word += char
        key = normal_name(word)
        if not char or len(word) > 16 or not key or not "toolcalls".startswith(key):
            return None
