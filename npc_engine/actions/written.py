"""Values that a model wrote, as calls: where the name stands, and where the arguments.

Knows the shapes of the usual call formats; knows no schema.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from npc_engine.actions.scanning import scan_members, scan_value

MAX_READ_CALLS = 16
"""Calls read from one reply; more are passed over."""
_MAX_NESTING = 6

_NAME_KEYS = ("name", "function", "tool", "action", "functionname", "toolname", "actionname")
_CALL_KEYS = ("function", "functioncall", "toolcall", "tool", "action", "call")
_LIST_KEYS = ("toolcalls", "functioncalls", "calls", "actions", "tools")
_ARGUMENT_KEYS = (
    *("arguments", "parameters", "args", "params", "kwargs", "input", "inputs"),
    *("actioninput", "toolinput", "functionarguments"),
)
_ASIDE_KEYS = ("type", "id", "callid", "toolcallid", "index", "thought", "reason", "thoughts")
_PARAMETER = re.compile(
    r"<parameter(?:=|\s+name\s*=\s*)[\"']?([\w.-]{1,80})[\"']?\s*>((?:[^<]|<(?!/?parameter))*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call as it was written, not checked against anything."""

    name: str
    arguments: Mapping[str, Any]
    text: str
    """The model's words it was read from."""
    positional: tuple[Any, ...] = field(default=())
    """Arguments without a name, as in `give("sword")`."""


def normal_name(name: str) -> str:
    """A name for comparing: case, spaces, `_`, `-` and dots do not count."""
    return "".join(char for char in name.casefold() if char.isalnum())


def calls_in(value: object, text: str, names: Collection[str]) -> tuple[WrittenCall, ...]:
    """The calls that a value holds; none where it is other data.

    Args:
        value: What was read.
        text: The words it was read from.
        names: Known names as `normal_name` gives them.
    """
    found = []
    for call in _calls(value, text, names, 0):
        found.append(call)
        if len(found) == MAX_READ_CALLS:
            break
    return tuple(found)


def named_call(name: str, arguments: object, text: str) -> WrittenCall | None:
    """A call whose name stood before its arguments; None for the echo of a schema."""
    if isinstance(arguments, str):
        scanned = scan_value(arguments) if arguments.lstrip()[:1] in ("{", "[") else None
        arguments = scanned.value if scanned else (arguments or None)
    if isinstance(arguments, list):
        pairs = _pairs(arguments)
        if pairs is None:
            return WrittenCall(name, {}, text, tuple(arguments))
        arguments = pairs
    if isinstance(arguments, Mapping):
        is_schema = isinstance(arguments.get("properties"), Mapping) and "type" in arguments
        return None if is_schema else WrittenCall(name, dict(arguments), text)
    return WrittenCall(name, {}, text, () if arguments is None else (arguments,))


def python_call(name: str, text: str, bracket: int) -> WrittenCall:
    """A call such as `give(item="sword")` whose bracket opens at an offset of the text."""
    members, _ = scan_members(text, bracket)
    unnamed = members.unnamed
    if len(unnamed) == 1 and isinstance(unnamed[0], dict) and not members.named:
        return WrittenCall(name, unnamed[0], text)
    return WrittenCall(name, members.named, text, tuple(unnamed))


def tagged_call(name: str, inside: str, text: str) -> WrittenCall | None:
    """A call whose name stood in a tag and whose arguments stand as tags or as an object inside."""
    parameters = {match[1]: match[2].strip() for match in _PARAMETER.finditer(inside)}
    if parameters:
        return WrittenCall(name, parameters, text)
    scanned = scan_value(inside) if inside.lstrip()[:1] in ("{", "[") else None
    value = scanned.value if scanned else None
    if isinstance(value, Mapping):
        # The whole call again inside the tag; an action's own argument may be called so too.
        inner = _first(value, ("arguments", "parameters"))
        value = inner if isinstance(inner, Mapping) else value
    return named_call(name, value, text)


def _calls(value: object, text: str, names: Collection[str], depth: int) -> Iterator[WrittenCall]:
    if depth > _MAX_NESTING:
        return
    if isinstance(value, list):
        for each in value[: 4 * MAX_READ_CALLS]:
            yield from _calls(each, text, names, depth + 1)
    elif isinstance(value, dict):
        yield from _calls_of_group(value, text, names, depth)


def _calls_of_group(
    value: dict[str, Any], text: str, names: Collection[str], depth: int
) -> Iterator[WrittenCall]:
    arguments = _first(value, _ARGUMENT_KEYS)
    name = _name(value, names, has_arguments=arguments is not None)
    if name:
        call = named_call(name, _rest(value, name) if arguments is None else arguments, text)
        if call is not None:
            yield call
        return
    inner = _first(value, _CALL_KEYS)
    if isinstance(inner, dict):
        # Some put the arguments beside the group that holds the name.
        has_own = arguments is None or _first(inner, _ARGUMENT_KEYS) is not None
        yield from _calls(
            inner if has_own else {**inner, "arguments": arguments}, text, names, depth + 1
        )
        return
    several = _first(value, _LIST_KEYS)
    if several is not None:
        yield from _calls(several, text, names, depth + 1)
        return
    for key, each in value.items():
        if normal_name(key) in names:
            call = named_call(key, each, text)
            if call is not None:
                yield call


def _name(value: dict[str, Any], names: Collection[str], *, has_arguments: bool) -> str:
    """The name of a call; empty where a group only happens to have a `name`."""
    for wanted in _NAME_KEYS:
        found = _first(value, (wanted,))
        if not isinstance(found, str) or not found.strip() or found == "function":
            continue
        if has_arguments or normal_name(found) in names:
            return found.strip()
    return ""


def _rest(value: dict[str, Any], name: str) -> dict[str, Any]:
    """Arguments that stand beside the name instead of inside a group."""
    aside = {*_ASIDE_KEYS, *_ARGUMENT_KEYS}
    is_name = [key for key, each in value.items() if each == name][:1]
    return {
        key: each
        for key, each in value.items()
        if key not in is_name and normal_name(key) not in aside
    }


def _first(value: Mapping[str, Any], wanted: Collection[str]) -> object:
    for key, each in value.items():
        if normal_name(key) in wanted and each is not None:
            return each
    return None


def _pairs(values: list[Any]) -> dict[str, Any] | None:
    """Arguments written as a list of groups; None where the list is one of plain values."""
    if len(values) == 1 and isinstance(values[0], dict):
        return values[0]
    pairs = {}
    for each in values:
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            return None
        if "value" not in each:
            return None
        pairs[each["name"]] = each["value"]
    return pairs
