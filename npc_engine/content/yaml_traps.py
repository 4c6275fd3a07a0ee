"""YAML's own traps in plain words: what a syntax error means for somebody who writes stories.

Takes the parser's error and the text; gives one fault with the place to change and what to write.
The two parsers of PyYAML word their problems differently; both are understood.
"""

import re

import yaml

from npc_engine.content.marks import quoted, shown
from npc_engine.content.yaml_brackets import after_bracket, bracket, question
from npc_engine.content.yaml_problem import KEY, SyntaxProblem, fault_at, quote_line, read_problem
from npc_engine.content.yaml_tree import value_text
from npc_engine.errors import Fault


def explain(error: yaml.YAMLError, text: str, path: str) -> Fault:
    """The fault behind a syntax error."""
    found = read_problem(error, text.split("\n"))
    for trap in _TRAPS:
        fault = trap(found, path)
        if fault is not None:
            return fault
    return fault_at(
        path,
        found.line,
        found.column,
        f"YAML that cannot be read ({found.problem or error})",
        "key: value lines, indented with spaces",
        "put texts with special signs in quotes",
    )


def _tab(error: SyntaxProblem, path: str) -> Fault | None:
    for line in (error.line, error.line + 1):
        text = error.lines[line] if line < len(error.lines) else ""
        indent = text[: len(text) - len(text.lstrip())]
        if "\t" in indent and (line == error.line or "tab" in error.problem):
            return fault_at(
                path,
                line,
                indent.index("\t"),
                "a tab at the beginning of the line",
                "spaces",
                "indent with two spaces for each level, never with tabs",
            )
    return None


def _second_colon(error: SyntaxProblem, path: str) -> Fault | None:
    if not error.problem.startswith("mapping values are not allowed"):
        return None
    text = error.text
    key = KEY.match(text)
    if key and key.end() <= error.column:
        return fault_at(
            path,
            error.line,
            key.end(),
            f"a second colon in {shown(value_text(text, key.end()))}",
            "one colon in a line, after the key",
            f"put the text in quotes: {key[2]}: {quoted(value_text(text, key.end()))}",
        )
    return _missing_colon(error, path)


def _missing_colon(error: SyntaxProblem, path: str) -> Fault | None:
    """The line above is no `key: value`, or this one is indented under a value."""
    above = error.line - 1
    while above >= 0 and not error.lines[above].split("#")[0].strip():
        above -= 1
    if above < 0:
        return None
    text = error.lines[above]
    start = len(text) - len(text.lstrip())
    glued = re.match(r"\s*([\w-]+):(?=\S)", text)
    if glued:
        return fault_at(
            path,
            above,
            start,
            shown(text),
            "a space after the colon",
            f"write {glued[1]}: {text[glued.end() :].strip()}",
        )
    indent = len(error.text) - len(error.text.lstrip())
    if KEY.match(text) and indent > start:
        return fault_at(
            path,
            error.line,
            indent,
            "a key indented under a line that already has a value",
            "keys of one level under each other",
            "indent this line like the one above, or move that line's value below its key",
        )
    return fault_at(
        path,
        above,
        start,
        f"{shown(text)} without a colon",
        "key: value",
        "write key: before it, or indent it under the text it belongs to",
    )


def _dash_after_key(error: SyntaxProblem, path: str) -> Fault | None:
    if "sequence entries are not allowed" not in error.problem:
        return None
    key = KEY.match(error.text)
    item = value_text(error.text, error.column + 1)
    name = key[2] if key else "key"
    return fault_at(
        path,
        error.line,
        error.column,
        'a "-" behind a key in one line',
        "a list",
        f"write {name}: [{quoted(item)}], or put the - on a line of its own",
    )


def _unclosed_quote(error: SyntaxProblem, path: str) -> Fault | None:
    if "quoted scalar" not in error.context or "unexpected" not in error.problem:
        return None
    line, column = error.context_line, error.context_column
    text = error.lines[line]
    sign = text[column : column + 1]
    rest = text[column + 1 :].strip()
    advice = f"close the text with {sign}"
    if sign == "'":
        advice += " (an apostrophe inside '…' is written '')"
    if rest and sign not in rest:
        advice += f": {sign}{rest[:60]}{sign}"
    return fault_at(
        path,
        line,
        column,
        f"a text that begins with {sign} and never ends",
        f"a closing {sign}",
        advice,
    )


