"""Names that point elsewhere: facts, tags, actions, characters.

Runs on models that are valid by themselves; gives faults with the place in the YAML and the
nearest name that exists.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from npc_engine.content.action_declarations import (
    STATE_PREFIX,
    ActionDeclaration,
    Parameter,
    PartParameter,
)
from npc_engine.content.character import PLAYER, CharacterSheet
from npc_engine.content.facts import EVERYONE, Fact
from npc_engine.content.marks import KeyPath, Source
from npc_engine.content.names import Declared, check_names
from npc_engine.content.nearest import suggest
from npc_engine.content.policy import looser_than, world_policy
from npc_engine.content.world import World
from npc_engine.errors import Fault

UNKNOWN = "E103"


def check_sheet(sheet: CharacterSheet, source: Source) -> tuple[Fault, ...]:
    """What can be checked of a sheet without its world: doubled ids, names of conditions."""
    faults = [
        *_doubled(source, "secrets", [secret.id for secret in sheet.secrets]),
        *_doubled(source, "facts", [fact.id for fact in sheet.facts]),
        *_check_required(sheet.own_actions, source, "own_actions"),
        *check_names(sheet, source, Declared()),
    ]
    return tuple(faults)


def check_references(
    sheet: CharacterSheet, source: Source, world: World, cast_ids: Iterable[str]
) -> tuple[Fault, ...]:
    """What a sheet names of its world.

    Args:
        sheet: A valid sheet.
        source: Where it was read from.
        world: The world it is played in.
        cast_ids: Ids of all characters of that world.
    """
    others = {*cast_ids, PLAYER} - {sheet.id}
    declared = Declared(world.state, others)
    faults = [
        *_check_knows(sheet, source, world),
        *_check_known_by(sheet.facts, source, {*cast_ids, *sheet.tags}),
        *_check_targets(sheet, source, others),
        *_check_actions(sheet, source, world),
        *_check_own_actions(sheet, source, world),
        *_check_fact_ids(sheet, source, world),
        *_check_policy(sheet, source, world),
        *check_names(sheet, source, declared, skip_roots=True),
    ]
    return tuple(sorted(faults, key=_place))


def check_world(world: World, source: Source) -> tuple[Fault, ...]:
    """What can be checked of a world without its characters."""
    faults = [
        *_doubled(source, "facts", [fact.id for fact in world.facts]),
        *_check_choices(world, source),
        *_check_required(world.actions, source, "actions"),
        *_check_origins(world.actions, source, "actions", world),
        *check_names(world, source, Declared(world.state)),
    ]
    return tuple(sorted(faults, key=_place))


def check_world_references(
    world: World, source: Source, cast: Iterable[CharacterSheet]
) -> tuple[Fault, ...]:
    """What a world names of its characters: who knows what, and whose trust conditions read."""
    sheets = list(cast)
    ids = {sheet.id for sheet in sheets}
    knowers = {*ids, *(tag for sheet in sheets for tag in sheet.tags)}
    faults = list(_check_known_by(world.facts, source, knowers))
    for index, lore in enumerate(world.lore):
        where = ("lore", index, "known_by")
        faults.extend(_unknown_knowers(lore.known_by, source, where, knowers))
    faults.extend(check_names(world, source, Declared(None, {*ids, PLAYER}), skip_roots=True))
    return tuple(sorted(faults, key=_place))


# -- sheets ---------------------------------------------------------------------------------------


def _check_knows(sheet: CharacterSheet, source: Source, world: World) -> Iterator[Fault]:
    facts = (*world.facts, *sheet.facts)
    known = {fact.id for fact in facts} | {tag for fact in facts for tag in fact.tags}
    for index, name in enumerate(sheet.knows):
        if name not in known:
            yield _unknown(
                source, ("knows", index), name, f"a fact id or tag of {_file(world)}", known
            )


def _check_targets(sheet: CharacterSheet, source: Source, others: set[str]) -> Iterator[Fault]:
    for name in sheet.relationships:
        where = ("relationships", name)
        if name == sheet.id:
            yield source.fault(
                where,
                f'"{name}", the character itself',
                "another character",
                "remove it",
                UNKNOWN,
                at_key=True,
            )
        elif name not in others:
            yield _unknown(
                source, where, name, "the id of a character, or player", others, at_key=True
            )


def _check_actions(sheet: CharacterSheet, source: Source, world: World) -> Iterator[Fault]:
    known = {**world.actions, **sheet.own_actions}
    for index, name in enumerate(sheet.actions):
        if name not in known:
            yield _unknown(
                source,
                ("actions", index),
                name,
                f"an action of {_file(world)}",
                known,
                code="E213",
            )


def _check_own_actions(sheet: CharacterSheet, source: Source, world: World) -> Iterator[Fault]:
    for name in sheet.own_actions:
        if name in world.actions:
            yield source.fault(
                ("own_actions", name),
                f'the action "{name}", which the world has too',
                "a name of its own",
                f"write {sheet.id}_{name}",
                UNKNOWN,
                at_key=True,
            )
    yield from _check_origins(sheet.own_actions, source, "own_actions", world)


def _check_fact_ids(sheet: CharacterSheet, source: Source, world: World) -> Iterator[Fault]:
    taken = {fact.id for fact in world.facts}
    for index, fact in enumerate(sheet.facts):
        if fact.id in taken:
            yield source.fault(
                ("facts", index, "id"),
                f'the fact id "{fact.id}", which the world has too',
                "an id of its own",
                f"write {sheet.id}_{fact.id}",
                UNKNOWN,
            )


def _check_policy(sheet: CharacterSheet, source: Source, world: World) -> Iterator[Fault]:
    limit = world_policy(world.policy)
    for category in looser_than(sheet.policy, limit):
        yield source.fault(
            ("policy", category),
            f'"{sheet.policy[category]}", looser than the world',
            f"{limit[category]} or stricter",
            "change the world's policy, or remove this line",
        )


# -- worlds ---------------------------------------------------------------------------------------


def _check_choices(world: World, source: Source) -> Iterator[Fault]:
    for name, declaration in world.state.items():
        choices = declaration.one_of or ()
        for index, choice in enumerate(choices):
            if choice in choices[:index]:
                where = ("state", name, "one_of", index)
                yield source.fault(where, f'"{choice}" a second time', "each value once")


# -- both -----------------------------------------------------------------------------------------


def _doubled(source: Source, key: str, ids: list[str]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for index, name in enumerate(ids):
        if name in first:
            line = source.mark((key, first[name])).line
            yield source.fault(
                (key, index, "id"),
                f'the id "{name}" a second time (first in line {line})',
                "each id once",
                "give one of them another id",
                UNKNOWN,
            )
        first.setdefault(name, index)


def _check_required(
    actions: Mapping[str, ActionDeclaration], source: Source, key: str
) -> Iterator[Fault]:
    for name, action in actions.items():
        for index, parameter in enumerate(action.required):
            if parameter not in action.parameters:
                yield _unknown(
                    source,
                    (key, name, "required", index),
                    parameter,
                    "a parameter of this action",
                    action.parameters,
                )


def _check_origins(
    actions: Mapping[str, ActionDeclaration], source: Source, key: str, world: World
) -> Iterator[Fault]:
    choices = [name for name, value in world.state.items() if value.one_of is not None]
    for name, action in actions.items():
        for where, parameter in _parts(action):
            origin = parameter.enum_from or ""
            state = origin.removeprefix(STATE_PREFIX)
            if state != origin and state not in choices:
                is_declared = state in world.state
                yield source.fault(
                    (key, name, "parameters", *where, "enum_from"),
                    f'"{origin}"' + (", which is no one_of value" if is_declared else ""),
                    f"a one_of value under state: of {_file(world)}",
                    suggest(origin, [STATE_PREFIX + choice for choice in choices]),
                    UNKNOWN,
                )


def _parts(action: ActionDeclaration) -> Iterator[tuple[KeyPath, Parameter | PartParameter]]:
    """All parameters of an action, those inside lists and groups too, with their place."""
    for name, parameter in action.parameters.items():
        yield (name,), parameter
        if parameter.items is not None:
            yield (name, "items"), parameter.items
        for inner, part in parameter.properties.items():
            yield (name, "properties", inner), part


def _check_known_by(
    facts: Iterable[Fact], source: Source, knowers: Collection[str]
) -> Iterator[Fault]:
    for index, fact in enumerate(facts):
        yield from _unknown_knowers(fact.known_by, source, ("facts", index, "known_by"), knowers)


def _unknown_knowers(
    names: Iterable[str], source: Source, where: KeyPath, knowers: Collection[str]
) -> Iterator[Fault]:
    for index, name in enumerate(names):
        if name != EVERYONE and name not in knowers:
            yield _unknown(
                source,
                (*where, index),
                name,
                "a character's id or tag, or everyone",
                {*knowers, EVERYONE},
            )


def _unknown(
    source: Source,
    where: KeyPath,
    name: str,
    expected: str,
    known: Iterable[str],
    *,
    code: str = UNKNOWN,
    at_key: bool = False,
) -> Fault:
    return source.fault(where, f'"{name}"', expected, suggest(name, known), code, at_key=at_key)


def _file(world: World) -> str:
    return f"worlds/{world.id}.yaml" if world.id else "the world"


def _place(fault: Fault) -> tuple[str, int, int]:
    return fault.path, fault.line, fault.column
