"""A source into a model, or into faults: pydantic's errors in the words of this project.

Generic over the model: sheets, worlds and other YAML files (such as persona tests) go through the
same door.
"""

import re
from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from npc_engine.content.fields import PATTERN_WORDS, plain_data
from npc_engine.content.marks import KeyPath, Quoted, Source, quoted, shown
from npc_engine.content.nearest import nearest, suggest
from npc_engine.content.shape import (
    Shape,
    as_yaml,
    known_keys,
    looks_like_number,
    places_of,
    shape_at,
)
from npc_engine.errors import Fault

__all__ = ["Built", "build", "nearest", "suggest"]

CODE = "E101"

Model = TypeVar("Model", bound=BaseModel)

_OTHER_NAMES = {
    "description": "persona",
    "personality": "traits",
    "bio": "background",
    "backstory": "background",
    "history": "background",
    "greeting": "greetings",
    "first_mes": "greetings",
    "first_message": "greetings",
    "dialogue": "examples",
    "dialogues": "examples",
    "mes_example": "examples",
    "role": "summary",
    "scenario": "setting",
}
"""What other programs call a key of ours."""

_UNTOUCHED = "extensions"
"""The key without a schema."""


@dataclass(frozen=True, slots=True)
class Built(Generic[Model]):
    """A model, as far as the file allows, and everything wrong with the file."""

    model: Model | None
    """With faults: built without the top-level keys that are wrong, for further checks only."""
    faults: tuple[Fault, ...]
    skipped: frozenset[str] = frozenset()
    """Top-level keys the model was built without."""


def build(
    model: type[Model], source: Source, *, given: Mapping[str, Any] | None = None
) -> Built[Model]:
    """Validate a source.

    Args:
        model: A model whose `model_config` forbids extra keys.
        source: What was read; parts that are `lost` are passed over in silence.
        given: Values of fields that are not written in the file, such as `id`.
    """
    given = given or {}
    if not isinstance(source.data, dict):
        return Built(None, () if source.data is None else (_no_map(source),))
    faults = list(_nothings(model, source))
    covered = {fault.key for fault in faults}
    data = {key: value for key, value in source.data.items() if key not in given}
    if _UNTOUCHED in data:
        data[_UNTOUCHED] = plain_data(data[_UNTOUCHED])
    for key in given:
        if key in source.data:
            faults.append(
                source.fault(
                    (key,),
                    f'the key "{key}"',
                    "",
                    "remove it: the name of the file is the id",
                    CODE,
                    at_key=True,
                )
            )
    try:
        whole = model.model_validate({**data, **given})
    except ValidationError as error:
        for fault in _faults(model, source, error):
            if fault.key not in covered:
                covered.add(fault.key)
                faults.append(fault)
        wrong = {str(item["loc"][0]) for item in error.errors() if item["loc"]}
        wrong |= {str(where[0]) for where in source.lost if where}
        return Built(_partial(model, data, given, wrong), tuple(faults), frozenset(wrong))
    skipped = frozenset(str(where[0]) for where in source.lost if where)
    return Built(whole, tuple(faults), skipped)


def _no_map(source: Source) -> Fault:
    advice = ""
    if isinstance(source.data, str):
        glued = re.match(r"([\w-]+):(?=\S)", source.data)
        if glued:
            advice = f"write a space after the colon: {glued[1]}: {source.data[glued.end() :][:40]}"
    elif isinstance(source.data, tuple):
        advice = "remove the - at the beginning of the lines"
    return source.fault(
        (), shown(source.data), "key: value lines", advice or "write name: … first", CODE
    )


def _partial(
    model: type[Model], data: dict[str, Any], given: Mapping[str, Any], wrong: set[str]
) -> Model | None:
    """The model without the wrong top-level keys; required ones get a stand-in."""
    rest = {key: value for key, value in data.items() if key not in wrong}
    for name, info in model.model_fields.items():
        if info.is_required() and name not in rest and info.annotation is str:
            rest[name] = "unnamed"
    try:
        return model.model_validate({**rest, **given})
    except ValidationError:
        return None