def _after_quote(error: SyntaxProblem, path: str) -> Fault | None:
    """Text goes on behind a closing quote: `'it's'`, `"Yes," she said`."""
    before = error.text[: error.column].rstrip()
    sign = before[-1:]
    if sign not in ("'", '"') or error.char in ("", "]", "}", ":", "#"):
        return None
    if "expected" not in error.problem:
        return None
    if "flow" in error.context and error.char in ("'", '"'):
        return fault_at(
            path,
            error.line,
            error.column,
            "two texts without a comma between them",
            "a comma between the items of a list",
            'write ["one", "two"]',
        )
    if sign == "'":
        mend = "write an apostrophe inside '…' twice (''), or put the whole text in \"…\""
    else:
        mend = "put the whole text in '…', or write each \" inside it as \\\""
    return fault_at(
        path,
        error.line,
        error.column,
        f"text that goes on after the closing {sign}",
        "the end of the line",
        mend,
    )


def _special_start(error: SyntaxProblem, path: str) -> Fault | None:
    """A value that begins with a sign YAML keeps for itself."""
    line, column = error.line, error.column
    if any(word in error.context for word in ("alias", "anchor", "tag", "directive")):
        line, column = error.context_line, error.context_column
    elif "block scalar" in error.context:
        return _block_header(error, path)
    elif "cannot start any token" not in error.problem:
        return _sign_then_text(error, path)
    text = error.lines[line]
    sign = text[column : column + 1]
    if not sign:
        return None
    return fault_at(
        path,
        line,
        column,
        f'a value that begins with "{sign}", a sign YAML keeps for itself',
        "a text in quotes",
        quote_line(text, column),
    )


def _sign_then_text(error: SyntaxProblem, path: str) -> Fault | None:
    """A reference, anchor or tag with text behind it: `*shrugs and leaves`."""
    key = KEY.match(error.text)
    sign = error.text[key.end() : key.end() + 1] if key else ""
    if key is None or sign not in ("*", "&", "!") or key.end() >= error.column:
        return None
    found = f'a value that begins with "{sign}", a sign YAML keeps for itself'
    advice = quote_line(error.text, key.end())
    return fault_at(path, error.line, key.end(), found, "a text in quotes", advice)


def _block_header(error: SyntaxProblem, path: str) -> Fault:
    text = error.lines[error.context_line]
    sign = text[error.context_column : error.context_column + 1]
    return fault_at(
        path,
        error.context_line,
        error.context_column,
        f'text in the same line after "{sign}"',
        f"nothing more in the line after {sign}",
        f"begin the text in the next line, indented; or {quote_line(text, error.context_column)}",
    )


def _escape(error: SyntaxProblem, path: str) -> Fault | None:
    if "escape" not in error.problem and "hexadecimal" not in error.problem:
        return None
    at = error.text.rfind("\\", 0, error.column + 1)
    at = at if at >= 0 else error.column
    return fault_at(
        path,
        error.line,
        at,
        f'{shown(error.text[at : at + 2])} in a text in "…"',
        "an escape YAML knows, such as \\n or \\\\",
        f"write the backslash twice (\\{error.text[at : at + 2]}), or put the text in '…'",
    )


def _no_key(error: SyntaxProblem, path: str) -> Fault | None:
    """A line of text without `key:`, often block text that lost its indentation."""
    if "could not find expected ':'" not in error.problem:
        return None
    line = error.context_line if error.context_line >= 0 else error.line
    text = error.lines[line]
    return fault_at(
        path,
        line,
        len(text) - len(text.lstrip()),
        f"{shown(text)} without a colon",
        "key: value",
        "if it belongs to the text above, indent it by two spaces",
    )


def _indentation(error: SyntaxProblem, path: str) -> Fault | None:
    if "block" not in error.context or "expected" not in error.problem:
        return None
    text = error.text
    indent = len(text) - len(text.lstrip())
    if error.column != indent:
        return None
    in_list = "collection" in error.context or "sequence" in error.context
    if in_list and indent == error.context_column:
        return fault_at(
            path,
            error.line,
            indent,
            f"{shown(text)} among the items of a list",
            "a line that begins with -",
            "write - before it, or indent it under the item above",
        )
    return fault_at(
        path,
        error.line,
        indent,
        f"a line indented by {indent} {'space' if indent == 1 else 'spaces'}",
        "keys of one level exactly under each other",
        "indent it like the other keys of its group",
    )


def _after_end(error: SyntaxProblem, path: str) -> Fault | None:
    if "document start" not in error.problem:
        return None
    return fault_at(
        path,
        error.line,
        error.column,
        f"{shown(error.text)} after the end of the value",
        "one map of key: value lines",
        "write the whole file as key: value lines, without { }",
    )


_TRAPS = (
    _tab,
    question,
    _second_colon,
    _dash_after_key,
    _unclosed_quote,
    _escape,
    _special_start,
    _after_quote,
    after_bracket,
    bracket,
    _no_key,
    _indentation,
    _after_end,
)
