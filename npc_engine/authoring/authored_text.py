"""Every text an author wrote in a sheet or world, with its place and what becomes of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from npc_engine.content.character import CharacterSheet
from npc_engine.content.conditions import Condition
from npc_engine.content.marks import KeyPath

Use = Literal["spoken", "told", "other"]
"""`spoken`: the character's own words. `told`: other text of a prompt. `other`: neither."""

_SPOKEN = ("greetings", "barks", "lines")
_HIDDEN = ("secrets", "facts", "remember")
_OTHER = (
    *("extensions", "display", "actions", "own_actions", "policy"),
    *("id", "extends", "world", "tags"),
)
_OTHER_KEYS = frozenset({"keys", "when_asked", "pattern", "slot", "never_says", "known_by", "id"})


@dataclass(frozen=True, slots=True)
class Authored:
    """One text of a sheet or world."""

    where: KeyPath
    text: str
    use: Use


def authored_texts(model: BaseModel) -> Iterator[Authored]:
    """All texts, in the order of the fields; conditions and `extensions` are none."""
    for where, text in _walk(model, ()):
        yield Authored(where, text, _use(where))


def public_texts(sheet: CharacterSheet) -> Iterator[Authored]:
    """The texts of a sheet that stand in every prompt, or that anybody may hear.

    Not among them: secrets, facts, lines that a condition guards, and texts with `{{ }}` logic,
    which may hide what they hold.
    """
    guarded = {index for index, line in enumerate(sheet.lines) if line.when is not None}
    for item in authored_texts(sheet):
        head = item.where[0]
        is_guarded = head == "lines" and item.where[1] in guarded
        is_hidden = head in _HIDDEN or is_guarded or "{%" in item.text
        if item.use != "other" and not is_hidden:
            yield item


def _walk(value: object, where: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        if value:
            yield where, value
    elif isinstance(value, Condition):
        return
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            if where or name != "extensions":
                yield from _walk(getattr(value, name), (*where, name))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _walk(inner, (*where, str(key)))
    elif isinstance(value, tuple):
        for index, inner in enumerate(value):
            yield from _walk(inner, (*where, index))


def _use(where: KeyPath) -> Use:
    last = next(part for part in reversed(where) if isinstance(part, str))
    if where[0] in _OTHER or last in _OTHER_KEYS:
        return "other"
    if where[0] in _SPOKEN or (where[0] == "examples" and last == "reply"):
        return "spoken"
    return "told"
