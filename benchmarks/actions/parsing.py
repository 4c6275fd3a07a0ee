"""What reading and checking make of calls, without any model."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.actions.forms import FORMS
from benchmarks.actions.mutations import mutated
from benchmarks.actions.problems import Problem
from benchmarks.report import Figure
from npc_engine.actions.checking import CheckedArguments, check_against_schema
from npc_engine.actions.naming import match_name
from npc_engine.actions.reading import read_reply


@dataclass(slots=True)
class Parsed:
    """How many calls came back as they were written, by form."""

    num_written: Counter[str] = field(default_factory=Counter)
    num_right: Counter[str] = field(default_factory=Counter)
    wrong: list[dict[str, object]] = field(default_factory=list)


@dataclass(slots=True)
class Mutated:
    """What became of calls with faults."""

    num_calls: int = 0
    num_taken: int = 0
    num_misfits: int = 0
    """Accepted against their schema: none, ever."""
    num_heard: int = 0
    """With data left in the speech."""
    faults: list[str] = field(default_factory=list)
    """Exceptions, and the texts that raised them."""
    heard: list[str] = field(default_factory=list)


def arguments_of(problem: Problem, text: str) -> Mapping[str, Any] | None:
    """The arguments of the first accepted call in a reply; None where there is none."""
    for call in read_reply(text, [problem.name]).calls:
        if match_name(call.name, [problem.name]) is not None:
            checked = check_against_schema(
                call.arguments, problem.parameters, positional=call.positional
            )
            if isinstance(checked, CheckedArguments):
                return checked.arguments
    return None


def parse_forms(problems: Sequence[Problem]) -> Parsed:
    """Write each right call in each form, and read it again."""
    parsed = Parsed()
    for problem in problems:
        wanted = problem.first_answer()
        for form, write in FORMS.items():
            text = write(problem.name, wanted)
            found = arguments_of(problem, text)
            parsed.num_written[form] += 1
            if found is not None and _without_defaults(problem, found, wanted) == wanted:
                parsed.num_right[form] += 1
            else:
                parsed.wrong.append({"id": problem.id, "form": form, "text": text,
                                     "found": None if found is None else dict(found)})  # fmt: skip
    return parsed


def parse_mutated(
    problems: Sequence[Problem], count: int, *, seed: int = 0,
    on_call: Callable[[], None] = lambda: None,
) -> Mutated:  # fmt: skip
    """Read so many calls with faults."""
    chance = random.Random(seed)
    result = Mutated(num_calls=count)
    for number in range(count):
        problem = problems[number % len(problems)]
        text = mutated(problem.name, problem.first_answer(), chance)
        try:
            found = arguments_of(problem, text)
            speech = read_reply(text, [problem.name]).speech
        except Exception as error:  # noqa: BLE001 -- what is counted here
            result.faults.append(f"{type(error).__name__}: {error} in {text!r}")
            continue
        if found is not None:
            result.num_taken += 1
            result.num_misfits += not fits(found, problem.parameters)
        if '{"' in speech or "{'" in speech or '":' in speech:
            result.num_heard += 1
            result.heard.append(text)
        on_call()
    return result


def parsing_figures(parsed: Parsed) -> list[Figure]:
    """Shares by form."""
    written, right = parsed.num_written.total(), parsed.num_right.total()
    return [
        Figure("calls read as written, all forms", right / written, "", 1.0, runs=written),
        *(
            Figure(f"- {form}", parsed.num_right[form] / count, "", 1.0, runs=count)
            for form, count in parsed.num_written.items()
        ),
    ]


def mutation_figures(result: Mutated) -> list[Figure]:
    """Exceptions and misfits, of which none may be."""
    count = result.num_calls
    return [
        Figure("mutated calls: exceptions", len(result.faults), "", 0, True, count),
        Figure("- accepted against the schema", result.num_misfits, "", 0, True, count),
        Figure("- accepted, repaired or whole", result.num_taken / count, "", runs=count),
        Figure("- with data left in the speech", result.num_heard / count, "", runs=count),
    ]


def fits(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    """A second, strict look at what the checker accepted."""
    properties = schema.get("properties") or {}
    if not set(schema.get("required") or ()) <= set(arguments):
        return False
    return all(
        name in properties and _value_fits(value, properties[name])
        for name, value in arguments.items()
    )


_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "float": (int, float),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "tuple": (list,),
    "dict": (dict,),
    "object": (dict,),
}


def _value_fits(value: object, schema: Mapping[str, Any]) -> bool:
    types = _TYPES.get(str(schema.get("type", "any")))
    if types is None or "default" in schema and value == schema["default"]:
        return True
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return all(_value_fits(each, schema["items"]) for each in value)
    if isinstance(value, dict) and schema.get("properties"):
        return fits(value, schema)
    return True


def _without_defaults(
    problem: Problem, found: Mapping[str, Any], wanted: Mapping[str, Any]
) -> dict[str, Any]:
    """What the checker did not fill in itself."""
    properties = problem.parameters.get("properties") or {}
    return {
        name: value
        for name, value in found.items()
        if name in wanted or properties.get(name, {}).get("default") != value
    }
