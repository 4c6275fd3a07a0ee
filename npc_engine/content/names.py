"""The names that conditions and texts read: do they exist, and can their comparisons come true?

Finds every condition and every filled text of a model by its annotations, so that no field is
forgotten.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from npc_engine.content.conditions import (
    Comparison,
    Condition,
    has_template,
    template_comparisons,
    template_names,
)
from npc_engine.content.declarations import StateDeclaration
from npc_engine.content.marks import KeyPath, Source
from npc_engine.content.nearest import suggest
from npc_engine.content.shape import Shape, shape_at, yaml_fields
from npc_engine.errors import Fault

BAD_TEMPLATE = "E102"
UNREACHABLE = "E204"

_ROOTS = ("state", "relationships", "player", "clock")
_PLAYER = ("name", "about")
_CLOCK = ("day", "time", "minute", "part_of_day")
_RELATIONSHIP = ("trust", "feels")
_MACROS = {
    "user": "player.name",
    "char": "the character's name as it is",
    "npc": "the character's name as it is",
    "time": "clock.time",
    "day": "clock.day",
}


@dataclass(frozen=True, slots=True)
class Declared:
    """The names a condition or text may read; None where they are not known here."""

    state: Mapping[str, StateDeclaration] | None = None
    others: Collection[str] | None = None
    """Characters a relationship may be with, `player` among them."""


def readers(model: BaseModel) -> Iterator[tuple[KeyPath, Condition | str]]:
    """Every condition, and every text with `{{ }}` that is filled, with its key path."""
    shape = shape_at(type(model), ())
    if shape is not None:
        yield from _readers(model, shape, ())


def _readers(
    value: object, shape: Shape, where: KeyPath
) -> Iterator[tuple[KeyPath, Condition | str]]:
    if isinstance(value, Condition):
        yield where, value
    elif isinstance(value, str):
        if shape.is_filled and has_template(value):
            yield where, value
    elif isinstance(value, BaseModel):
        for key, info in yaml_fields(type(value)):
            inner = shape.inside(key)
            name = "from_" if info.alias == "from" else key
            if inner is not None:
                yield from _readers(getattr(value, name), inner, (*where, key))
    elif isinstance(value, (tuple, Mapping)):
        pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
        for part, item in pairs:
            inner = shape.inside(part)
            if inner is not None:
                yield from _readers(item, inner, (*where, part))


def check_names(
    model: BaseModel, source: Source, declared: Declared, *, skip_roots: bool = False
) -> Iterator[Fault]:
    """Faults of all names read; `skip_roots` leaves out what a check without the world reported."""
    for where, reader in readers(model):
        if isinstance(reader, Condition):
            names, comparisons = reader.names, reader.comparisons
        else:
            names, comparisons = template_names(reader), template_comparisons(reader)
        unquoted = {comparison.other_name for comparison in comparisons}
        for name in sorted(names - _local_names(where)):
            problem = None if skip_roots else _root_problem(name, name in unquoted)
            problem = problem or _declared_problem(name, declared)
            if problem is not None:
                yield source.fault(where, *problem, BAD_TEMPLATE)
        if declared.state:
            yield from _check_comparisons(comparisons, source, where, declared.state)


def _local_names(where: KeyPath) -> frozenset[str]:
    """Names that only one field knows: `value` in the sentence of a declared value."""
    is_sentence = len(where) == 3 and where[0] == "state" and where[2] == "say"
    return frozenset({"value"}) if is_sentence else frozenset()


_Problem = tuple[str, str, str]


def _root_problem(name: str, is_unquoted: bool) -> _Problem | None:
    """What is wrong with a name whatever the world declares."""
    root, _, rest = name.partition(".")
    found = f'the unknown name "{name}"'
    roots = ", ".join(_ROOTS[:-1]) + f" or {_ROOTS[-1]}"
    if root not in _ROOTS:
        if is_unquoted:
            return found, "a text in quotes", f'write "{name}"'
        if root in _MACROS:
            return found, roots, f"write {_MACROS[root]}"
        return found, roots, suggest(root, _ROOTS) if rest else f"write state.{name}"
    fixed = {"player": _PLAYER, "clock": _CLOCK}.get(root)
    if fixed and rest and rest not in fixed:
        near = suggest(rest, fixed)
        return found, " or ".join(f"{root}.{part}" for part in fixed), near
    if root == "relationships" and rest:
        other, _, what = rest.partition(".")
        if what and what not in _RELATIONSHIP:
            full = " or ".join(f"relationships.{other}.{part}" for part in _RELATIONSHIP)
            return found, full, suggest(what, _RELATIONSHIP)
    return None


def _declared_problem(name: str, declared: Declared) -> _Problem | None:
    root, _, rest = name.partition(".")
    found = f'the unknown name "{name}"'
    if root == "state" and rest and declared.state is not None and rest not in declared.state:
        known = [f"state.{other}" for other in declared.state]
        return found, "a name declared under state: of the world", suggest(name, known)
    if root == "relationships" and rest and declared.others is not None:
        other, _, what = rest.partition(".")
        if other not in declared.others:
            near = suggest(other, declared.others, kind="characters")
            return found, "the id of a character, or player", near
    return None


def _check_comparisons(
    comparisons: Iterable[Comparison],
    source: Source,
    where: KeyPath,
    state: Mapping[str, StateDeclaration],
) -> Iterator[Fault]:
    for comparison in comparisons:
        root, _, name = comparison.name.partition(".")
        if root != "state" or name not in state or comparison.other_name:
            continue
        declaration = state[name]
        constants = comparison.constant
        for constant in constants if isinstance(constants, tuple) else (constants,):
            if not _comparable(declaration, comparison.operator, constant):
                yield source.fault(
                    where,
                    f"{comparison.name} compared with {_literal(constant)}",
                    declaration.expected,
                    _near_value(declaration, constant),
                    UNREACHABLE,
                )


def _comparable(declaration: StateDeclaration, operator: str, constant: object) -> bool:
    """Whether the declared value can ever be compared with this constant, and equal it."""
    if declaration.one_of is not None:
        return operator in ("eq", "ne", "in", "notin") and constant in declaration.one_of
    if declaration.kind == "text":
        return isinstance(constant, str)
    if declaration.kind == "boolean":
        return isinstance(constant, bool)
    return isinstance(constant, (int, float)) and not isinstance(constant, bool)


def _near_value(declaration: StateDeclaration, constant: object) -> str:
    if declaration.one_of and isinstance(constant, str):
        return suggest(constant, declaration.one_of, kind="values")
    return ""


def _literal(constant: object) -> str:
    if isinstance(constant, bool):
        return "true" if constant else "false"
    return f'"{constant}"' if isinstance(constant, str) else str(constant)
