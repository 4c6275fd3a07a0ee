"""Which actions a character may propose at one moment, and with which values.

Two steps, because schemas stand in the stable part of a prompt: `scene_when` decides whether the
model knows of an action at all, `blocked` says why a known one is not possible now.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from npc_engine.content.action_declarations import (
    CHARACTERS,
    PRESENT,
    STATE_PREFIX,
    ActionDeclaration,
    Parameter,
    PartParameter,
)
from npc_engine.content.character import CharacterSheet
from npc_engine.content.conditions import Condition
from npc_engine.content.state import WorldState, company_of, scope
from npc_engine.content.world import World
from npc_engine.errors import TemplateError


@dataclass(frozen=True, slots=True)
class OfferedAction:
    """An action the model knows of, at one moment."""

    name: str
    declaration: ActionDeclaration
    values: Mapping[str, tuple[str, ...]]
    """What `enum_from` parameters may be now; for a value inside a group the key is `deal.item`."""
    blocked: str = ""
    """Why it is not possible now, in words; empty: it is."""


def offered_actions(
    sheet: CharacterSheet,
    world: World,
    state: WorldState,
    *,
    last_done: Mapping[str, float],
    now_s: float,
    done_once: Collection[str],
    handled: Collection[str] | None,
    present: Collection[str] | None = None,
) -> tuple[OfferedAction, ...]:
    """The actions whose schemas stand in the prompt, in the sheet's order, its own ones last.

    Args:
        sheet: Whose actions.
        world: Declares the actions the sheet names.
        state: The world at this moment.
        last_done: By name, when this character did an action last, in seconds of game time.
        now_s: Game time now.
        done_once: Actions this character has done in this playthrough.
        handled: Actions the game carries out; None is all.
        present: Ids for `enum_from: present`; None: who is at the same place by the state.
    """
    names = scope(state, sheet.id, world)
    origins = _Origins(sheet.id, world, state, present)
    offered = []
    for name, declaration in declared_actions(sheet, world).items():
        if handled is not None and name not in handled:
            continue
        if _problem(declaration.scene_when, names) is not None:
            continue
        values = dict(origins.of(declaration))
        waited_s = now_s - last_done[name] if name in last_done else math.inf
        blocked = (
            ("it is done already" if declaration.once and name in done_once else "")
            or (_problem(declaration.when, names) or "")
            or _waiting(declaration, waited_s)
            or _nobody(declaration, values)
        )
        offered.append(OfferedAction(name, declaration, values, blocked))
    return tuple(offered)


def declared_actions(sheet: CharacterSheet, world: World) -> dict[str, ActionDeclaration]:
    """All actions of a character by name: those its sheet names, then its own."""
    known = {**world.actions, **sheet.own_actions}
    named = {name: known[name] for name in sheet.actions if name in known}
    return {**named, **sheet.own_actions}


def tool_schema(name: str, declaration: ActionDeclaration) -> dict[str, Any]:
    """An action as chat templates list it: a function object as OpenAI writes them.

    Equal declarations give equal texts. Choices that change with the moment are not in it.
    """
    properties = {key: _schema(each) for key, each in declaration.parameters.items()}
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": declaration.description,
            "parameters": {
                "type": "object",
                "properties": properties,
                "required": list(declaration.required),
            },
        },
    }


@dataclass(frozen=True, slots=True)
class _Origins:
    """What `enum_from` names at one moment."""

    npc_id: str
    world: World
    state: WorldState
    present: Collection[str] | None

    def of(self, declaration: ActionDeclaration) -> Iterator[tuple[str, tuple[str, ...]]]:
        for name, parameter in declaration.parameters.items():
            origin = parameter.enum_from or (parameter.items.enum_from if parameter.items else None)
            if origin:
                yield name, self._values(origin)
            for inner, part in parameter.properties.items():
                if part.enum_from:
                    yield f"{name}.{inner}", self._values(part.enum_from)

    def _values(self, origin: str) -> tuple[str, ...]:
        if origin == PRESENT:
            if self.present is not None:
                return tuple(who for who in self.present if who != self.npc_id)
            return company_of(self.state, self.npc_id)
        if origin == CHARACTERS:
            return tuple(sorted(who for who in self.state.relationships if who != self.npc_id))
        declared = self.world.state.get(origin.removeprefix(STATE_PREFIX))
        return (declared.one_of if declared else None) or ()


def _problem(condition: Condition | None, names: Mapping[str, Any]) -> str | None:
    """Why a condition keeps an action away; None: it does not."""
    if condition is None:
        return None
    try:
        return None if condition.holds(names) else f"only while {condition.text}"
    except TemplateError as error:
        return f"its condition cannot be worked out ({error})"


def _waiting(declaration: ActionDeclaration, waited_s: float) -> str:
    # A clock set back makes nobody wait longer than the whole time.
    left_s = min(declaration.cooldown_s, declaration.cooldown_s - waited_s)
    return f"possible again in {math.ceil(left_s)} s" if left_s > 0 else ""


def _nobody(declaration: ActionDeclaration, values: Mapping[str, tuple[str, ...]]) -> str:
    for name in declaration.required:
        parameter = declaration.parameters.get(name)
        if parameter is None or values.get(name, ("",)):
            continue
        is_person = parameter.enum_from in (PRESENT, CHARACTERS)
        return f"nobody is here for {name}" if is_person else f"there is no {name} to choose"
    return ""


def _schema(parameter: Parameter | PartParameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": parameter.type}
    if parameter.description:
        schema["description"] = parameter.description
    if parameter.enum:
        schema["enum"] = list(parameter.enum)
    for key in ("minimum", "maximum"):
        limit = getattr(parameter, key)
        if limit is not None:
            schema[key] = int(limit) if limit == int(limit) else limit
    return schema | _parts(parameter) if isinstance(parameter, Parameter) else schema


def _parts(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    if parameter.default is not None:
        schema["default"] = parameter.default
    if parameter.items is not None:
        schema["items"] = _schema(parameter.items)
    if parameter.properties:
        schema["properties"] = {key: _schema(each) for key, each in parameter.properties.items()}
        schema["required"] = list(parameter.required)
    return schema
