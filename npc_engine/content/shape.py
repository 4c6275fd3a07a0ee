"""What a model expects at a place, in words: for faults, not for validation.

Reads the annotations of pydantic models: `speech.max_sentences` of a sheet is "a whole number from
1 to 30", with the example its field declares.
"""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from npc_engine.content.conditions import Condition
from npc_engine.content.fields import Filled
from npc_engine.content.marks import KeyPath, quoted

_BOUNDS = ("ge", "gt", "le", "lt", "min_length", "max_length")
_NO_EXAMPLE: Any = object()


@dataclass(frozen=True, slots=True)
class Shape:
    """What may stand at one place."""

    annotation: object
    """The type, without Annotated and None."""
    bounds: Mapping[str, Any]
    """Limits: `ge`, `gt`, `le`, `lt`, `min_length`, `max_length`."""
    example: Any = _NO_EXAMPLE
    is_required: bool = False
    is_filled: bool = False
    """Whether `{{ }}` is filled in this text."""

    @property
    def model(self) -> type[BaseModel] | None:
        """The model behind a group of keys."""
        if isinstance(self.annotation, type) and issubclass(self.annotation, BaseModel):
            return self.annotation
        return None

    @property
    def has_example(self) -> bool:
        """Whether the field declares one."""
        return self.example is not _NO_EXAMPLE

    @property
    def is_list(self) -> bool:
        """Whether a list belongs here."""
        return get_origin(self.annotation) is tuple

    @property
    def is_map(self) -> bool:
        """Whether a group of names, each with a value, belongs here."""
        return get_origin(self.annotation) in (dict, Mapping)

    @property
    def key_choices(self) -> tuple[str, ...]:
        """The allowed names of a group, where only some are."""
        keys = get_args(self.annotation)[0] if self.is_map else None
        return get_args(keys) if get_origin(keys) is Literal else ()

    @property
    def required(self) -> tuple[str, ...]:
        """The keys a group must have."""
        fields = yaml_fields(self.model) if self.model else ()
        return tuple(key for key, info in fields if info.is_required())

    def key_for(self, value: str) -> str | None:
        """The key of a group that a lone value was probably meant for."""
        wanted = (int, float) if looks_like_number(value) else (str,)
        fields = yaml_fields(self.model) if self.model else ()
        return next((key for key, info in fields if _of_field(info).annotation in wanted), None)

    @property
    def choices(self) -> tuple[Any, ...]:
        """The allowed values, where only some are."""
        return get_args(self.annotation) if get_origin(self.annotation) is Literal else ()

    def inside(self, part: str | int) -> "Shape | None":
        """The shape one step further in."""
        if self.is_list and isinstance(part, int):
            return _shape(get_args(self.annotation)[0])
        if self.is_map:
            return _shape(get_args(self.annotation)[1])
        if self.model is not None:
            for key, info in yaml_fields(self.model):
                if key == part:
                    return _of_field(info)
        return None

    def words(self) -> str:
        """The expectation as a fault states it."""
        if self.choices:
            return _either(self.choices)
        if self.is_list:
            return f"a list{_of_many(self.inside(0))}"
        if self.is_map:
            return f"a group of names{_of_each(self.inside(''))}"
        if self.model is not None:
            return f"a group of keys ({_some(list(known_keys(self.model)))})"
        return self._scalar_words()

    def _scalar_words(self) -> str:
        if self.annotation is Condition:
            return "a condition"
        if self.annotation is bool:
            return "true or false"
        if self.annotation in (int, float):
            return ("a whole number" if self.annotation is int else "a number") + self._range()
        return "a text" if self.annotation is str else "a value"

    def _range(self) -> str:
        low = self.bounds.get("ge", self.bounds.get("gt"))
        high = self.bounds.get("le", self.bounds.get("lt"))
        above = "above " if "gt" in self.bounds else ""
        below = "below " if "lt" in self.bounds else ""
        if low is not None and high is not None:
            if not above and not below:
                return f" from {digits(low)} to {digits(high)}"
            joint = " and " if below else " to "
            return f" {above or 'from '}{digits(low)}{joint}{below}{digits(high)}"
        if low is not None:
            return f" above {digits(low)}" if above else f", {digits(low)} or more"
        if high is not None:
            return f" below {digits(high)}" if below else f", {digits(high)} or less"
        return ""


