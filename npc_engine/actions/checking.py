"""Whether a written call may be carried out: a name on offer, and arguments as its schema says.

Repairs where one thing can be meant; everything else is dropped with a reason, and the words of the
reply are spoken all the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from npc_engine.actions.coercion import Schema, ValueProblem, Values, coerce_members
from npc_engine.actions.naming import match_name
from npc_engine.actions.offered import OfferedAction, tool_schema
from npc_engine.actions.written import WrittenCall
from npc_engine.messages import DropReason


@dataclass(frozen=True, slots=True)
class CheckedCall:
    """A call that its schema and the moment allow."""

    name: str
    arguments: Mapping[str, Any]
    """In the order of the schema, defaults among them."""
    repairs: tuple[str, ...] = ()
    """What was read otherwise than written, in words."""


@dataclass(frozen=True, slots=True)
class DroppedCall:
    """A call that is not carried out."""

    name: str
    """As offered, else as written."""
    reason: DropReason
    detail: str
    """In words, for logs and for whoever writes the game."""


@dataclass(frozen=True, slots=True)
class CheckedArguments:
    """Arguments that a schema accepts."""

    arguments: Mapping[str, Any]
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedArguments:
    """Arguments that a schema refuses."""

    reason: DropReason
    detail: str


def check_call(written: WrittenCall, offered: Sequence[OfferedAction]) -> CheckedCall | DroppedCall:
    """Check one call against what is on offer now."""
    match = match_name(written.name, [each.name for each in offered])
    if match is None:
        listed = ", ".join(each.name for each in offered) or "no action"
        detail = f'found the action "{written.name}"; on offer: {listed}'
        return DroppedCall(written.name, "unknown_action", detail)
    action = next(each for each in offered if each.name == match.name)
    if action.blocked:
        return DroppedCall(action.name, "blocked", action.blocked)
    schema = tool_schema(action.name, action.declaration)["function"]["parameters"]
    checked = check_against_schema(
        written.arguments, schema, action.values, positional=written.positional
    )
    if isinstance(checked, RefusedArguments):
        return DroppedCall(action.name, checked.reason, checked.detail)
    renamed = () if match.is_exact else (f"{written.name}: read as {action.name}",)
    return CheckedCall(action.name, checked.arguments, (*renamed, *checked.repairs))


def check_calls(
    calls: Sequence[WrittenCall],
    offered: Sequence[OfferedAction],
    *,
    max_calls: int = 1,
    is_called_for: Callable[[CheckedCall], bool] | None = None,
) -> tuple[CheckedCall | DroppedCall, ...]:
    """Check the calls of one turn, in order.

    Args:
        calls: As written.
        offered: What is on offer now.
        max_calls: So many are taken; equal calls count once.
        is_called_for: Such as `grounding.is_grounded`; calls it refuses are dropped as ungrounded.
    """
    results: list[CheckedCall | DroppedCall] = []
    taken: list[CheckedCall] = []
    for written in calls:
        result = check_call(written, offered)
        if isinstance(result, CheckedCall):
            if any(_same(result, other) for other in taken):
                continue
            if len(taken) >= max_calls:
                result = DroppedCall(result.name, "too_many", f"at most {max_calls} in a turn")
            elif is_called_for is not None and not is_called_for(result):
                result = DroppedCall(result.name, "ungrounded", "nobody asked for it")
            else:
                taken.append(result)
        results.append(result)
    return tuple(results)


def check_against_schema(
    arguments: Mapping[str, Any],
    schema: Schema,
    values: Values | None = None,
    *,
    positional: Sequence[Any] = (),
) -> CheckedArguments | RefusedArguments:
    """Arguments as a schema wants them.

    Args:
        arguments: As written.
        schema: The `parameters` of a tool: `properties` and `required`.
        values: Choices of this moment by parameter.
        positional: Arguments without a name, for the properties in order.
    """
    repairs: list[str] = []
    properties = schema.get("properties") or {}
    given = dict(arguments)
    free = [name for name in properties if name not in given]
    for name, value in zip(free, positional, strict=False):
        given[name] = value
    if len(positional) > len(free):
        repairs.append(f"{len(positional) - len(free)} arguments too many were left out")
    try:
        checked = coerce_members(given, schema, values or {}, "", repairs)
    except ValueProblem as problem:
        reason: DropReason = "missing_argument" if problem.is_missing else "bad_argument"
        return RefusedArguments(reason, problem.detail)
    return CheckedArguments(checked, tuple(repairs))


def _same(one: CheckedCall, other: CheckedCall) -> bool:
    return one.name == other.name and one.arguments == other.arguments
