"""Calls without a tag: JSON objects, `name(…)`, `name {…}`."""

from npc_engine.actions.held_text import Waiting
from npc_engine.actions.openings import looks_like_group, read_group, read_known_name
from npc_engine.actions.reply_state import ReplyState
from npc_engine.actions.scanning import scan_value
from npc_engine.actions.written import calls_in, named_call, normal_name, python_call

_RUBBISH = frozenset('{}[]"')


def read_json(state: ReplyState, start: int, *, opened: str = "") -> Waiting[bool]:
    """JSON without a name before it; whether it held a call and was closed."""
    held = state.held
    end, is_closed = yield from read_group(held, start, opened=opened)
    text = held.text[held.at : end]
    scanned = scan_value(opened + held.text[start:end])
    calls = calls_in(scanned.value, text, state.names) if scanned else ()
    state.calls.extend(calls)
    if not calls:
        state.unreadable.append(text)
    if is_closed and calls:
        state.closed()
    left = end
    if scanned and not is_closed:
        left = start + scanned.end - len(opened)
    yield from state.drop_to(_kept_from(state, left, end))
    return is_closed and bool(calls)


def read_call_by_name(state: ReplyState, name: str, end: int) -> Waiting[bool]:
    """`name(…)`, `name {…}` or `name: {…}`; False where the name was just a word."""
    held = state.held
    char = yield from held.char(end)
    if char == "(":
        close, is_closed = yield from read_group(held, end)
        text = held.text[held.at : close]
        call = python_call(name, text, end - held.at)
        state.found(call, held.at, close)
        if is_closed:
            state.closed()
        yield from state.drop_to(close)
        return True
    index = end
    for _ in range(8):
        char = yield from held.char(index)
        if not char or char not in ": =*`\n":
            break
        index += 1
    if char == "[" and (yield from _marker_end_of_arguments(state, index)):
        index += len("[ARGS]")
        char = yield from held.char(index)
    if char == "{" and (yield from looks_like_group(held, index)):
        yield from read_named_group(state, name, index)
        return True
    return False


def read_named_group(state: ReplyState, name: str, start: int) -> Waiting[None]:
    """The arguments behind a name, as an object at an offset."""
    held = state.held
    end, is_closed = yield from read_group(held, start)
    text = held.text[held.at : end]
    scanned = scan_value(held.text[start:end])
    value = scanned.value if scanned else None
    inner = calls_in(value, text, state.names)
    call = inner[0] if inner and normal_name(inner[0].name) == normal_name(name) else None
    state.found(call or named_call(name, value, text), held.at, end)
    if is_closed:
        state.closed()
    left = start + scanned.end if scanned and not is_closed else end
    yield from state.drop_to(_kept_from(state, left, end))


def _marker_end_of_arguments(state: ReplyState, index: int) -> Waiting[bool]:
    yield from state.held.char(index + 5)
    return state.held.text[index : index + 6].upper() == "[ARGS]"


def is_list_of_calls(state: ReplyState, start: int) -> Waiting[bool]:
    """Whether a `[` opens a list such as `[wave(), nod()]`."""
    index = yield from state.held.after_space(start + 1, 16)
    end, is_known = yield from read_known_name(state.held, index, state.names)
    return is_known and (yield from state.held.char(end)) == "("


def _kept_from(state: ReplyState, left: int, end: int) -> int:
    """Where speech goes on: words behind a group without closers are words, not data."""
    words = state.held.text[left:end]
    return end if not words.strip() or _RUBBISH & set(words) else left
