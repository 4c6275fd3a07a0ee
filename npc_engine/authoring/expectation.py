"""What a step of a persona test expects, as authors write it under `expect:`.

Every kind is documented where it is declared. Judging is done in `judging`.
"""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from npc_engine.authoring.matching import compile_expression, is_expression
from npc_engine.content.fields import MODEL, Id, Line, Truth, Whole, refuse

_BOUND = re.compile(r"(<=|>=|<|>|==)?\s*(\d{1,5})")


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _checked_phrase(phrase: str) -> str:
    return _checked_expression(phrase) if is_expression(phrase) else phrase


def _checked_expression(expression: str) -> str:
    try:
        compile_expression(expression)
    except (re.error, RecursionError, OverflowError) as error:
        raise refuse(
            "a regular expression", f"it does not compile: {error}", code="E303"
        ) from error
    return expression


def _checked_bound(bound: str) -> str:
    if not _BOUND.fullmatch(bound):
        raise refuse('a bound such as "<=900"', 'write total: "<=3840"')
    return bound


def _only_true(value: bool) -> bool:
    if not value:
        raise refuse("true", "leave the key out where it does not matter")
    return value


def bound_holds(bound: str, tokens: int) -> bool:
    """Whether a number of tokens keeps a bound such as `<=900`; a bare number means `==`."""
    match = _BOUND.fullmatch(bound)
    if match is None:
        raise ValueError(bound)
    sign, limit = match[1] or "==", int(match[2])
    if sign in ("<=", "<"):
        return tokens <= limit if sign == "<=" else tokens < limit
    if sign in (">=", ">"):
        return tokens >= limit if sign == ">=" else tokens > limit
    return tokens == limit


Phrase = Annotated[str, Field(min_length=1, max_length=400), AfterValidator(_checked_phrase)]
Some = Annotated[
    tuple[Phrase, ...], BeforeValidator(_one_or_more), Field(min_length=1, max_length=100)
]
Expressions = Annotated[
    tuple[Annotated[Phrase, AfterValidator(_checked_expression)], ...],
    BeforeValidator(_one_or_more),
    Field(min_length=1, max_length=100),
]
Names = Annotated[
    tuple[Id, ...], BeforeValidator(_one_or_more), Field(min_length=1, max_length=100)
]
Bound = Annotated[str, AfterValidator(_checked_bound)]
Count = Annotated[Whole, Field(ge=0, le=10_000)]


class TokenBounds(BaseModel):
    """Bounds such as `"<=900"` for the tokens of the prompt's sections."""

    model_config = MODEL

    total: Bound | None = Field(default=None, examples=["<=3840"])
    """The whole prompt."""
    template: Bound | None = None
    """Role tags and gaps of the chat template."""
    rules: Bound | None = None
    """The engine's own rules."""
    world: Bound | None = None
    """The setting and what everyone knows."""
    sheet: Bound | None = Field(default=None, examples=["<=600"])
    """The character sheet."""
    actions: Bound | None = None
    """What the character can do, in this scene."""
    canon: Bound | None = None
    """What this character knows besides."""
    summary: Bound | None = None
    """Turns that were folded."""
    learned: Bound | None = None
    """What the player's words taught the character."""
    turns: Bound | None = None
    """Recent turns, word for word."""
    state: Bound | None = None
    """The live state."""
    recall: Bound | None = None
    """What the line brought back to mind."""
    contexts: Bound | None = None
    """Texts the game gave with the line."""
    lore: Bound | None = None
    """Facts that the line called up."""
    passages: Bound | None = Field(default=None, examples=["<=200"])
    """What the line called up of the world's long texts."""
    possible: Bound | None = None
    """What of it is possible now."""
    note: Bound | None = None
    """The sheet's last note."""
    bearing: Bound | None = None
    """Sentences of the sheet and the world that bear on the line."""
    reminder: Bound | None = None
    """The engine's reminder of the role."""
    line: Bound | None = None
    """The player's words."""
    so_far: Bound | None = None
    """What was said and done in answer to the line already."""

    def bounds(self) -> Mapping[str, str]:
        """The bounds that were written, by section."""
        return {name: str(value) for name, value in self.model_dump(exclude_none=True).items()}


class Expectation(BaseModel):
    """What must hold after a step. A phrase is found on word borders; `/…/i` is an expression."""

    model_config = MODEL

    any_of: Some | None = Field(default=None, examples=[["Mira", "smith"]])
    """The reply holds at least one of these."""
    all_of: Some | None = None
    """The reply holds all of these."""
    none_of: Some | None = Field(default=None, examples=[["as an AI"]])
    """The reply holds none of these."""
    regex: Expressions | None = None
    """These expressions find something in the reply."""
    not_regex: Expressions | None = None
    """These expressions find nothing in the reply."""
    equals: Line | None = None
    """The reply is this text, but for case, quotes and spaces."""
    one_of: Annotated[tuple[Line, ...], Field(min_length=1, max_length=100)] | None = None
    """The reply is one of these texts."""
    min_words: Count | None = None
    """The reply has at least so many words."""
    max_words: Count | None = Field(default=None, examples=[60])
    """The reply has at most so many words."""
    max_sentences: Count | None = None
    """The reply has at most so many sentences."""
    stays_in_character: Annotated[Truth, AfterValidator(_only_true)] | None = None
    """The reply does not speak of itself as a program, quote the prompt or speak for others."""
    own_voice: Annotated[Truth, AfterValidator(_only_true)] | None = None
    """The model finds the reply likelier under this sheet than under any other of the world."""
    knows: Names | None = Field(default=None, examples=[["bridge"]])
    """These facts are known and in the prompt; with a model, the reply holds a key of each."""
    does_not_know: Names | None = None
    """These facts are not in the prompt; with a model, the reply does not give them away."""
    keeps_secret: Names | None = Field(default=None, examples=[["hidden_blade"]])
    """These secrets are not in the prompt; with a model, the reply does not give them away."""
    prompt_has: Some | None = None
    """The prompt of this turn holds all of these."""
    prompt_lacks: Some | None = None
    """The prompt of this turn, without the player's line, holds none of these."""
    tokens: TokenBounds | None = None
    """Tokens of the prompt and of its sections."""

    def kinds(self) -> tuple[str, ...]:
        """The kinds that were written, in the order of this list."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)
