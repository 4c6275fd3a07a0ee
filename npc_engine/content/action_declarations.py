"""Actions as authors declare them: what a character may propose, with which arguments, and when.

Says nothing of one moment: what is possible now is worked out in `npc_engine.actions`.
"""

import string
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from npc_engine.content.conditions import Condition
from npc_engine.content.fields import (
    AS_NUMBER,
    MODEL,
    Keys,
    Number,
    Phrase,
    StateName,
    Truth,
    number,
    refuse,
    truth,
    whole_number,
)
from npc_engine.content.marks import shown
from npc_engine.content.nearest import suggest

PRESENT = "present"
"""`enum_from: present`: the ids of who is at the character's place."""
CHARACTERS = "characters"
"""`enum_from: characters`: the ids of all other characters."""
TELLER = "npc"
"""What `tells` calls the character that acts."""
STATE_PREFIX = "state."

ScalarKind = Literal["string", "integer", "number", "boolean"]
ParameterKind = Literal["string", "integer", "number", "boolean", "array", "object"]
Scalar = str | int | float | bool

_READERS = {"integer": whole_number, "number": number, "boolean": truth}
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}
_WORDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def _check_origin(text: str) -> str:
    name = text.removeprefix(STATE_PREFIX)
    if text in (PRESENT, CHARACTERS) or (name != text and name.isidentifier()):
        return text
    advice = f"write state.{text}" if text.isidentifier() else ""
    raise refuse("present, characters or state.NAME", advice)


Description = Annotated[str, Field(max_length=300)]
Choices = Annotated[tuple[Phrase, ...], Field(min_length=1, max_length=100)]
Origin = Annotated[str, Field(max_length=100), AfterValidator(_check_origin)]


class PartParameter(BaseModel):
    """One entry of a list, or one value of a group: a single value."""

    model_config = MODEL

    type: ScalarKind = Field(examples=["string"])
    """The kind of value."""
    description: Description = ""
    """What it means, for the model."""
    enum: Choices | None = Field(default=None, examples=[["sword", "horseshoe"]])
    """The only allowed texts; for `type: string`."""
    enum_from: Origin | None = Field(default=None, examples=["present"])
    """Where the allowed texts come from: `present`, `characters` or `state.NAME`."""
    minimum: Number | None = Field(default=None, examples=[1])
    """Smallest number."""
    maximum: Number | None = Field(default=None, examples=[100])
    """Largest number."""

    @model_validator(mode="after")
    def _limits_fit_type(self) -> "PartParameter":
        _check_limits(self)
        return self


class Parameter(BaseModel):
    """One argument of an action, as JSON Schema names such things."""

    model_config = MODEL

    type: ParameterKind = Field(examples=["string"])
    """The kind of value."""
    description: Description = ""
    """What it means, for the model."""
    enum: Choices | None = Field(default=None, examples=[["sword", "horseshoe"]])
    """The only allowed texts; for `type: string`."""
    enum_from: Origin | None = Field(default=None, examples=["present"])
    """Where the allowed texts come from, looked up at every turn; for `type: string`.

    `present`: ids of who is at the same place. `characters`: ids of all other characters.
    `state.NAME`: the choices of a `one_of` value of the world.
    """
    minimum: Number | None = Field(default=None, examples=[1])
    """Smallest number."""
    maximum: Number | None = Field(default=None, examples=[100])
    """Largest number."""
    default: Scalar | None = Field(default=None, examples=[1])
    """The value when the model gives none; for single values."""
    items: PartParameter | None = Field(default=None, examples=[{"type": "string"}])
    """What the entries are; for `type: array`."""
    properties: Annotated[Mapping[StateName, PartParameter], Field(max_length=20)] = Field(
        default={}, examples=[{"item": {"type": "string"}}]
    )
    """The values inside; for `type: object`."""
    required: tuple[StateName, ...] = ()
    """Which of the values inside must be given; for `type: object`."""

    @field_validator("default", mode="before")
    @classmethod
    def _default_fits_type(cls, value: object, info: ValidationInfo) -> object:
        kind = info.data.get("type", "")
        if kind not in _TYPES or value is None:
            return value  # said below, where the whole parameter is known
        read = _READERS[kind](value) if kind in _READERS else value
        is_truth = isinstance(read, bool)
        if not isinstance(read, _TYPES[kind]) or is_truth != (kind == "boolean"):
            raise refuse(_WORDS[kind], found=shown(value))
        return str(read) if isinstance(read, str) else read

    @model_validator(mode="after")
    def _parts_fit_type(self) -> "Parameter":
        _check_limits(self)
        _check_parts(self)
        _check_default(self)
        return self


