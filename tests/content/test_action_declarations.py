from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from npc_engine.content.action_declarations import ActionDeclaration, Parameter
from npc_engine.content.library import Library
from npc_engine.content.world import World

Open = Callable[[], Library]
Write = Callable[[str, str], Path]

WORLD = """\
name: Oak
state:
  bridge: {one_of: [broken, mended], value: broken}
  gold: {integer: {min: 0}, value: 3}
actions:
  give:
    description: Give something.
    parameters: {item: {type: string}}
"""


@pytest.fixture
def world_faults(write: Write, library: Open) -> Callable[[str], list[str]]:
    def check(parameter: str) -> list[str]:
        text = WORLD.replace("{item: {type: string}}", f"{{item: {parameter}}}")
        write("worlds/oak.yaml", text)
        write("characters/mira.yaml", "name: Mira\n")
        return [str(fault).split("/worlds/")[-1] for fault in library().faults()]

    return check


@pytest.mark.parametrize(
    "parameter",
    [
        "{type: array, items: {type: string, enum: [a, b]}}",
        "{type: object, properties: {item: {type: string}, price: {type: integer}}, "
        "required: [item]}",
        "{type: string, enum_from: present}",
        "{type: string, enum_from: characters}",
        "{type: string, enum_from: state.bridge}",
        "{type: array, items: {type: string, enum_from: present}}",
        "{type: integer, default: 1, minimum: 1, maximum: 9}",
        "{type: boolean, default: true}",
        "{type: string, default: a, enum: [a, b]}",
    ],
)
def test_every_form_of_parameter_is_accepted(
    world_faults: Callable[[str], list[str]], parameter: str
):
    assert world_faults(parameter) == []


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (
            "{type: string, enum_from: state.brigde}",
            'oak.yaml:8:50 actions.give.parameters.item.enum_from: found "state.brigde"; expected '
            "a one_of value under state: of worlds/oak.yaml; did you mean "
            '"state.bridge"? [E103]',
        ),
        (
            "{type: string, enum_from: state.gold}",
            'oak.yaml:8:50 actions.give.parameters.item.enum_from: found "state.gold", which is no '
            "one_of value; expected a one_of value under state: of worlds/oak.yaml; "
            'did you mean "state.bridge"? [E103]',
        ),
        (
            "{type: string, enum_from: bridge}",
            'oak.yaml:8:50 actions.give.parameters.item.enum_from: found "bridge"; expected '
            "present, characters or state.NAME; write state.bridge [E101]",
        ),
        (
            "{type: string, items: {type: string}}",
            "oak.yaml:8:24 actions.give.parameters.item: found items beside type: string; "
            "expected type: array beside items [E101]",
        ),
        (
            "{type: array}",
            "oak.yaml:8:24 actions.give.parameters.item: found no items; expected items beside "
            "type: array; write items: {type: string} [E101]",
        ),
        (
            "{type: object}",
            "oak.yaml:8:24 actions.give.parameters.item: found no properties; expected properties "
            "beside type: object; write properties: {item: {type: string}} [E101]",
        ),
        (
            "{type: string, enum: [a], enum_from: present}",
            "oak.yaml:8:24 actions.give.parameters.item: found enum and enum_from; expected one "
            "of enum and enum_from; remove one [E101]",
        ),
        (
            "{type: integer, enum_from: present}",
            "oak.yaml:8:24 actions.give.parameters.item: found enum_from beside type: integer; "
            "expected type: string beside enum_from [E101]",
        ),
        (
            "{type: integer, default: two}",
            'oak.yaml:8:49 actions.give.parameters.item.default: found "two"; expected a whole '
            "number; write default: 1 [E101]",
        ),
        (
            "{type: integer, default: 12, maximum: 9}",
            "oak.yaml:8:24 actions.give.parameters.item: found 12; expected a default within the "
            "limits [E101]",
        ),
        (
            "{type: string, default: c, enum: [a, b]}",
            'oak.yaml:8:24 actions.give.parameters.item: found "c"; expected a default among '
            "a, b [E101]",
        ),
        (
            "{type: array, items: {type: string}, default: a}",
            "oak.yaml:8:24 actions.give.parameters.item: found type: array; expected no default "
            "beside a list or group [E101]",
        ),
    ],
)
def test_a_parameter_that_cannot_be_is_located(
    world_faults: Callable[[str], list[str]], parameter: str, expected: str
):
    assert world_faults(parameter) == [expected]


def test_what_an_action_asks_of_the_game_is_off_unless_it_is_written():
    plain = World.model_validate({"name": "W", "actions": {"wave": {"description": "Wave."}}})
    wave = plain.actions["wave"]

    flags = (wave.once, wave.returns, wave.confirm, wave.veto, wave.reversible)
    assert flags == (False,) * 5
    assert (wave.keys, wave.scene_when, wave.when, wave.cooldown_s) == ((), None, None, 0.0)


def sheet_faults(write: Write, library: Open, sheet: str) -> list[str]:
    write("worlds/oak.yaml", WORLD)
    write("characters/mira.yaml", f"name: Mira\nworld: oak\n{sheet}\n")
    return [str(fault).split("/characters/")[-1] for fault in library().faults()]


def test_a_sheet_may_declare_actions_of_its_own(write: Write, library: Open):
    sheet = (
        "actions: [forge, give]\n"
        "own_actions:\n"
        "  forge: {description: Forge it., when: state.gold > 1, "
        "parameters: {what: {type: string, enum_from: state.bridge}}, required: [what]}"
    )
    assert sheet_faults(write, library, sheet) == []


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (
            "give: {description: d}",
            'mira.yaml:3:15 own_actions.give: found the action "give", which the world has too; '
            "expected a name of its own; write mira_give [E103]",
        ),
        (
            "forge: {description: d, required: [wht], parameters: {what: {type: string}}}",
            'mira.yaml:3:50 own_actions.forge.required[0]: found "wht"; expected a parameter of '
            'this action; did you mean "what"? [E103]',
        ),
        (
            "forge: {description: d, scene_when: state.gild > 1}",
            'mira.yaml:3:51 own_actions.forge.scene_when: found the unknown name "state.gild"; '
            'expected a name declared under state: of the world; did you mean "state.gold"? [E102]',
        ),
    ],
)
def test_an_own_action_is_checked_as_those_of_the_world(
    write: Write, library: Open, declared: str, expected: str
):
    assert sheet_faults(write, library, f"own_actions: {{{declared}}}") == [expected]


@pytest.mark.parametrize(
    "tells",
    ["{item:d}", "{}", "{npc!r}", "{item:{npc.__class__}}", "{npc.name}", "{item:>99999999}"],
)
def test_what_an_action_tells_holds_names_and_nothing_else_in_braces(tells):
    item = {"item": Parameter(type="string")}
    with pytest.raises(ValidationError):
        ActionDeclaration(description="Give.", parameters=item, tells=tells)
    ActionDeclaration(description="Give.", parameters=item, tells="{npc} gives {item}, {{so}}.")
