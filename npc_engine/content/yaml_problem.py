"""A syntax error of either YAML parser as one kind of value, and the fault made from it."""

import re
from dataclasses import dataclass

import yaml

from npc_engine.content.marks import quoted
from npc_engine.content.yaml_tree import YamlMark, value_text
from npc_engine.errors import Fault

CODE = "E002"

KEY = re.compile(r"^(\s*(?:- +)*)([^\s#'\"\[\]{},:][^#:]*?):(?: +|$)")
"""A line that begins with a key; group 2 is the key."""


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """A syntax error with its two places, counted from 0."""

    context: str
    problem: str
    line: int
    """Where the parser stopped."""
    column: int
    context_line: int
    """Where what it was reading began."""
    context_column: int
    lines: list[str]

    @property
    def text(self) -> str:
        """The line where the parser stopped."""
        return self.lines[self.line] if 0 <= self.line < len(self.lines) else ""

    @property
    def char(self) -> str:
        """The character where the parser stopped; empty at the end of a line."""
        return self.text[self.column : self.column + 1]


def read_problem(error: yaml.YAMLError, lines: list[str]) -> SyntaxProblem:
    """The error with both places inside the text."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return SyntaxProblem("", str(error), 0, 0, 0, 0, lines)
    line, column = _inside(error.problem_mark, lines) if error.problem_mark else (0, 0)
    began = _inside(error.context_mark, lines) if error.context_mark else (line, column)
    return SyntaxProblem(
        context=error.context or "",
        problem=error.problem or str(error),
        line=line,
        column=column,
        context_line=began[0],
        context_column=began[1],
        lines=lines,
    )


def _inside(mark: YamlMark, lines: list[str]) -> tuple[int, int]:
    """A mark, moved to the end of the last line with text when it lies behind it."""
    line, column = mark.line, mark.column
    while line > 0 and (line >= len(lines) or (not lines[line].strip() and column == 0)):
        line -= 1
        column = len(lines[line])
    return line, column


def fault_at(path: str, line: int, column: int, found: str, expected: str, advice: str) -> Fault:
    """A syntax fault; `line` and `column` count from 0."""
    return Fault(path, line + 1, column + 1, "", found, expected, advice, CODE)


def quote_line(text: str, column: int) -> str:
    """The mend for a value that wants quotes: `put the text in quotes: key: "value"`."""
    key = KEY.match(text)
    name = f"{key[2]}: " if key and key.end() == column else ""
    in_flow = not name and any(sign in text[:column] for sign in "[{")
    return f"put the text in quotes: {name}{quoted(value_text(text, column, in_flow=in_flow))}"
