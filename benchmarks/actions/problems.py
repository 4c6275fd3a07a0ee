"""Problems of the Berkeley Function-Calling Leaderboard, read where they lie; none is kept here.

Format and licence: https://github.com/ShishirPatil/gorilla, `berkeley-function-call-leaderboard`,
Apache-2.0.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "bfcl"
"""Beside the checkout, where there is one."""

_CALLS = "BFCL_v4_simple_python.json"
_NO_CALLS = "BFCL_v4_irrelevance_first120.json"
_OPTIONAL = ""
"""Among the values of an argument: it may be left out."""
_IGNORED = str.maketrans("", "", " ,./-_*^'\"")


@dataclass(frozen=True, slots=True)
class Problem:
    """A question, one tool, and the call that answers it; none where none does."""

    id: str
    question: str
    name: str
    description: str
    parameters: Mapping[str, Any]
    """The tool's schema, with the type names of the data set."""
    expected: Mapping[str, Sequence[Any]] | None = None
    """By argument, the values that are right."""

    def first_answer(self) -> dict[str, Any]:
        """The right call's arguments, the first value of each; optional ones left out.

        What the answers call optional and the schema requires is there: two problems have it.
        """
        assert self.expected is not None
        required = self.parameters.get("required") or ()
        return {
            name: _first([value for value in values if value != _OPTIONAL])
            for name, values in self.expected.items()
            if _OPTIONAL not in values or name in required
        }

    def is_right(self, arguments: Mapping[str, Any]) -> bool:
        """Whether arguments are right: each among the allowed values, and none missing."""
        if self.expected is None or not set(arguments) <= set(self.expected):
            return False
        for name, values in self.expected.items():
            if name not in arguments:
                if _OPTIONAL not in values:
                    return False
            elif not any(_equal(arguments[name], value) for value in values):
                return False
        return True


def load_problems(folder: Path = FOLDER) -> tuple[list[Problem], list[Problem]]:
    """Those that want a call, and those that want none.

    Raises:
        OSError: The files are not there.
    """
    answers = {
        row["id"]: row["ground_truth"][0] for row in _rows(folder / "possible_answer" / _CALLS)
    }
    calls = [_problem(row, answers[row["id"]]) for row in _rows(folder / _CALLS)]
    return calls, [_problem(row, None) for row in _rows(folder / _NO_CALLS)]


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _problem(row: Mapping[str, Any], answer: Mapping[str, Any] | None) -> Problem:
    tool = row["function"][0]
    return Problem(
        id=row["id"],
        question=row["question"][0][-1]["content"],
        name=tool["name"],
        description=tool["description"],
        parameters=tool["parameters"],
        expected=None if answer is None else answer[tool["name"]],
    )


def _first(values: Sequence[Any]) -> Any:  # noqa: ANN401 -- whatever the data set holds
    value = values[0]
    if isinstance(value, dict):
        return {name: _first(inner) for name, inner in value.items() if _OPTIONAL not in inner}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [_first([each]) for each in value]
    return value


def _equal(given: object, wanted: object) -> bool:
    """The data set's own comparison: texts without case and punctuation, groups part by part."""
    if isinstance(given, str) and isinstance(wanted, str):
        return _plain(given) == _plain(wanted)
    if isinstance(given, list) and isinstance(wanted, list):
        return len(given) == len(wanted) and all(map(_equal, given, wanted))
    if isinstance(given, dict) and isinstance(wanted, dict):
        is_known = set(given) <= set(wanted)
        return is_known and all(
            any(_equal(given[name], value) for value in values)
            if name in given
            else _OPTIONAL in values
            for name, values in wanted.items()
        )
    if isinstance(given, bool) or isinstance(wanted, bool):
        return given is wanted
    return given == wanted


def _plain(text: str) -> str:
    return text.translate(_IGNORED).casefold()
