import json
from typing import Any

from npc_engine.actions.offered import OfferedAction, offered_actions, tool_schema
from npc_engine.content.character import CharacterSheet
from npc_engine.content.state import WorldState, initial_state, move, set_value
from npc_engine.content.world import World

WORLD = World.model_validate(
    {
        "name": "Oak",
        "state": {
            "bridge": {"one_of": ("broken", "mended"), "value": "broken"},
            "gold": {"integer": {"min": 0}, "value": 3},
        },
        "actions": {
            "give": {
                "description": "Give an item.",
                "parameters": {
                    "item": {"type": "string", "enum": ("sword", "shoe")},
                    "price": {"type": "integer", "minimum": 1.0, "maximum": 9.5, "default": 2},
                    "to": {"type": "string", "enum_from": "present"},
                },
                "required": ("item", "to"),
            },
            "wave": {"description": "Wave.", "cooldown_s": 20.0},
            "weep": {"description": "Weep.", "once": True},
            "mend": {
                "description": "Mend.",
                "scene_when": 'state.bridge == "broken"',
                "when": "state.gold > 5",
                "parameters": {
                    "how": {"type": "string", "enum_from": "state.bridge"},
                    "who": {
                        "type": "array",
                        "items": {"type": "string", "enum_from": "characters"},
                    },
                    "deal": {
                        "type": "object",
                        "properties": {"for_whom": {"type": "string", "enum_from": "characters"}},
                        "required": ("for_whom",),
                    },
                },
            },
        },
    }
)
MIRA = CharacterSheet.model_validate(
    {
        "id": "mira",
        "name": "Mira",
        "actions": ("wave", "give", "weep", "mend"),
        "own_actions": {"forge": {"description": "Forge."}},
    }
)
ALDRIC = CharacterSheet(id="aldric", name="Aldric")
START = initial_state(WORLD, [MIRA, ALDRIC])


def offered(state: WorldState = START, **changes: Any) -> dict[str, OfferedAction]:
    settings: dict[str, Any] = {
        "last_done": {},
        "now_s": 100.0,
        "done_once": (),
        "handled": None,
        **changes,
    }
    return {each.name: each for each in offered_actions(MIRA, WORLD, state, **settings)}


def test_actions_stand_in_the_order_of_the_sheet_its_own_ones_last():
    assert list(offered()) == ["wave", "give", "weep", "mend", "forge"]


def test_what_the_game_does_not_handle_is_not_offered():
    assert list(offered(handled={"forge", "give"})) == ["give", "forge"]


def test_a_scene_condition_takes_the_action_out_a_turn_condition_blocks_it():
    assert offered()["mend"].blocked == "only while state.gold > 5"
    assert offered(set_value(START, WORLD, "gold", 9))["mend"].blocked == ""
    assert "mend" not in offered(set_value(START, WORLD, "bridge", "mended"))


def test_a_cooldown_blocks_with_the_seconds_left_also_after_the_clock_went_back():
    assert offered(last_done={"wave": 85.5})["wave"].blocked == "possible again in 6 s"
    assert offered(last_done={"wave": 80.0})["wave"].blocked == ""
    assert offered(last_done={"wave": 900.0})["wave"].blocked == "possible again in 20 s"


def test_what_is_done_once_is_not_done_again():
    assert offered(done_once={"weep", "give"})["weep"].blocked == "it is done already"
    assert offered()["weep"].blocked == ""


def test_values_come_from_presence_characters_and_state():
    together = move(move(START, "mira", "forge"), "aldric", "forge")
    mend = offered(together)["mend"]

    assert offered(together)["give"].values == {"to": ("aldric",)}
    assert offered(together)["give"].blocked == ""
    assert mend.values == {
        "how": ("broken", "mended"),
        "who": ("aldric",),
        "deal.for_whom": ("aldric",),
    }


def test_without_anybody_there_a_required_person_blocks():
    assert offered()["give"].blocked == "nobody is here for to"
    assert offered(present=("player", "mira"))["give"].values == {"to": ("player",)}
    assert offered(present=("player",))["give"].blocked == ""


def test_a_schema_holds_what_never_changes_and_always_reads_the_same():
    schema = tool_schema("give", WORLD.actions["give"])

    assert schema == {
        "type": "function",
        "function": {
            "name": "give",
            "description": "Give an item.",
            "parameters": {
                "type": "object",
                "properties": {
                    "item": {"type": "string", "enum": ["sword", "shoe"]},
                    "price": {"type": "integer", "minimum": 1, "maximum": 9.5, "default": 2},
                    "to": {"type": "string"},
                },
                "required": ["item", "to"],
            },
        },
    }
    assert json.dumps(schema) == json.dumps(tool_schema("give", WORLD.actions["give"]))
    parts = tool_schema("mend", WORLD.actions["mend"])["function"]["parameters"]["properties"]
    assert parts["who"] == {"type": "array", "items": {"type": "string"}}
    assert parts["deal"] == {
        "type": "object",
        "properties": {"for_whom": {"type": "string"}},
        "required": ["for_whom"],
    }
