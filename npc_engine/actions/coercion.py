"""A written value as its schema wants it: types, choices, limits; or why it cannot be.

Repairs only what can mean one thing. Schemas are JSON Schema as tools use it, with the type names
that other tool lists use beside it (`dict`, `float`, `tuple`, `any`).
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from npc_engine.actions.naming import match_name
from npc_engine.actions.scanning import scan_value
from npc_engine.stems import numbers_by_word

Schema = Mapping[str, Any]
Values = Mapping[str, Sequence[str]]
"""Allowed texts of this moment, by the name of a parameter; `deal.item` inside a group."""

_KINDS = {
    "str": "string",
    "text": "string",
    "int": "integer",
    "float": "number",
    "double": "number",
    "long": "integer",
    "bool": "boolean",
    "list": "array",
    "tuple": "array",
    "set": "array",
    "dict": "object",
    "map": "object",
}
_YES = ("true", "yes", "on", "y", "1")
_NO = ("false", "no", "off", "n", "0")
_WITH_UNIT = re.compile(
    r"[^\w\s.+-]?\s?([-+]?(?:[0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,15})(?:\.[0-9]{1,15})?"
    r"(?:[eE][-+]?[0-9]{1,2})?)(?:\s?[^\W\d_]{2,20}(?: [^\W\d_]{1,20}){0,2}\.?|\s?[$€£])?"
)
_MULTIPLIERS = re.compile(r"hundred|thousand|million|billion|dozen|half|percent|and|or|to|of")
_MAX_NESTING = 12


class ValueProblem(Exception):
    """A value that its schema refuses."""

    def __init__(self, detail: str, *, is_missing: bool = False) -> None:
        """What was found, what was expected."""
        super().__init__(detail)
        self.detail = detail
        self.is_missing = is_missing


def _coerce(
    value: object, schema: Schema, values: Values, where: str, repairs: list[str], depth: int
) -> object:
    if depth > _MAX_NESTING:
        raise ValueProblem(f"{where}: groups inside groups, too deep")
    kinds = schema.get("type", "any")
    if isinstance(kinds, list):
        return _one_of_kinds(value, schema, kinds, values, where, repairs, depth)
    kind = _KINDS.get(str(kinds), str(kinds))
    if kind == "array":
        return _array(value, schema, values, where, repairs, depth)
    if kind == "object":
        return _object(value, schema, values, where, repairs, depth)
    before = value
    if kind in _SCALARS:
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        value = _SCALARS[kind](value, where)
    value = _chosen(value, schema, values, where)
    _check_limits(value, schema, where)
    if type(value) is not type(before) or value != before:
        repairs.append(f"{where}: {_shown(before)} read as {_shown(value)}")
    return value


def _one_of_kinds(
    value: object,
    schema: Schema,
    kinds: list[Any],
    values: Values,
    where: str,
    repairs: list[str],
    depth: int,
) -> object:
    problem = ValueProblem(f"{where}: found {_shown(value)}; expected one of {kinds}")
    if value is None and "null" in kinds:
        return None
    for kind in [each for each in kinds if each != "null"]:
        try:
            return _coerce(value, {**schema, "type": kind}, values, where, repairs, depth + 1)
        except ValueProblem as error:
            problem = error
    raise problem


def _array(
    value: object, schema: Schema, values: Values, where: str, repairs: list[str], depth: int
) -> list[Any]:
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "("):
        scanned = scan_value(value.replace("(", "[", 1) if value.lstrip()[0] == "(" else value)
        if scanned is not None and isinstance(scanned.value, list):
            repairs.append(f"{where}: a text read as a list")
            value = scanned.value
    if not isinstance(value, list):
        if value is None or (isinstance(value, dict) and not _wants_groups(schema)):
            raise ValueProblem(f"{where}: found {_shown(value)}; expected a list")
        repairs.append(f"{where}: one value read as a list of one")
        value = [value]
    items = schema.get("items")
    if not isinstance(items, Mapping):
        return value
    return [_coerce(each, items, values, where, repairs, depth + 1) for each in value]


def _wants_groups(schema: Schema) -> bool:
    items = schema.get("items")
    kind = str(items.get("type", "any")) if isinstance(items, Mapping) else "any"
    return _KINDS.get(kind, kind) in ("object", "any")


def _object(
    value: object, schema: Schema, values: Values, where: str, repairs: list[str], depth: int
) -> dict[str, Any]:
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        scanned = scan_value(value)
        if scanned is not None and isinstance(scanned.value, dict):
            repairs.append(f"{where}: a text read as a group")
            value = scanned.value
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        raise ValueProblem(f"{where}: found {_shown(value)}; expected a group of values")
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return value
    return coerce_members(value, schema, values, where, repairs, depth + 1)


def coerce_members(
    given: Mapping[str, Any],
    schema: Schema,
    values: Values,
    where: str,
    repairs: list[str],
    depth: int = 0,
) -> dict[str, Any]:
    """The members of a group as its schema lists them, in the schema's order.

    Unknown ones are left out, defaults filled in; what was changed is added to `repairs`, in words.

    Raises:
        ValueProblem: One is missing or cannot be what is wanted; the text says why.
    """
    properties: Mapping[str, Any] = schema.get("properties") or {}
    required = schema.get("required") or ()
    meant = _by_property(given, properties, repairs, where)
    members: dict[str, Any] = {}
    for name, inner in properties.items():
        place = f"{where}.{name}" if where else name
        inner = inner if isinstance(inner, Mapping) else {}
        value = meant.get(name)
        is_empty = value == "" and (name not in required or inner.get("type") != "string")
        if name in meant and value is not None and not is_empty:
            members[name] = _coerce(value, inner, values, place, repairs, depth)
        elif inner.get("default") is not None:
            members[name] = inner["default"]
        elif name in required:
            raise ValueProblem(f"{place}: nothing was given", is_missing=True)
    return members


def _by_property(
    given: Mapping[str, Any], properties: Mapping[str, Any], repairs: list[str], where: str
) -> dict[str, Any]:
    """What was given by the names the schema has; an exact name goes before a like one."""
    meant: dict[str, Any] = {name: given[name] for name in properties if name in given}
    for key, value in given.items():
        if key in properties:
            continue
        place = f"{where}.{key}" if where else str(key)
        open_names = [name for name in properties if name not in meant]
        match = match_name(str(key), open_names)
        if match is None:
            repairs.append(f"{place}: left out, there is no such argument")
        else:
            repairs.append(f"{place}: read as {match.name}")
            meant[match.name] = value
    return meant


# -- single values --------------------------------------------------------------------------------


def _string(value: object, where: str) -> str:
    if isinstance(value, str):
        return value.strip() if value != value.strip() else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    raise ValueProblem(f"{where}: found {_shown(value)}; expected a text")


def _integer(value: object, where: str) -> int:
    number = _number(value, where)
    if isinstance(number, int):
        return number
    if number.is_integer() and abs(number) < 10**15:
        return int(number)
    raise ValueProblem(f"{where}: found {_shown(value)}; expected a whole number")


def _number(value: object, where: str) -> int | float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if math.isfinite(value):
            return value
    elif isinstance(value, str):
        number = _number_in(value.strip())
        if number is not None:
            return number
    raise ValueProblem(f"{where}: found {_shown(value)}; expected a number")


def _number_in(text: str) -> int | float | None:
    """The number a text is, alone or with a unit: `30 silver`; None where it may be another."""
    word = numbers_by_word().get(text.casefold())
    if word is not None:
        return int(word)
    match = _WITH_UNIT.fullmatch(text) if len(text) <= 80 else None
    if match is None or _MULTIPLIERS.search(text[match.end(1) :].casefold()):
        return None
    digits = match[1].replace(",", "")
    number = float(digits)
    if not math.isfinite(number):
        return None
    return int(digits) if digits.lstrip("+-").isdigit() else number


def _boolean(value: object, where: str) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    if isinstance(value, (str, int)) and word in (*_YES, *_NO):
        return word in _YES
    raise ValueProblem(f"{where}: found {_shown(value)}; expected true or false")


_SCALARS = {"string": _string, "integer": _integer, "number": _number, "boolean": _boolean}


def _chosen(value: object, schema: Schema, values: Values, where: str) -> object:
    """The choice that was meant; the value itself where any will do."""
    choices = values.get(where) if where in values else schema.get("enum")
    if choices is None or value in choices:
        return value
    texts = [choice for choice in choices if isinstance(choice, str)]
    match = match_name(value, texts) if isinstance(value, str) else None
    if match is None:
        listed = ", ".join(str(choice) for choice in list(choices)[:12]) or "nothing now"
        raise ValueProblem(f"{where}: found {_shown(value)}; expected one of {listed}")
    return match.name


def _check_limits(value: object, schema: Schema, where: str) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return
    low, high = schema.get("minimum"), schema.get("maximum")
    if (low is not None and value < low) or (high is not None and value > high):
        limits = (
            f"from {low} to {high}" if None not in (low, high) else f"{low or ''}..{high or ''}"
        )
        raise ValueProblem(f"{where}: found {value}; expected a number {limits}")


def _shown(value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = str(value)
    return text if len(text) <= 60 else text[:59] + "…"
