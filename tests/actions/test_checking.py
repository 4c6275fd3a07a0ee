from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from npc_engine.actions.canonical import call_id, canonical_call
from npc_engine.actions.checking import (
    CheckedArguments,
    CheckedCall,
    DroppedCall,
    RefusedArguments,
    check_against_schema,
    check_call,
    check_calls,
)
from npc_engine.actions.offered import OfferedAction
from npc_engine.actions.reading import WrittenCall, read_reply
from npc_engine.content.action_declarations import ActionDeclaration

OFFER = ActionDeclaration.model_validate(
    {
        "description": "Offer an item.",
        "parameters": {
            "item": {"type": "string", "enum": ("Iron Sword", "horseshoe", "chain")},
            "price": {"type": "integer", "minimum": 1, "maximum": 500},
            "to": {"type": "string", "enum_from": "present"},
            "count": {"type": "integer", "default": 1},
            "tags": {"type": "array", "items": {"type": "string"}},
            "gift": {"type": "boolean"},
            "weight": {"type": "number"},
        },
        "required": ("item", "price"),
    }
)
OFFERED = (
    OfferedAction("offer_item", OFFER, {"to": ("player", "aldric")}),
    OfferedAction("wave", ActionDeclaration(description="Wave."), {}),
    OfferedAction("weep", ActionDeclaration(description="Weep."), {}, "it is done already"),
)


def check(name: str = "offer_item", **arguments: Any) -> CheckedCall | DroppedCall:
    return check_call(WrittenCall(name, arguments, ""), OFFERED)


def accepted(**arguments: Any) -> dict[str, Any]:
    result = check(**{"item": "chain", "price": 3, **arguments})
    assert isinstance(result, CheckedCall), result
    return dict(result.arguments)


def test_what_is_right_is_taken_as_it_is_with_defaults():
    assert check(item="chain", price=3) == CheckedCall(
        "offer_item", {"item": "chain", "price": 3, "count": 1}
    )


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Wave", "wave"),
        ("WAVE ", "wave"),
        ("functions.wave", "wave"),
        ("Offer Item", "offer_item"),
        ("offer-item", "offer_item"),
        ("offerItem", "offer_item"),
        ("offer", "offer_item"),
        ("do_wave", "wave"),
    ],
)
def test_a_name_is_found_where_only_one_can_be_meant(written: str, name: str):
    result = check(written, item="chain", price=1)

    assert result.name == name
    assert isinstance(result, CheckedCall)
    assert result.repairs[0] == f"{written}: read as {name}"


@pytest.mark.parametrize("written", ["fly", "w", "", "we", "wave_offer_item"])
def test_a_name_that_could_be_none_or_two_is_dropped(written: str):
    result = check(written)

    assert isinstance(result, DroppedCall)
    assert result.reason == "unknown_action"
    assert result.detail.endswith("on offer: offer_item, wave, weep")


def test_a_blocked_action_says_why():
    assert check("weep") == DroppedCall("weep", "blocked", "it is done already")


@pytest.mark.parametrize(
    ("key", "written", "value"),
    [
        ("item", "iron sword", "Iron Sword"),
        ("item", "iron_sword", "Iron Sword"),
        ("item", "sword", "Iron Sword"),
        ("item", "a horseshoe", "horseshoe"),
        ("price", "30", 30),
        ("price", 30.0, 30),
        ("price", "30 silver", 30),
        ("price", "$30", 30),
        ("price", "1,2", None),
        ("price", "thirty", 30),
        ("price", "30 or 40", None),
        ("price", "2 hundred", None),
        ("price", "30k", None),
        ("price", 1.5, None),
        ("price", 0, None),
        ("price", 501, None),
        ("price", True, None),
        ("price", "NaN", None),
        ("item", "shield", None),
        ("item", {"a": 1}, None),
        ("to", "Player", "player"),
        ("to", "mira", None),
        ("tags", "old", ["old"]),
        ("tags", '["old", "new"]', ["old", "new"]),
        ("tags", [1, "b"], ["1", "b"]),
        ("tags", {"a": 1}, None),
        ("gift", "yes", True),
        ("gift", "False", False),
        ("gift", 1, True),
        ("gift", "maybe", None),
        ("weight", "2.5 kg", 2.5),
        ("weight", "two and a half", None),
        ("item", ["chain"], "chain"),
        ("item", 7, None),
    ],
)
def test_a_value_is_repaired_where_it_means_one_thing(key: str, written: Any, value: Any):
    result = check(**{"item": "chain", "price": 3, key: written})

    if value is None:
        assert isinstance(result, DroppedCall)
        assert result.reason == "bad_argument"
        assert result.detail.startswith(f"{key}: ")
    else:
        assert isinstance(result, CheckedCall)
        assert result.arguments[key] == value
        assert type(result.arguments[key]) is type(value)


def test_names_of_arguments_are_repaired_and_unknown_ones_left_out():
    result = check(Item="chain", unitPrice=2, colour="red")

    assert isinstance(result, CheckedCall)
    assert result.arguments == {"item": "chain", "price": 2, "count": 1}
    assert result.repairs == (
        "Item: read as item",
        "unitPrice: read as price",
        "colour: left out, there is no such argument",
    )


