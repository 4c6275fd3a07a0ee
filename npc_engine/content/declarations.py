"""Declared values of a world: what kind of value a name holds, within which limits.

Each kind says in words what it accepts, and reads texts such as `20` as a value of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from npc_engine.content.fields import (
    AS_WHOLE,
    MODEL,
    Ids,
    Number,
    Phrase,
    Prose,
    Whole,
    number,
    refuse,
    truth,
    truth_advice,
    whole_number,
)
from npc_engine.content.nearest import suggest
from npc_engine.content.shape import digits

Value = str | int | float | bool
"""What a named value of the world may be."""

KINDS = ("one_of", "integer", "number", "boolean", "text")

MAX_TEXT_CHARS = 200
MAX_MAGNITUDE = 10**15


class Kind(Protocol):
    """What every kind of value can do."""

    @property
    def expected(self) -> str:
        """The allowed values in words, such as `one of broken, repaired`."""
        ...

    def accept(self, value: object) -> Value:
        """The value as this kind holds it.

        Raises:
            ValueError: Not of the kind, or outside its limits; the text is `expected`.
        """
        ...


class IntegerRange(BaseModel):
    """Whole numbers; an end that is left out is open."""

    model_config = MODEL

    min: Whole | None = Field(default=None, examples=[0])
    """Smallest value."""
    max: Whole | None = Field(default=None, examples=[100])
    """Largest value."""

    @model_validator(mode="after")
    def _ends_in_order(self) -> "IntegerRange":
        _check_ends(self.min, self.max)
        return self

    @property
    def expected(self) -> str:
        """The limits in words."""
        return _range_words("a whole number", self.min, self.max)

    def accept(self, value: object) -> Value:
        """A whole number within the limits; see `Kind.accept`."""
        read = _read(whole_number, value)
        if isinstance(read, bool) or not isinstance(read, int):
            raise ValueError(self.expected)
        if not _within(read, self.min, self.max):
            raise ValueError(self.expected)
        return read


class NumberRange(BaseModel):
    """Decimal numbers; an end that is left out is open."""

    model_config = MODEL

    min: Number | None = Field(default=None, examples=[0.0])
    """Smallest value."""
    max: Number | None = Field(default=None, examples=[1.0])
    """Largest value."""

    @model_validator(mode="after")
    def _ends_in_order(self) -> "NumberRange":
        _check_ends(self.min, self.max)
        return self

    @property
    def expected(self) -> str:
        """The limits in words."""
        return _range_words("a number", self.min, self.max)

    def accept(self, value: object) -> Value:
        """A number within the limits; see `Kind.accept`."""
        read = _read(number, value)
        if not isinstance(read, float) or not _within(read, self.min, self.max):
            raise ValueError(self.expected)
        return read


class TrueOrFalse(BaseModel):
    """True or false; takes no settings: write `{}`."""

    model_config = MODEL

    @property
    def expected(self) -> str:
        """Both values in words."""
        return "true or false"

    def accept(self, value: object) -> Value:
        """A truth value; see `Kind.accept`."""
        read = _read(truth, value)
        if not isinstance(read, bool):
            raise ValueError(self.expected)
        return read


class TextLimit(BaseModel):
    """Any short text in one line."""

    model_config = MODEL

    max_chars: Annotated[int, Field(ge=1, le=MAX_TEXT_CHARS), AS_WHOLE] = MAX_TEXT_CHARS
    """Longest text."""

    @property
    def expected(self) -> str:
        """The limit in words."""
        return f"a text of at most {self.max_chars} characters in one line"

    def accept(self, value: object) -> Value:
        """A visible text in one line; see `Kind.accept`."""
        if not isinstance(value, str) or len(value) > self.max_chars or not is_one_line(value):
            raise ValueError(self.expected)
        return str(value)


@dataclass(frozen=True, slots=True)
class _Choices:
    """The kind behind `one_of`."""

    texts: tuple[str, ...]

    @property
    def expected(self) -> str:
        return f"one of {', '.join(self.texts)}"

    def accept(self, value: object) -> Value:
        if not isinstance(value, str) or value not in self.texts:
            raise ValueError(self.expected)
        return str(value)


class StateDeclaration(BaseModel):
    """A named value that the game sets and conditions read: its kind, and how it starts."""

    model_config = ConfigDict(
        **MODEL, json_schema_extra={"examples": [{"integer": {"min": 0}, "value": 20}]}
    )

    one_of: Annotated[tuple[Phrase, ...], Field(min_length=1, max_length=200)] | None = Field(
        default=None, examples=[["broken", "repaired"]]
    )
    """One of these texts."""
    integer: IntegerRange | None = Field(default=None, examples=[{"min": 0}])
    """A whole number, with its limits."""
    number: NumberRange | None = Field(default=None, examples=[{"min": 0, "max": 1}])
    """A decimal number, with its limits."""
    boolean: TrueOrFalse | None = Field(default=None, examples=[{}])
    """True or false: `boolean: {}`."""
    text: TextLimit | None = Field(default=None, examples=[{"max_chars": 40}])
    """A short text of any words."""
    value: str | int | float | bool
    """The value at the start of the story."""
    say: Prose = Field(default="", examples=["The bridge is {{ value }}."])
    """How it reads for characters who can see it, as a sentence; none: it stands in no prompt."""
    known_by: Ids = Field(default=("everyone",), examples=[["everyone"]])
    """Who can see it: ids or tags of characters, or `everyone`."""

    @property
    def kind(self) -> str:
        """Which of `KINDS` it is."""
        return next(name for name in KINDS if getattr(self, name) is not None)

    @property
    def expected(self) -> str:
        """The allowed values in words; see `Kind.expected`."""
        return self._limits.expected

    def accept(self, value: object) -> Value:
        """A value of the declared kind; texts such as `20` or `true` are read as it.

        Raises:
            ValueError: Not of the kind, or outside the limits; the text says what is allowed.
        """
        return self._limits.accept(value)

    @property
    def _limits(self) -> Kind:
        (kind,) = _kinds({name: getattr(self, name) for name in KINDS})
        return kind

    @field_validator("value", mode="before")
    @classmethod
    def _fits_kind(cls, value: object, info: ValidationInfo) -> object:
        kinds = _kinds(info.data)
        if len(kinds) != 1:
            return value  # said in one place, below
        try:
            return kinds[0].accept(value)
        except ValueError as error:
            choices = info.data.get("one_of") or ()
            advice = suggest(str(value), choices, kind="values") if choices else ""
            if isinstance(kinds[0], TrueOrFalse):
                advice = truth_advice(value)
            raise refuse(str(error), advice, code="E204") from error

    @model_validator(mode="after")
    def _one_kind(self) -> "StateDeclaration":
        names = [name for name in KINDS if getattr(self, name) is not None]
        if len(names) != 1:
            raise refuse(
                f"exactly one of {', '.join(KINDS)}",
                "write one such as {one_of: [open, shut], value: open}",
                found=" and ".join(names) if names else "no kind of value",
            )
        return self


def is_one_line(text: str) -> bool:
    """Whether a text holds only what can be seen, without line breaks or control codes."""
    return all(char.isprintable() or char in "\u200c\u200d" for char in text)


def _kinds(values: Mapping[str, object]) -> list[Kind]:
    """The kinds that are given; exactly one where a declaration is right."""
    kinds: list[Kind] = []
    for name in KINDS:
        value = values.get(name)
        if isinstance(value, tuple):
            kinds.append(_Choices(value))
        elif isinstance(value, (IntegerRange, NumberRange, TrueOrFalse, TextLimit)):
            kinds.append(value)
    return kinds


def _read(reader: Callable[[object], object], value: object) -> object:
    """What a reader of plain scalars makes of a value; None when it refuses."""
    try:
        return reader(value)
    except ValueError:
        return None


def _check_ends(low: float | None, high: float | None) -> None:
    if low is not None and high is not None and low > high:
        raise refuse("min at or below max", found=f"min {digits(low)} and max {digits(high)}")


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (
        abs(value) <= MAX_MAGNITUDE
        and (low is None or value >= low)
        and (high is None or value <= high)
    )


def _range_words(words: str, low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{words} from {digits(low)} to {digits(high)}"
    if low is not None:
        return f"{words}, {digits(low)} or more"
    return words if high is None else f"{words}, {digits(high)} or less"
