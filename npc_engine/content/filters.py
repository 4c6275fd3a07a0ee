"""The filters of conditions and texts: `{{ player.name | upper }}`. Short, and limited in size.

Replaces all of Jinja's own filters, several of which build texts of any length.
"""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2.runtime import Undefined

MAX_TEXT_CHARS = 10_000
"""Longest single text an expression may build."""


class Refused(Exception):
    """Raised inside a running expression: it did something the limits forbid."""


def printable(value: object) -> object:
    """What `{{ }}` puts into a text: yes and no for truth values, never a whole map or list.

    Raises:
        Refused: A map, a list or anything else that is no text or number.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value == int(value):
        return int(value)
    if isinstance(value, (str, int, float, Undefined)):
        return value
    raise Refused("a group or list where a text or number is meant")


def limited(text: str) -> str:
    """The text, if it is no longer than `MAX_TEXT_CHARS`.

    Raises:
        Refused: It is longer.
    """
    if len(text) > MAX_TEXT_CHARS:
        raise Refused(f"a text over {MAX_TEXT_CHARS:,} characters")
    return text


def _on_text(change: Callable[[str], str]) -> Callable[[object], str]:
    def apply(value: object) -> str:
        if not isinstance(value, str):
            value = str(printable(value))
        return limited(change(limited(value)))

    return apply


def as_number(value: object, what: str) -> int | float:
    """The value, if it is a number.

    Raises:
        Refused: It is not; `what` names the operator or filter it was used with.
        UndefinedError: It is a name that does not exist.
    """
    if isinstance(value, Undefined):
        str(value)  # StrictUndefined names itself in the error it raises here
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused(f"{what} used on something that is not a number")
    return value


def _length(value: object) -> int:
    if isinstance(value, (str, list, tuple, Mapping)):
        return len(value)
    raise Refused("length of something that has none")


def _join(value: object, separator: str = "") -> str:
    if not isinstance(value, (list, tuple)):
        raise Refused("join used on something that is not a list")
    parts = [str(printable(part)) for part in value]
    total = sum(map(len, parts)) + len(separator) * max(0, len(parts) - 1)
    if total > MAX_TEXT_CHARS:
        raise Refused(f"a text over {MAX_TEXT_CHARS:,} characters")
    return separator.join(parts)


def _default(value: object, instead: object = "") -> object:
    return instead if isinstance(value, Undefined) else value


def _round(value: object, digits: int = 0) -> int | float:
    rounded = round(as_number(value, "round"), max(-9, min(9, int(digits))))
    return int(rounded) if digits <= 0 else rounded


FILTERS: Mapping[str, Callable[..., Any]] = {
    "abs": lambda value: abs(as_number(value, "abs")),
    "capitalize": _on_text(str.capitalize),
    "default": _default,
    "join": _join,
    "length": _length,
    "lower": _on_text(str.lower),
    "round": _round,
    "title": _on_text(str.title),
    "trim": _on_text(str.strip),
    "upper": _on_text(str.upper),
}
"""All filters there are."""