class ActionDeclaration(BaseModel):
    """Something characters can propose to do; the game decides and carries it out."""

    model_config = MODEL

    description: Annotated[str, Field(min_length=1, max_length=500)] = Field(
        examples=["Offer an item to the player at a price."]
    )
    """What it does, in a sentence, for the model."""
    parameters: Annotated[Mapping[StateName, Parameter], Field(max_length=20)] = {}
    """Its arguments by name."""
    required: tuple[StateName, ...] = ()
    """Arguments that must be given."""
    keys: Keys = Field(default=(), examples=[["buy", "sell", "price"]])
    """Words by which a line calls for it, besides those of its name and description."""
    scene_when: Condition | None = Field(default=None, examples=['clock.part_of_day != "night"'])
    """The model knows of it only while this holds; a change makes it read the whole chat anew."""
    when: Condition | None = Field(default=None, examples=["state.gold > 0"])
    """Possible only while this holds."""
    cooldown_s: Annotated[float, Field(ge=0, le=86_400), AS_NUMBER] = Field(
        default=0.0, examples=[20]
    )
    """Seconds before the same character may do it again."""
    once: Truth = False
    """Done at most once by a character in a playthrough."""
    returns: Truth = False
    """Its result is told to the model, which then speaks once more."""
    confirm: Truth = False
    """Held until the player's next line agrees."""
    veto: Truth = False
    """The game is asked before anything is told as done."""
    tells: Annotated[str, Field(max_length=300)] = Field(
        default="", examples=["{npc} offers {item} for {price} silver."]
    )
    """What whoever is there sees once it is done, as a sentence, with `{npc}` and the arguments by
    their names; none: they see nothing."""
    reversible: Truth = False
    """The game can take it back when the line that called for it is taken back."""

    @model_validator(mode="after")
    def _tells_what_is_known(self) -> "ActionDeclaration":
        known = [TELLER, *self.parameters]
        expected = " or ".join(f"{{{each}}}" for each in known)
        try:
            marks = [mark for mark in string.Formatter().parse(self.tells) if mark[1] is not None]
        except ValueError as error:
            raise refuse("a sentence with names in braces", found=str(error)) from error
        for _, name, form, conversion in marks:
            if name not in known:
                advice = suggest(name or "", known)
                raise refuse(f"{expected} under tells", advice, found=f"{{{name}}}")
            if form or conversion:
                # A form can name attributes, fail for a value, or ask for a million spaces.
                raise refuse(f"{{{name}}} alone", found=f'"{self.tells}"')
        return self


Actions = Annotated[Mapping[StateName, ActionDeclaration], Field(max_length=100)]


def _check_limits(parameter: Parameter | PartParameter) -> None:
    kind = parameter.type
    for key in ("enum", "enum_from"):
        if getattr(parameter, key) is not None and kind != "string":
            raise refuse(f"type: string beside {key}", found=f"{key} beside type: {kind}")
    if parameter.enum is not None and parameter.enum_from is not None:
        raise refuse("one of enum and enum_from", "remove one", found="enum and enum_from")
    low, high = parameter.minimum, parameter.maximum
    if (low is not None or high is not None) and kind not in ("integer", "number"):
        raise refuse("type: integer or number beside limits", found=f"limits beside type: {kind}")
    if low is not None and high is not None and low > high:
        raise refuse("minimum at or below maximum", found=f"{low:g} to {high:g}")


def _check_parts(parameter: Parameter) -> None:
    kind = parameter.type
    if parameter.items is not None and kind != "array":
        raise refuse("type: array beside items", found=f"items beside type: {kind}")
    if parameter.items is None and kind == "array":
        raise refuse("items beside type: array", "write items: {type: string}", found="no items")
    if parameter.properties and kind != "object":
        raise refuse("type: object beside properties", found=f"properties beside type: {kind}")
    if not parameter.properties and kind == "object":
        advice = "write properties: {item: {type: string}}"
        raise refuse("properties beside type: object", advice, found="no properties")
    for name in parameter.required:
        if name not in parameter.properties:
            raise refuse("names of properties under required", found=f'"{name}"')


def _check_default(parameter: Parameter) -> None:
    default = parameter.default
    if default is None:
        return
    if parameter.type not in _TYPES:
        raise refuse("no default beside a list or group", found=f"type: {parameter.type}")
    if parameter.enum is not None and default not in parameter.enum:
        choices = ", ".join(parameter.enum)
        raise refuse(f"a default among {choices}", found=shown(default))
    if isinstance(default, str):
        return
    low, high = parameter.minimum, parameter.maximum
    if (low is not None and default < low) or (high is not None and default > high):
        raise refuse("a default within the limits", found=shown(default))