def shape_at(model: type[BaseModel], where: KeyPath) -> Shape | None:
    """The shape at a key path, or None where the model has no such place."""
    shape: Shape | None = Shape(model, {})
    for part in where:
        if shape is None:
            return None
        shape = shape.inside(part)
    return shape


def yaml_fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """The keys an author can write, with their fields; the id of a file is none of them."""
    for name, info in model.model_fields.items():
        if name != "id" or info.is_required():
            yield info.alias or name, info


def known_keys(model: type[BaseModel]) -> Iterator[str]:
    """The keys an author can write."""
    for key, _ in yaml_fields(model):
        yield key


def places_of(model: type[BaseModel], name: str) -> Iterator[str]:
    """Where else a key is known: `speech` for `max_sentences`; searched two levels deep."""
    for key, info in yaml_fields(model):
        shape: Shape | None = _of_field(info)
        if shape is not None and shape.is_list:
            shape = shape.inside(0)
        if shape is not None and shape.model is not None and name in known_keys(shape.model):
            yield key


def digits(value: float) -> str:
    """A limit as people write it: `1,000,000`, `0.05`."""
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def looks_like_number(text: str) -> bool:
    """Whether a text would be read as a number."""
    return text.lstrip("-").replace(".", "", 1).isdigit()


def as_yaml(value: object) -> str:
    """An example as an author may write it, on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {as_yaml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(as_yaml(inner) for inner in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        plain = value.replace(" ", "").replace("_", "").replace("/", "").replace("-", "").isalpha()
        return value if plain else quoted(value, 80)
    return str(value)


def _of_field(info: FieldInfo) -> Shape:
    shape = _shape(info.annotation, list(info.metadata))
    example = info.examples[0] if info.examples else shape.example
    return replace(shape, example=example, is_required=info.is_required())


def _shape(annotation: object, metadata: list[Any] | None = None) -> Shape:
    found = list(metadata or [])
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation, *more = get_args(annotation)
            found.extend(more)
        elif origin in (Union, types.UnionType):
            inner = [part for part in get_args(annotation) if part is not type(None)]
            if len(inner) != 1:
                break
            annotation = inner[0]
        else:
            break
    bounds = {}
    for item in _flat(found):
        for name in _BOUNDS:
            value = getattr(item, name, None)
            if value is not None:
                bounds[name] = value
    is_filled = any(isinstance(item, Filled) for item in found)
    return Shape(annotation, bounds, _example_of(annotation), is_filled=is_filled)


def _example_of(annotation: object) -> object:
    """The example a model declares for itself."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        extra = annotation.model_config.get("json_schema_extra")
        examples = extra.get("examples") if isinstance(extra, dict) else None
        if isinstance(examples, list):
            return examples[0]
    return _NO_EXAMPLE


def _flat(metadata: list[Any]) -> Iterator[Any]:
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from item.metadata
        else:
            yield item


def _either(choices: tuple[Any, ...]) -> str:
    texts = [str(choice) for choice in choices]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"


def _some(names: list[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def _of_many(item: Shape | None) -> str:
    if item is None:
        return ""
    if item.model is not None:
        return f" of groups ({_some(list(known_keys(item.model)))})"
    return " of texts" if item.annotation is str else ""


def _of_each(item: Shape | None) -> str:
    if item is None or item.annotation is Any:
        return ""
    if item.model is not None:
        return f", each with keys ({_some(list(known_keys(item.model)))})"
    return f", each with {item.words()}"
