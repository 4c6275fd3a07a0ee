from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from examples.tavern import deeds
from examples.tavern.bubbles import Bubble, grown, heard, wrapped
from examples.tavern.people import SPOTS
from examples.tavern.room import DOOR, distance, is_free, way
from examples.tavern.saving import Slot, kept, tavern_from
from examples.tavern.tavern import EARSHOT_PX, Inputs, opening, update

DT = 1 / 60


def beside(npc, tavern=None):
    """A tavern in which the player stands before a guest."""
    tavern = tavern or opening()
    at = tavern.guest(npc).at
    return replace(tavern, player=replace(tavern.player, x=at[0] + 50, y=at[1]))


def test_every_favourite_spot_can_be_walked_to_from_the_door():
    start = opening().player.at
    for spots in SPOTS.values():
        for spot in spots:
            path = way(start, spot.at, cellar_open=False)
            assert path[-1] == spot.at
            assert all(is_free(point, cellar_open=False) for point in path[:-1])


def test_the_cellar_can_be_entered_only_through_its_open_door():
    assert way((680, 650), (180, 160), cellar_open=False) == ()
    path = way((680, 650), (180, 160), cellar_open=True)
    assert any(DOOR.holds(point) for point in path)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(-1, 1), st.integers(-1, 1)), max_size=40), st.booleans())
def test_nobody_walks_into_walls(moves, is_open):
    tavern = replace(opening(), cellar_open=is_open)
    for move in moves:
        tavern, _ = update(tavern, Inputs(move=move), 0.05)
        assert is_free(tavern.player.at, cellar_open=is_open)


def test_a_talk_begins_near_a_guest_and_not_elsewhere():
    _, wishes = update(opening(), Inputs(talk=True), DT)
    assert wishes == ()
    tavern, wishes = update(beside("tobias"), Inputs(talk=True), DT)
    assert [(wish.kind, wish.npc) for wish in wishes] == [("meet", "tobias")]
    assert tavern.talking_to == "tobias"


def test_what_is_typed_is_said_with_enter():
    tavern, _ = update(beside("tobias"), Inputs(talk=True), DT)
    for letter in " Good evening. ":
        tavern, wishes = update(tavern, Inputs(typed=letter), DT)
        assert wishes == ()
    tavern, _ = update(tavern, Inputs(erase=True), DT)
    tavern, wishes = update(tavern, Inputs(enter=True), DT)
    assert [(wish.kind, wish.text) for wish in wishes] == [("say", "Good evening.")]
    assert tavern.typed == ""
    assert update(tavern, Inputs(enter=True), DT)[1] == ()


def test_walking_off_ends_a_talk():
    tavern, _ = update(beside("tobias"), Inputs(talk=True), DT)
    wishes = ()
    for _ in range(120):
        if wishes:
            break
        assert distance(tavern.player.at, tavern.guest("tobias").at) <= EARSHOT_PX
        tavern, wishes = update(tavern, Inputs(move=(1, 0)), DT)
    assert [(wish.kind, wish.npc) for wish in wishes] == [("leave", "tobias")]
    assert tavern.talking_to == ""


def test_a_guest_that_is_spoken_with_stays():
    tavern, _ = update(beside("osla"), Inputs(talk=True), DT)
    before = tavern.guest("osla").at
    for _ in range(3_000):
        tavern, _ = update(tavern, Inputs(), DT)
    assert tavern.guest("osla").at == before
    assert tavern.guest("linnet").walked > 0


def test_a_drink_costs_gold_and_needs_it():
    poured = deeds.pour_drink(opening(), "brandy")
    assert (poured.tavern.gold, poured.tavern.drinks) == (4, ("brandy",))
    assert poured.world == (("gold", 4),)
    poor = replace(opening(), gold=1)
    assert deeds.pour_drink(poor, "brandy").refused
    assert deeds.pour_drink(poor, "brandy").tavern.gold == 1


def test_an_item_changes_hands_once_and_only_from_its_owner():
    given_ = deeds.give_item(opening(), "dunstan", "whistle")
    assert given_.tavern.items == ("whistle",)
    assert deeds.give_item(given_.tavern, "dunstan", "whistle").refused
    assert deeds.give_item(opening(), "tobias", "whistle").refused


def test_the_door_opens_once_and_swings():
    deed = deeds.open_door(opening())
    assert deeds.open_door(deed.tavern).refused
    tavern, _ = update(deed.tavern, Inputs(), 0.3)
    assert 0 < tavern.door_swing < 1
    tavern, _ = update(tavern, Inputs(), 5.0)
    assert tavern.door_swing == 1


def test_a_saved_game_reads_back_equal(tmp_path):
    tavern = beside("osla")
    for _ in range(2_000):
        tavern, _ = update(tavern, Inputs(), DT)
    tavern = deeds.open_door(deeds.pour_drink(tavern, "ale").tavern).tavern
    Slot(tmp_path / "slot.json").write(tavern, "quick-1")
    slot = Slot(tmp_path / "slot.json")
    assert kept(slot.read()) == kept(tavern)
    assert (slot.snapshot_name, slot.next_name) == ("quick-1", "quick-2")
    assert tavern_from(kept(slot.read())) == slot.read()


@given(st.text(max_size=200), st.integers(1, 40))
def test_wrapping_loses_no_word_and_keeps_the_width(text, width):
    lines = wrapped(text, width, len)
    assert all(len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_a_bubble_grows_with_its_text_and_begins_anew_with_another():
    bubble = heard(Bubble("osla"), "Sit before", "speech", is_whole=False)
    bubble = grown(bubble, 0.1)
    assert bubble.shown == "Sit before"[: len(bubble.shown)] != ""
    longer = heard(bubble, "Sit before you drip.", "speech", is_whole=True)
    assert longer.shown == bubble.shown
    assert heard(longer, "No.", "speech", is_whole=True).shown == ""
    while not longer.is_over:
        longer = grown(longer, 0.1)
    assert longer.shown == "Sit before you drip."