def _nothings(model: type[BaseModel], source: Source) -> Iterator[Fault]:
    """Keys without a value and empty list items: never meant, so never passed over."""
    waiting: list[tuple[KeyPath, object]] = [((), source.data)]
    while waiting:
        where, value = waiting.pop()
        if where and where[0] == _UNTOUCHED:
            continue
        if isinstance(value, dict):
            waiting.extend(((*where, key), inner) for key, inner in value.items())
        elif isinstance(value, tuple):
            waiting.extend(((*where, index), inner) for index, inner in enumerate(value))
        elif value is None and not source.is_lost(where):
            shape = shape_at(model, where)
            if shape is not None:
                mend = _mend_nothing(source, where, shape)
                yield source.fault(where, "nothing", shape.words(), mend, CODE)


def _mend_nothing(source: Source, where: KeyPath, shape: Shape) -> str:
    mark = source.mark(where)
    lines = source.text.split("\n")
    rest = lines[mark.line - 1][mark.column - 1 :].strip() if mark.line <= len(lines) else ""
    if rest.startswith("#") and not rest.startswith("# "):
        return f"# begins a comment; put the text in quotes: {where[-1]}: {quoted(rest)}"
    example = _example(where[-1], shape)
    if shape.is_required and example:
        return example
    return f"{example}, or remove the line" if example else "write one, or remove the line"


def _faults(model: type[BaseModel], source: Source, error: ValidationError) -> Iterator[Fault]:
    for item in error.errors(include_url=False):
        if item["type"] == "default_factory_not_called" or _only_looks_short(item):
            continue
        where, at_key = _place(source.data, item["loc"], item["type"])
        if source.is_lost(where):
            continue
        shape = shape_at(model, where)
        found, expected, advice, code = _words(model, where, shape, item, at_key)
        yield source.fault(
            where,
            found,
            expected,
            advice,
            code,
            at_key=at_key or item["type"] in ("extra_forbidden", "missing"),
        )


def _only_looks_short(item: ErrorDetails) -> bool:
    """Whether a list is called too short only because its wrong entries were not counted."""
    is_short = item["type"] == "too_short" and isinstance(item["input"], (tuple, list))
    return is_short and len(item["input"]) >= item["ctx"]["min_length"]


def _place(data: object, loc: tuple[str | int, ...], kind: str) -> tuple[KeyPath, bool]:
    """Pydantic's location without the names of types it adds; whether the key itself is wrong."""
    where: list[str | int] = []
    at_key = False
    for index, part in enumerate(loc):
        known, inner = _step(data, part)
        if known:
            data = inner
        elif kind == "missing" and index == len(loc) - 1:
            data = None
        else:
            at_key = at_key or part == "[key]"
            continue
        where.append(part)
    return tuple(where), at_key


def _step(data: object, part: str | int) -> tuple[bool, object]:
    """Whether there is such a key or item, and its value."""
    if isinstance(data, Mapping) and part in data:
        return True, data[part]
    if isinstance(data, (tuple, list)) and isinstance(part, int) and part < len(data):
        return True, data[part]
    return False, None


def _words(
    model: type[BaseModel], where: KeyPath, shape: Shape | None, item: ErrorDetails, at_key: bool
) -> tuple[str, str, str, str]:
    """Found, expected, advice and code of one pydantic error."""
    kind, value, context = item["type"], item["input"], item.get("ctx", {})
    name = where[-1] if where else ""
    if kind in ("field", "condition", "template"):
        found = context.get("found") or shown(value)
        if kind == "field" and isinstance(value, Quoted) and "without quotes" in context["advice"]:
            found = f"the quoted text {found}"
        advice = context["advice"] or ("" if kind == "template" else _example(name, shape))
        return found, context["expected"], advice, context.get("code") or CODE
    if kind == "extra_forbidden":
        return _unknown_key(model, where)
    if kind == "missing":
        expected = shape.words() if shape else "a value"
        blank = "[…]" if shape and shape.is_list else "…"
        return "nothing", expected, _example(name, shape) or f"write {name}: {blank}", CODE
    if kind == "string_pattern_mismatch":
        expected = PATTERN_WORDS.get(context.get("pattern", ""), "a text of another form")
        slug = re.sub(r"\W+", "_", str(value)).strip("_").lower()
        fits = re.fullmatch(context.get("pattern", ""), slug)
        return shown(value), expected, f"write {slug}" if fits else "", CODE
    if "too_long" in kind or "too_short" in kind:
        return _length(kind, value, context)
    if at_key or shape is None:
        return _bad_key(model, where, item)
    advice = _choice(str(value), shape) if shape.choices else _mend_type(name, value, shape)
    return shown(value), shape.words(), advice or _example(name, shape), CODE


