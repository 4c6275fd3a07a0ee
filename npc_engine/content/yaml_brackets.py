"""YAML's traps between brackets: lists `[ ]` and groups `{ }` written on one line."""

import re

from npc_engine.content.marks import quoted, shown
from npc_engine.content.yaml_problem import KEY, SyntaxProblem, fault_at, quote_line
from npc_engine.errors import Fault

_CLOSERS = {"[": "]", "{": "}"}


def question(error: SyntaxProblem, path: str) -> Fault | None:
    """A `?` in a text between brackets, where one of the parsers takes it for a sign of its own."""
    if error.char != "?" or "flow" not in error.context:
        return None
    start = max(error.text.rfind(sign, 0, error.column) for sign in "{[,") + 1
    entry = error.text[start:]
    cut = re.search(r",|[\]}]", entry)
    entry = (entry[: cut.start()] if cut else entry).strip()
    key, colon, value = entry.partition(": ")
    mend = f"{key}: {quoted(value)}" if colon else quoted(entry)
    column = error.text.index(value if colon else entry, start)
    brackets = "{ }" if "mapping" in error.context else "[ ]"
    return fault_at(
        path,
        error.line,
        column,
        f'the text {shown(value if colon else entry)} with a "?" inside {brackets}',
        "a text in quotes there",
        f"put the text in quotes: {mend}",
    )


def bracket(error: SyntaxProblem, path: str) -> Fault | None:
    """Brackets that do not match, or entries that are not separated."""
    if "parsing a flow" in error.context:
        return _inside_brackets(error, path)
    if error.char in ("]", "}") and "expected" in error.problem:
        return fault_at(
            path,
            error.line,
            error.column,
            f"a {error.char} that closes nothing",
            "as many closing brackets as opening ones",
            f"remove it, or put the text in quotes if {error.char} belongs to it",
        )
    return None


def _inside_brackets(error: SyntaxProblem, path: str) -> Fault | None:
    line, column = error.context_line, error.context_column
    opening = error.lines[line][column : column + 1]
    if opening not in _CLOSERS:
        line, column = _open_bracket(error)
        opening = error.lines[line][column : column + 1]
    if opening not in _CLOSERS:
        return None
    closing = _CLOSERS[opening]
    if error.char in ("]", "}") and error.char != closing:
        return fault_at(
            path,
            error.line,
            error.column,
            f"{error.char} where {opening} is open",
            f"{closing}",
            f"close {opening} with {closing}",
        )
    if error.line > line or not error.char:
        return fault_at(
            path,
            line,
            column,
            f"a {opening} that is never closed",
            f"a closing {closing}",
            _close(error.lines[line], column, closing),
        )
    return fault_at(
        path,
        error.line,
        error.column,
        f"{shown(error.text[error.column :])} inside {opening}",
        f"a comma or {closing}",
        "put a comma between the entries, or texts in quotes",
    )


def _close(text: str, column: int, closing: str) -> str:
    comment = text.find(" #", column)
    if comment < 0:
        return f"write {closing} where it ends"
    return f"# begins a comment; put {quoted(text[comment:].rstrip(closing))} in quotes"


def _open_bracket(error: SyntaxProblem) -> tuple[int, int]:
    """The last bracket before the error that was not closed in its own line."""
    for line in range(error.line, -1, -1):
        text = error.lines[line].split(" #")[0]
        for column in range(len(text) - 1, -1, -1):
            rest = text[column:]
            closing = _CLOSERS.get(text[column])
            if closing and rest.count(text[column]) > rest.count(closing):
                return line, column
    return error.line, error.column


def after_bracket(error: SyntaxProblem, path: str) -> Fault | None:
    """Text goes on behind a closing bracket: `{{ player.name }}, welcome`."""
    before = error.text[: error.column].rstrip()
    key = KEY.match(error.text)
    if before[-1:] not in ("]", "}") or error.char in ("]", "}") or not key:
        return None
    if "expected" not in error.problem or "flow" in error.context:
        return None
    return fault_at(
        path,
        error.line,
        key.end(),
        f"a text that begins with {error.text[key.end()]}",
        "a text in quotes",
        quote_line(error.text, key.end()),
    )
