"""What a model makes of one tool: calls it where it should, and leaves it where it should not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from json import dumps
from typing import Any

from benchmarks.actions.problems import Problem
from benchmarks.report import Figure
from npc_engine.actions.checking import CheckedArguments, check_against_schema
from npc_engine.actions.grounding import is_grounded
from npc_engine.actions.naming import match_name
from npc_engine.actions.reading import CallSplitter, ReadReply
from npc_engine.authoring.intervals import wilson
from npc_engine.content.action_declarations import ActionDeclaration, Parameter
from npc_engine.messages import Message, Sampling
from npc_engine.protocols import GenerationRequest, ModelSession, TokenDelta, Tokenizer

MAX_TOKENS = 128
SYSTEM = (
    "Answer the user. If a tool below does what the user asks for, call it; "
    "otherwise answer in words."
)
_HOW = (
    "\n\nTools:\n{tools}\n\nTo call a tool write only this:\n"
    '<tool_call>\n{{"name": NAME, "arguments": {{...}}}}\n</tool_call>'
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One reply to one problem."""

    problem: Problem
    text: str
    wrote: bool
    """Whether something was read as a call."""
    arguments: Mapping[str, Any] | None
    """Of the first call that the checker accepts."""
    is_called_for: bool
    """Whether the grounding rule lets it through."""

    @property
    def is_right(self) -> bool:
        """Whether the accepted call is the right one."""
        return self.arguments is not None and self.problem.is_right(self.arguments)


def ask_all(
    problems: Sequence[Problem],
    session: ModelSession,
    on_reply: Callable[[], None] = lambda: None,
) -> list[Asked]:
    """Greedy replies to all problems, ended where a call is complete."""
    asked = []
    for problem in problems:
        text, reply = _reply(problem, session)
        asked.append(_asked(problem, text, reply))
        on_reply()
    return asked


def sampled(problems: Sequence[Problem], count: int) -> list[Problem]:
    """So many of them, evenly spread."""
    if count >= len(problems):
        return list(problems)
    return [problems[number * len(problems) // count] for number in range(count)]


def asking_figures(calls: Sequence[Asked], no_calls: Sequence[Asked]) -> list[Figure]:
    """Call rates and over-call rates, without and with the grounding rule, with intervals."""
    taken = [each.arguments is not None for each in calls]
    over = [each.arguments is not None for each in no_calls]
    return [
        _rate("call asked for: written", [each.wrote for each in calls]),
        _rate("- accepted by the checker", taken),
        _rate("- right", [each.is_right for each in calls]),
        _rate("- right, with the grounding rule", [e.is_right and e.is_called_for for e in calls]),
        _rate("no call asked for: written", [each.wrote for each in no_calls]),
        _rate("- accepted by the checker", over),
        _rate("- accepted, with the grounding rule",
              [each.arguments is not None and each.is_called_for for each in no_calls]),
    ]  # fmt: skip


def rule_figures(calls: Sequence[Problem], no_calls: Sequence[Problem]) -> list[Figure]:
    """What the grounding rule alone does, if every tool were called: no model is asked."""
    return [
        _rate("grounding rule: right calls let through",
              [_called_for(each, each.first_answer()) for each in calls]),
        _rate("- calls let through where none is asked for",
              [_called_for(each, {}) for each in no_calls]),
    ]  # fmt: skip


def _rate(name: str, hits: Sequence[bool]) -> Figure:
    interval = wilson(sum(hits), len(hits))
    return Figure(f"{name} {interval}", sum(hits) / max(1, len(hits)), "", runs=len(hits))


def _reply(problem: Problem, session: ModelSession) -> tuple[str, ReadReply]:
    request = GenerationRequest(
        request_id=problem.id,
        prompt_ids=_prompt(problem, session.tokenizer),
        sampling=Sampling(temperature=0.0),
        max_tokens=MAX_TOKENS,
    )
    splitter = CallSplitter([problem.name])
    text = ""
    for event in session.stream(request):
        piece = event.text if isinstance(event, TokenDelta) else event.tail
        text += piece
        splitter.feed(piece)
        if splitter.is_complete:
            break
    return text, splitter.finish()


def _prompt(problem: Problem, tokenizer: Tokenizer) -> tuple[int, ...]:
    tool = {
        "type": "function",
        "function": {
            "name": problem.name,
            "description": problem.description,
            "parameters": _json_schema(problem.parameters),
        },
    }
    question = Message("user", tokenizer.neutralise(problem.question).strip())
    if getattr(tokenizer, "takes_tools", False):
        return tokenizer.render([Message("system", SYSTEM), question], tools=[tool]).token_ids
    system = SYSTEM + _HOW.format(tools=tokenizer.neutralise(dumps(tool, ensure_ascii=False)))
    return tokenizer.render([Message("system", system), question]).token_ids


def _json_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The data set's type names as JSON Schema has them."""
    names = {"dict": "object", "float": "number", "tuple": "array"}
    changed = dict(schema)
    if "type" in schema:
        changed["type"] = names.get(schema["type"], schema["type"])
    if schema.get("properties"):
        changed["properties"] = {
            name: _json_schema(inner) for name, inner in schema["properties"].items()
        }
    if isinstance(schema.get("items"), Mapping):
        changed["items"] = _json_schema(schema["items"])
    return changed


def _without_defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = {
        name: {key: value for key, value in inner.items() if key != "default"}
        for name, inner in (schema.get("properties") or {}).items()
    }
    return {**schema, "properties": properties}


def _asked(problem: Problem, text: str, reply: ReadReply) -> Asked:
    for call in reply.calls:
        if match_name(call.name, [problem.name]) is None:
            continue
        # Filled-in defaults are not the model's answer.
        schema = _without_defaults(problem.parameters)
        checked = check_against_schema(call.arguments, schema, positional=call.positional)
        if isinstance(checked, CheckedArguments):
            is_called_for = _called_for(problem, checked.arguments)
            return Asked(problem, text, True, checked.arguments, is_called_for)
    return Asked(problem, text, bool(reply.calls), None, False)


def _called_for(problem: Problem, arguments: Mapping[str, Any]) -> bool:
    # Names of the data set need not be names of a world, so nothing is validated here.
    declaration = ActionDeclaration.model_construct(
        description=problem.description,
        parameters={
            name: Parameter.model_construct(type="string")
            for name in problem.parameters.get("properties") or {}
        },
    )
    return is_grounded(problem.name, declaration, arguments, problem.question, "", ())