@pytest.mark.parametrize(
    "arguments", [{"item": "chain"}, {"item": "chain", "price": None}, {"price": 2, "item": ""}]
)
def test_a_missing_argument_is_named(arguments: dict[str, Any]):
    result = check(**arguments)

    assert isinstance(result, DroppedCall)
    assert result.reason in ("missing_argument", "bad_argument")
    assert result.detail.split(":")[0] in ("item", "price")


def test_arguments_without_names_are_taken_in_order():
    result = check_call(WrittenCall("offer_item", {"price": 9}, "", ("chain", "player")), OFFERED)

    assert isinstance(result, CheckedCall)
    assert result.arguments == {"item": "chain", "price": 9, "to": "player", "count": 1}


def test_of_one_turn_only_so_many_calls_are_taken_and_equal_ones_once():
    wave = WrittenCall("wave", {}, "")
    offer = WrittenCall("offer_item", {"item": "chain", "price": 1}, "")
    results = check_calls([wave, wave, offer], OFFERED)

    assert [type(each) for each in results] == [CheckedCall, DroppedCall]
    assert results[1] == DroppedCall("offer_item", "too_many", "at most 1 in a turn")
    assert len(check_calls([wave, wave, offer], OFFERED, max_calls=3)) == 2


def test_a_call_nobody_asked_for_is_dropped_and_leaves_room_for_the_next():
    calls = [
        WrittenCall("wave", {}, ""),
        WrittenCall("offer_item", {"item": "chain", "price": 1}, ""),
    ]
    results = check_calls(calls, OFFERED, is_called_for=lambda call: call.name == "offer_item")

    assert isinstance(results[0], DroppedCall)
    assert (results[0].reason, type(results[1])) == ("ungrounded", CheckedCall)


def test_other_tool_lists_type_names_are_known():
    schema = {
        "type": "dict",
        "properties": {
            "at": {"type": "tuple", "items": {"type": "float"}},
            "who": {
                "type": "dict",
                "properties": {"age": {"type": "integer"}},
                "required": ["age"],
            },
            "any": {"type": "any"},
            "maybe": {"type": ["integer", "null"]},
        },
        "required": ["at"],
    }
    good = check_against_schema(
        {"at": "(1.5, 2)", "who": {"Age": "7", "x": 1}, "any": {"a": [1]}, "maybe": "4"}, schema
    )
    bad = check_against_schema({"at": [1], "who": {}}, schema)

    assert isinstance(good, CheckedArguments)
    assert good.arguments == {"at": [1.5, 2], "who": {"age": 7}, "any": {"a": [1]}, "maybe": 4}
    assert bad == RefusedArguments("missing_argument", "who.age: nothing was given")


def test_the_kept_form_is_the_models_own():
    arguments = {"gate": "nörth", "n": 1}

    assert canonical_call("open", arguments, "nemotron") == (
        '<toolcall> {"name": "open", "arguments": {"gate": "nörth", "n": 1}} </toolcall>'
    )
    assert canonical_call("open", {}, "hermes") == (
        '<tool_call>\n{"name": "open", "arguments": {}}\n</tool_call>'
    )


def test_an_id_follows_from_turn_name_and_arguments_alone():
    one = call_id("t1", "open", {"a": 1, "b": {"c": 2, "d": 3}})

    assert one == call_id("t1", "open", {"b": {"d": 3, "c": 2}, "a": 1})
    assert len({one, call_id("t2", "open", {"a": 1, "b": {"c": 2, "d": 3}}),
                call_id("t1", "shut", {"a": 1, "b": {"c": 2, "d": 3}}),
                call_id("t1", "open", {"a": "1", "b": {"c": 2, "d": 3}})}) == 4  # fmt: skip
    assert len(one) == 16


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-10**12, 10**12) | st.text(max_size=12)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@example({"«:": None}, "nemotron")
@given(
    st.dictionaries(st.text(max_size=8), VALUES, max_size=4),
    st.sampled_from(("nemotron", "hermes")),
)
def test_the_kept_form_is_read_back_equal(arguments: dict[str, Any], style: Any):
    reply = read_reply("Aye. " + canonical_call("offer_item", arguments, style), ("offer_item",))

    is_schema = isinstance(arguments.get("properties"), dict) and "type" in arguments
    if not is_schema:
        assert [(call.name, call.arguments) for call in reply.calls] == [("offer_item", arguments)]
    assert reply.speech == "Aye."


@given(st.dictionaries(st.sampled_from([*OFFER.parameters, "x", "Item"]), VALUES, max_size=6))
def test_whatever_is_accepted_fits_its_schema(arguments: dict[str, Any]):
    result = check_call(WrittenCall("offer_item", arguments, ""), OFFERED)

    if isinstance(result, CheckedCall):
        assert_fits(result.arguments)
    else:
        assert result.reason in ("missing_argument", "bad_argument")


def assert_fits(arguments: Any) -> None:
    assert set(arguments) <= set(OFFER.parameters)
    assert arguments["item"] in ("Iron Sword", "horseshoe", "chain")
    assert type(arguments["price"]) is int
    assert 1 <= arguments["price"] <= 500
    assert type(arguments["count"]) is int
    assert arguments.get("to", "player") in ("player", "aldric")
    assert all(type(tag) is str for tag in arguments.get("tags", []))
    assert type(arguments.get("gift", True)) is bool
    assert type(arguments.get("weight", 1)) in (int, float)
