"""The kinds of value a field may hold: texts, names, numbers, truth values, lists.

Numbers and truth values are read from plain scalars by our own strict rules, so that nothing turns
into something else on the way: `yes` is no truth value, `017` no number, `"40"` a text. Values that
come from Python pass as they are.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from npc_engine.content.conditions import as_field_error, template_names
from npc_engine.content.marks import Quoted
from npc_engine.errors import TemplateError

MODEL = ConfigDict(
    extra="forbid",
    frozen=True,
    strict=True,
    use_attribute_docstrings=True,
    validate_by_alias=True,
    validate_by_name=True,
    str_strip_whitespace=True,
)
"""How every model of this layer behaves."""

_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,14})")
_DECIMAL = re.compile(
    r"[-+]?(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})(?:[eE][-+]?[0-9]{1,2})?"
)
_LOOSE_TRUTH = {
    "yes": "true",
    "on": "true",
    "y": "true",
    "no": "false",
    "off": "false",
    "n": "false",
}


def refuse(expected: str, advice: str = "", *, found: str = "", code: str = "") -> Exception:
    """The error a field raises; `validation` adds the place, and what was found if not given."""
    context = {"expected": expected, "advice": advice, "found": found, "code": code}
    return PydanticCustomError("field", "{expected}", context)


def whole_number(value: object) -> object:
    """A whole number from a plain scalar such as `40` or `-3`; other types pass on."""
    if not isinstance(value, str):
        return value
    if isinstance(value, Quoted):
        raise refuse("a whole number", _unquoted(value, _WHOLE))
    if _WHOLE.fullmatch(value):
        return int(value)
    digits = value.replace("_", "").replace(",", "")
    stripped = digits.lstrip("0") or "0"
    advice = f"write {stripped}" if digits.isascii() and digits.isdigit() else ""
    raise refuse("a whole number", advice)


def number(value: object) -> object:
    """A number from a plain scalar such as `0.7`; other types pass on."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return value
    if isinstance(value, Quoted):
        raise refuse("a number", _unquoted(value, _DECIMAL))
    if _DECIMAL.fullmatch(value):
        return float(value)
    dotted = value.replace(",", ".")
    raise refuse("a number", f"write {dotted}" if _DECIMAL.fullmatch(dotted) else "")


def truth(value: object) -> object:
    """True or false from the plain words `true` and `false`; other types pass on."""
    if not isinstance(value, str):
        return value
    if not isinstance(value, Quoted) and value in ("true", "false"):
        return value == "true"
    raise refuse("true or false", truth_advice(value))


def truth_advice(value: object) -> str:
    """What to write instead of `yes`, `off` or `"true"`; empty when nobody can know."""
    word = str(value).lower()
    word = _LOOSE_TRUTH.get(word, word)
    return f"write {word}" if word in ("true", "false") else ""


def _unquoted(value: str, form: re.Pattern[str]) -> str:
    return f"write {value} without quotes" if form.fullmatch(value) else ""


def _checked_template(text: str) -> str:
    try:
        template_names(text)
    except TemplateError as error:
        raise as_field_error(error) from error
    return text


class Filled:
    """Marks a text in which `{{ }}` is filled before it is used."""


def _one_line(text: str) -> str:
    if "\n" in text:
        raise refuse("a text in one line")
    return text


AS_WHOLE = BeforeValidator(whole_number)
"""Put after the limits of a whole number: `Annotated[int, Field(ge=1), AS_WHOLE]`."""
AS_NUMBER = BeforeValidator(number)
"""Put after the limits of a number."""

Whole = Annotated[int, AS_WHOLE]
Number = Annotated[float, AS_NUMBER]
Truth = Annotated[bool, BeforeValidator(truth)]

_ID = r"^[^\W\d][\w-]*$"
_STATE_NAME = r"^[^\W\d_]\w*$"
_COLOUR = r"^(?:#[0-9a-fA-F]{6}|[a-z]+(?:_[a-z]+)?)$"

PATTERN_WORDS = {
    _ID: "a name of letters, digits, _ and -, beginning with a letter or _",
    _STATE_NAME: "a name of letters, digits and _, beginning with a letter",
    _COLOUR: 'a colour such as "#c0713a" (in quotes) or red',
}
"""The forms of names, in words."""

PATTERNS_FOR_EDITORS = {
    _ID: r"^[\p{L}_][\p{L}\p{M}\p{N}_-]*$",
    _STATE_NAME: r"^\p{L}[\p{L}\p{M}\p{N}_]*$",
}
"""The same forms as JSON Schema writes them: there `\\w` means ASCII only."""

Id = Annotated[str, StringConstraints(pattern=_ID, min_length=1, max_length=64)]
"""A name that other places refer to: letters of any script, digits, `_` and `-`."""

StateName = Annotated[str, StringConstraints(pattern=_STATE_NAME, min_length=1, max_length=64)]
"""A name that conditions read after a dot: no `-`."""

Title = Annotated[str, StringConstraints(min_length=1, max_length=80), AfterValidator(_one_line)]
"""A person's or place's name, in any script."""

Phrase = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_one_line)]
"""A few words, taken as they are."""

Key = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_one_line)]
"""A word or phrase that brings a text to mind when somebody says it."""

Prose = Annotated[
    str, StringConstraints(max_length=20_000), AfterValidator(_checked_template), Filled()
]
"""A text that may hold `{{ }}`; may be empty."""

Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2_000),
    AfterValidator(_checked_template),
    Filled(),
]
"""A text that may hold `{{ }}`, such as something said; not empty."""

Colour = Annotated[str, StringConstraints(pattern=_COLOUR, max_length=30)]


def plain_data(value: object) -> object:
    """Data without the marks of quoting, by YAML's usual reading of plain scalars.

    `true`, `null`, whole and decimal numbers become values; quoted text stays text. For parts
    without a schema, such as `extensions`.
    """
    if isinstance(value, dict):
        return {str(key): plain_data(inner) for key, inner in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain_data(inner) for inner in value]
    if isinstance(value, Quoted):
        return str(value)
    return _natural(value) if isinstance(value, str) else value


def _natural(text: str) -> object:
    if text in ("true", "false"):
        return text == "true"
    if text in ("null", "~"):
        return None
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text) and ("." in text or "e" in text.lower()):
        return float(text)
    return text


Extensions = Mapping[str, Any]
Phrases = Annotated[tuple[Phrase, ...], Field(max_length=200)]
Keys = Annotated[tuple[Key, ...], Field(max_length=256)]
Lines = Annotated[tuple[Line, ...], Field(max_length=200)]
Ids = Annotated[tuple[Id, ...], Field(max_length=500)]