def _bad_key(
    model: type[BaseModel], where: KeyPath, item: ErrorDetails
) -> tuple[str, str, str, str]:
    group = shape_at(model, where[:-1])
    choices = group.key_choices if group else ()
    if not choices:
        return shown(item["input"]), item["msg"].lower(), "", CODE
    return shown(item["input"]), "a known name", suggest(str(item["input"]), choices), CODE


def _choice(value: str, shape: Shape) -> str:
    near = nearest(value, [str(choice) for choice in shape.choices])
    return f'did you mean "{near}"?' if near else ""


def _unknown_key(model: type[BaseModel], where: KeyPath) -> tuple[str, str, str, str]:
    name = str(where[-1])
    group = shape_at(model, where[:-1])
    known = list(known_keys(group.model)) if group and group.model else []
    found = f'the unknown key "{name}"'
    near = nearest(name, known)
    elsewhere = list(places_of(model, name)) if len(where) == 1 else []
    other = _OTHER_NAMES.get(name.lower(), "")
    if other in known:
        advice = f'here it is called "{other}"'
    elif elsewhere:
        advice = f"{name} belongs under {' or '.join(f'{place}:' for place in elsewhere)}"
    elif near:
        advice = f'did you mean "{near}"?'
    elif len(where) > 1 and name in known_keys(model):
        advice = f"{name} belongs at the beginning of a line of its own, without indentation"
    elif len(known) > 12:
        advice = "remove it, or keep it under extensions:"
    else:
        advice = f"known keys: {', '.join(known)}" if known else "remove it"
    return found, "", advice, CODE


def _length(kind: str, value: object, context: Mapping[str, Any]) -> tuple[str, str, str, str]:
    most, least = context.get("max_length"), context.get("min_length")
    if isinstance(value, str):
        if kind.endswith("short"):
            return "an empty text", "a text", "write one, or remove the key", CODE
        return (f"a text of {len(value):,} characters", f"at most {most:,}", "shorten it", CODE)
    assert isinstance(value, Sized)
    if kind.endswith("short"):
        return "an empty list", f"at least {least} in it", "write one, or remove the key", CODE
    return f"{len(value):,} entries", f"at most {most:,}", "remove some", CODE


def _mend_type(name: str | int, value: object, shape: Shape) -> str:
    """What to write when a value is of another type than wanted, made from the value itself."""
    label = f"{name}: " if isinstance(name, str) else ""
    if shape.is_list and isinstance(value, str):
        return f"write a list: {label}[{quoted(value)}]"
    if shape.is_list and isinstance(value, dict):
        return "write - before each entry"
    if shape.model is not None and isinstance(value, str):
        return _as_group(label, value, shape)
    if shape.annotation is str and isinstance(value, dict) and len(value) == 1:
        key, inner = next(iter(value.items()))
        if inner is None or isinstance(inner, str):
            text = f"{key}: {inner or ''}".rstrip()
            return f"put the text in quotes: {label}{quoted(text)}"
    if shape.annotation is str and isinstance(value, tuple):
        texts = [part for part in value if isinstance(part, str)]
        return f"write one text: {label}{quoted(', '.join(texts))}" if texts else ""
    return ""


def _as_group(label: str, value: str, shape: Shape) -> str:
    """A single value where a group of keys belongs: the group with that value in it."""
    if shape.has_example:
        return f"write one such as {label}{as_yaml(shape.example)}"
    key = shape.key_for(value)
    if key is None:
        return ""
    rest = [f"{name}: …" for name in shape.required if name != key]
    written = value if looks_like_number(value) else as_yaml(value)
    return f"write {label}{{{', '.join([f'{key}: {written}', *rest])}}}"


def _example(name: str | int, shape: Shape | None) -> str:
    if shape is None or not shape.has_example or not isinstance(name, str):
        return ""
    return f"write {name}: {as_yaml(shape.example)}"
