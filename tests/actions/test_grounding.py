from itertools import product
from pathlib import Path
from typing import Any

import pytest

from npc_engine.actions.grounding import agrees, is_grounded
from npc_engine.content.action_declarations import ActionDeclaration, Parameter
from npc_engine.content.library import Library
from tests.stage import ROOT

OFFER = ActionDeclaration(
    description="Offer an item to the player at a price.",
    parameters={
        "item": Parameter(type="string", enum=("sword", "horseshoe", "lantern")),
        "price": Parameter(type="integer"),
    },
    required=("item", "price"),
    keys=("buy", "sell", "how much"),
)
OPEN = ActionDeclaration(
    description="Open one door in the village for the player.",
    parameters={"door": Parameter(type="string", enum=("forge", "wool_loft"))},
    required=("door",),
)
FERRY = ActionDeclaration(description="Take the player over the river on the ferry.")
ATTACK = ActionDeclaration(description="Attack somebody.")

ACTIONS = {
    "offer_item": (OFFER, {"item": "sword", "price": 30}),
    "open_door": (OPEN, {"door": "wool_loft"}),
    "ferry_across": (FERRY, {}),
    "attack": (ATTACK, {}),
}


def grounded(name: str, line: str, before: str = "", goals: tuple[str, ...] = ()) -> bool:
    declaration, arguments = ACTIONS[name]
    given: dict[str, Any] = arguments
    return is_grounded(name, declaration, given, line, before, goals)


SMALL_TALK = [
    "Hello there!",
    "Good evening. How are you?",
    "Nice weather today, isn't it?",
    "What is your name?",
    "Tell me about the village.",
    "Thank you, goodbye.",
    "I come from the south.",
    "Have you lived here long?",
    "You look tired.",
    "Nice door you have there.",
    "I like your village.",
    "I have a sister.",
    "Who are you?",
    "That is a good price for a life.",
    "The river is high this year.",
]


@pytest.mark.parametrize("line", SMALL_TALK)
@pytest.mark.parametrize("name", ["offer_item", "open_door", "ferry_across", "attack"])
def test_small_talk_calls_for_nothing(name: str, line: str):
    assert not grounded(name, line)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("offer_item", "I want to buy a sword."),
        ("offer_item", "Give me that sword."),
        ("offer_item", "How much is it?"),
        ("offer_item", "Can you sell me something sharp?"),
        ("offer_item", "What would the sword cost me, a fair price?"),
        ("open_door", "Open the door of the wool loft."),
        ("open_door", "Could you open it, please?"),
        ("open_door", "Open up!"),
        ("open_door", "Please let me into the wool loft."),
        ("open_door", "Why don't you open the door?"),
        ("ferry_across", "Take me over the river with the ferry."),
        ("ferry_across", "Will the ferry carry me across?"),
        ("attack", "Attack him!"),
        ("attack", "I want you to attack the guard."),
    ],
)
def test_a_line_that_asks_for_it_calls_for_it(name: str, line: str):
    assert grounded(name, line)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("attack", "Do not attack him!"),
        ("attack", "Don't attack."),
        ("attack", "Never attack a guest."),
        ("attack", "Stop attacking him."),
        ("open_door", "You must not open the door."),
        ("open_door", "Did you open the door last night?"),
        ("open_door", "Why was the door open?"),
    ],
)
def test_what_is_forbidden_or_past_is_not_called_for(name: str, line: str):
    assert not grounded(name, line)


def test_only_the_part_that_forbids_is_left_out():
    assert grounded("open_door", "Don't talk so much, open the door.")
    assert not grounded("open_door", "Talk to me, but don't open the door.")


def test_a_yes_to_what_the_character_said_last_calls_for_it():
    before = "The nights are cold. Shall I open the door of the wool loft for you?"

    assert grounded("open_door", "Yes, please.", before)
    assert grounded("open_door", "Aye, do it.", before)
    assert not grounded("open_door", "No, thank you.", before)
    assert not grounded("open_door", "Yes.", "The nights are cold here.")
    assert not grounded("open_door", "What a night.", before)


def test_a_goal_counts_only_where_the_line_speaks_of_it():
    goals = ("Sell the sword before the snow comes.",)

    assert grounded("offer_item", "Will the snow come soon?", goals=goals)
    assert not grounded("offer_item", "How are you?", goals=goals)
    assert not grounded("attack", "Will the snow come soon?", goals=goals)


@pytest.mark.parametrize("line", ["Yes.", "yes please", "Deal!", "Okay, go ahead.", "Of course."])
def test_a_yes_is_known(line: str):
    assert agrees(line)


@pytest.mark.parametrize("line", ["No.", "Maybe.", "Yesterday it rained.", "Yes, but do not.", ""])
def test_anything_else_is_no_yes(line: str):
    assert not agrees(line)


@pytest.mark.parametrize("name", ["small_talk", "told_small_talk"])
def test_small_talk_calls_for_no_action_of_the_shipped_worlds(name: str):
    path = Path(__file__).parents[1] / "dialogue" / f"{name}.txt"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    library = Library.open(ROOT / "characters", ROOT / "worlds")
    fired = []
    for world in (library.world("oakhollow"), library.world("scarth_top")):
        for action, declaration in world.actions.items():
            choices = {key: each.enum for key, each in declaration.parameters.items() if each.enum}
            for values in product(*choices.values()):
                arguments = dict(zip(choices, values, strict=True))
                fired += [
                    (action, line)
                    for line in lines
                    if is_grounded(action, declaration, arguments, line, "", ())
                ]

    assert len(lines) > 20
    assert fired == []
