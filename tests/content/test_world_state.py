import pytest

from npc_engine.content.character import CharacterSheet, Relationship
from npc_engine.content.declarations import (
    IntegerRange,
    NumberRange,
    StateDeclaration,
    TextLimit,
    TrueOrFalse,
)
from npc_engine.content.state import (
    Value,
    WorldEvent,
    WorldState,
    add_event,
    initial_state,
    scope,
    set_value,
)
from npc_engine.content.world import ClockStart, PlayerBlock, World
from npc_engine.errors import CommandError

WORLD = World(
    id="w",
    name="W",
    clock=ClockStart(day=41, time="18:30"),
    player=PlayerBlock(name="the traveller", about="New here."),
    state={
        "bridge": StateDeclaration(one_of=("broken", "mended"), value="broken"),
        "gold": StateDeclaration(integer=IntegerRange(min=0), value=20),
        "mood": StateDeclaration(number=NumberRange(min=-1, max=1), value=0.5),
        "open": StateDeclaration(boolean=TrueOrFalse(), value=True),
        "weather": StateDeclaration(text=TextLimit(max_chars=10), value="rain"),
    },
)
MIRA = CharacterSheet(
    id="mira", name="Mira", relationships={"aldric": Relationship(trust=2, feels="respect")}
)
ALDRIC = CharacterSheet(id="aldric", name="Aldric")


@pytest.fixture
def state() -> WorldState:
    return initial_state(WORLD, [MIRA, ALDRIC])


def test_a_story_begins_with_the_declared_values(state: WorldState):
    assert state.values == {
        "bridge": "broken",
        "gold": 20,
        "mood": 0.5,
        "open": True,
        "weather": "rain",
    }
    assert state.clock_text == "day 41, 18:30"
    assert state.part_of_day == "evening"
    assert state.relationships == {
        "mira": {
            "player": {"trust": 0, "feels": ""},
            "aldric": {"trust": 2, "feels": "respect"},
        },
        "aldric": {"player": {"trust": 0, "feels": ""}},
    }
    assert state.events == ()


@pytest.mark.parametrize(
    ("minute", "part"),
    [(0, "night"), (299, "night"), (300, "morning"), (720, "afternoon"), (1020, "evening"),
     (1320, "night"), (1439, "night")],
)  # fmt: skip
def test_parts_of_the_day(minute: int, part: str):
    assert WorldState({}, day=1, minute=minute, relationships={}).part_of_day == part


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("bridge", "mended", "mended"),
        ("state.bridge", "mended", "mended"),
        ("gold", "36", 36),
        ("gold", 35, 35),
        ("mood", "-0.25", -0.25),
        ("mood", 1, 1.0),
        ("open", "false", False),
        ("weather", "snow", "snow"),
    ],
)
def test_values_are_set_with_their_declared_type(
    state: WorldState, name: str, value: Value, expected: Value
):
    changed = set_value(state, WORLD, name, value).values[name.removeprefix("state.")]

    assert (changed, type(changed)) == (expected, type(expected))


def test_the_state_before_stays_as_it_was(state: WorldState):
    set_value(state, WORLD, "gold", 1)
    set_value(state, WORLD, "relationships.mira.player.trust", 9)

    assert state == initial_state(WORLD, [MIRA, ALDRIC])


def test_clock_and_relationships_are_set_by_dotted_names(state: WorldState):
    state = set_value(state, WORLD, "clock.day", "42")
    state = set_value(state, WORLD, "clock.time", "7:05")
    state = set_value(state, WORLD, "relationships.mira.player.trust", "3")
    state = set_value(state, WORLD, "relationships.aldric.mira.feels", "pride")

    assert state.clock_text == "day 42, 07:05"
    assert state.relationships["mira"]["player"] == {"trust": 3, "feels": ""}
    assert state.relationships["aldric"]["mira"] == {"trust": 0, "feels": "pride"}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("brigde", "x", 'unknown name "brigde"; did you mean "bridge"?'),
        ("bridge", "gone", 'bridge: found "gone"; expected one of broken, mended'),
        ("gold", -1, "gold: found -1; expected a whole number, 0 or more"),
        ("gold", "many", 'gold: found "many"; expected a whole number, 0 or more'),
        ("gold", True, "gold: found true; expected a whole number, 0 or more"),
        ("gold", 10**16, "gold: found 10000000000000000; expected a whole number, 0 or more"),
        ("mood", 2, "mood: found 2; expected a number from -1 to 1"),
        ("open", "yes", 'open: found "yes"; expected true or false'),
        ("weather", "a\x1b[31m", "expected a text of at most 10 characters in one line"),
        ("clock.time", "24:00", 'clock.time: found "24:00"; expected a time from 00:00 to 23:59'),
        ("clock.day", -1, "clock.day: found -1; expected a whole number from 0 to 1,000,000"),
        ("clock.hour", 1, 'unknown name "clock.hour"'),
        (
            "relationships.mria.player.trust",
            1,
            'unknown character "mria"; did you mean "mira"?',
        ),
        ("relationships.mira.nobody.trust", 1, 'unknown character "nobody"'),
        ("relationships.mira.mira.trust", 1, 'unknown character "mira"'),
        ("relationships.mira.trust", 1, "expected relationships.<character>.<other>.trust"),
        (
            "relationships.mira.player.trust",
            101,
            "found 101; expected a whole number from -100 to 100",
        ),
    ],
)
def test_unknown_names_and_wrong_values_say_what_is_allowed(
    state: WorldState, name: str, value: Value, text: str
):
    with pytest.raises(CommandError) as caught:
        set_value(state, WORLD, name, value)

    assert text in str(caught.value)


def test_events_are_kept_in_order(state: WorldState):
    first = WorldEvent("The bell rang.", None, day=41, minute=1110)
    second = WorldEvent("A cart broke.", ("mira",), day=41, minute=1111, place="market")

    assert add_event(add_event(state, first), second).events == (first, second)


def test_each_character_reads_its_own_relationships(state: WorldState):
    of_mira = scope(state, "mira", WORLD)

    assert of_mira["relationships"]["aldric"]["trust"] == 2
    assert of_mira["player"] == {"name": "the traveller", "about": "New here."}
    assert of_mira["clock"] == {
        "day": 41,
        "time": "18:30",
        "minute": 1110,
        "part_of_day": "evening",
    }
    assert scope(state, "stranger", WORLD)["relationships"] == {"player": {"trust": 0, "feels": ""}}
