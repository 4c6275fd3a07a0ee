"""What an NPC can do, as its prompt tells it: schemas for the scene, and what is possible now."""

from collections.abc import Mapping, Sequence
from typing import Any

from npc_engine.actions.canonical import CallStyle, canonical_call
from npc_engine.actions.offered import OfferedAction, tool_schema
from npc_engine.content.action_declarations import Parameter
from npc_engine.content.shape import digits
from npc_engine.prompt import wording
from npc_engine.prompt.pieces import Piece
from npc_engine.prompt.plan import Cut
from npc_engine.prompt.request import PromptRequest
from npc_engine.protocols import Tokenizer

_TOOL_TOKENS = 12
"""Allowance for what a template prints around one tool."""
_TOOLS_TOKENS = 160
"""Allowance for what a template says of tools in general."""


def call_style(family: str) -> CallStyle:
    """How calls are written for models of a family of templates."""
    return "hermes" if family == "chatml" else "nemotron"


def tools_of(actions: Sequence[OfferedAction], tokenizer: Tokenizer) -> tuple[dict[str, Any], ...]:
    """The schemas as the template takes them; none where it has no place for tools."""
    if not tokenizer.takes_tools:
        return ()
    schemas = (tool_schema(action.name, action.declaration) for action in actions)
    return tuple(
        {name: _neutral(value, tokenizer) for name, value in schema.items()} for schema in schemas
    )


def within_cap(
    actions: Sequence[OfferedAction], cap_tokens: int, tokenizer: Tokenizer, cuts: list[Cut]
) -> tuple[OfferedAction, ...]:
    """The actions whose schemas fit a cap, in the sheet's order; the model knows of no others.

    Whether they are possible now plays no part: schemas stand where the prompt does not change.
    """
    kept: list[OfferedAction] = []
    left = cap_tokens
    for action in actions:
        tokens = _schema_tokens(action, tokenizer)
        if tokens <= left:
            kept.append(action)
            left -= tokens
        else:
            cuts.append(Cut("actions", f"action {action.name}", tokens, "cap of the actions"))
    return tuple(kept)


def schema_pieces(request: PromptRequest, tokenizer: Tokenizer) -> list[Piece]:
    """The same as lines of the system text, for templates without such a place."""
    if not request.actions or tokenizer.takes_tools:
        return []
    first = request.actions[0]
    example = canonical_call(first.name, _example_arguments(first), call_style(tokenizer.family))
    heading = wording.ACTIONS_HEADING.format(
        nickname=request.sheet.nickname, example=" ".join(example.split())
    )
    pieces = [Piece("actions", heading, "engine")]
    for action in request.actions:
        declaration = action.declaration
        parameters = "; ".join(
            _in_words(name, parameter, optional=name not in declaration.required)
            for name, parameter in declaration.parameters.items()
        )
        text = f"- {action.name}({parameters}): {wording.sentence(declaration.description)}"
        pieces.append(Piece("actions", text, f"action {action.name}"))
    return pieces


def possible_pieces(request: PromptRequest) -> list[Piece]:
    """What can be done now, in one line; nothing where there is nothing."""
    possible = [action for action in request.actions if not action.blocked]
    if not possible:
        return []
    listed = "; ".join(_with_values(action) for action in possible)
    text = wording.POSSIBLE_NOW.format(nickname=request.sheet.nickname, actions=listed)
    why = ", ".join(f"action {action.name}" for action in possible)
    return [Piece("possible", text, why)]


def schema_tokens(actions: Sequence[OfferedAction], tokenizer: Tokenizer) -> int:
    """What the schemas take of a prompt, rather too much than too little."""
    if not actions:
        return 0
    return sum(_schema_tokens(action, tokenizer) for action in actions) + _TOOLS_TOKENS


def _schema_tokens(action: OfferedAction, tokenizer: Tokenizer) -> int:
    return tokenizer.count(str(tool_schema(action.name, action.declaration))) + _TOOL_TOKENS


def _with_values(action: OfferedAction) -> str:
    values = "; ".join(f"{name}: {', '.join(texts)}" for name, texts in action.values.items())
    return f"{action.name} ({values})" if values else action.name


def _in_words(name: str, parameter: Parameter, *, optional: bool) -> str:
    if parameter.enum is not None:
        kind = " or ".join(parameter.enum)
    elif parameter.type in ("integer", "number"):
        kind = "whole number" if parameter.type == "integer" else "number"
        if parameter.minimum is not None:
            kind += f" from {digits(parameter.minimum)}"
        if parameter.maximum is not None:
            kind += f" to {digits(parameter.maximum)}"
    else:
        kind = {"boolean": "true or false", "array": "list", "object": "object"}.get(
            parameter.type, "text"
        )
    return f"{name}: {kind}{', may be left out' if optional else ''}"


def _example_arguments(action: OfferedAction) -> dict[str, Any]:
    """Arguments that could stand in a call; only their form is meant."""
    declaration = action.declaration
    return {
        name: _example_value(name, declaration.parameters[name], action.values)
        for name in declaration.required
    }


def _example_value(name: str, parameter: Parameter, values: Mapping[str, Sequence[str]]) -> object:
    if parameter.enum:
        return parameter.enum[0]
    if values.get(name):
        return values[name][0]
    if parameter.type in ("integer", "number"):
        return int(parameter.minimum or 1)
    return {"boolean": True, "array": [], "object": {}}.get(parameter.type, "…")


def _neutral(value: object, tokenizer: Tokenizer) -> object:
    """The same JSON value with every text in it neutralised."""
    if isinstance(value, str):
        return tokenizer.neutralise(value)
    if isinstance(value, Mapping):
        return {tokenizer.neutralise(str(k)): _neutral(v, tokenizer) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_neutral(each, tokenizer) for each in value]
    return value
