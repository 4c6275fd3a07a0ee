"""What somebody takes back later is not held for true any longer."""

import pytest

from npc_engine.memory.changes import Changes, bearing
from npc_engine.memory.entries import Entry, Folded, LineEdited, LineSaid
from npc_engine.memory.folding import chunk_of
from npc_engine.memory.lines import Ears
from npc_engine.memory.view import Recollection
from tests.memory.fact_talks import PROMISE, Talk

PROMISED = "I'll stay in the loft till the new moon."
TAKEN_BACK = "I said the new moon. I've thought again, I leave the loft after the feast."


@pytest.fixture
def talk():
    talk = Talk(PROMISE)
    talk.say(PROMISED)
    talk.say("Fine weather for it.", "mira", ("player",))
    return talk


def test_what_was_taken_back_is_replaced_by_the_words_that_do_so(talk):
    assert talk.values() == ["stay in the loft till the new moon"]
    talk.day = 44
    talk.say(TAKEN_BACK)
    assert talk.texts() == [f"The traveller: {TAKEN_BACK}"]
    (now,) = talk.book.current()
    assert (now.slot, now.day, now.evidence, now.mode) == ("promise", 44, (3,), "claim")
    assert [fact.value for fact in talk.book.superseded()] == ["stay in the loft till the new moon"]


def test_whoever_asks_for_the_old_finds_the_new(talk):
    talk.say(TAKEN_BACK)
    ((found, _),) = talk.book.search(["stay"], 5)
    assert found.text == f"The traveller: {TAKEN_BACK}"


def test_only_who_said_it_takes_it_back(talk):
    talk.say(TAKEN_BACK, "bett", ("player", "mira"))
    assert talk.values() == ["stay in the loft till the new moon"]


def test_too_few_words_in_common_take_nothing_back(talk):
    talk.say("I've thought again, I take the boots after the feast. The moon is full.")
    assert talk.values() == ["stay in the loft till the new moon"]


def test_what_a_game_or_a_person_states_is_not_taken_back():
    for origin in ("game", "authored"):
        talk = Talk()
        talk.state("four coppers for the ferry", slot="", origin=origin)
        talk.say("It is no longer four coppers for the ferry.")
        assert talk.values() == ["four coppers for the ferry"]


def test_without_the_words_that_took_it_back_it_counts_again(talk):
    talk.say(TAKEN_BACK)
    talk.add(LineEdited(target=3, text="I like the loft."))
    assert talk.values() == ["stay in the loft till the new moon"]
    talk.add(LineEdited(target=3, text=TAKEN_BACK))
    assert talk.texts() == [f"The traveller: {TAKEN_BACK}"]


def test_without_what_was_taken_back_there_is_nothing_in_its_place(talk):
    talk.say(TAKEN_BACK)
    talk.add(LineEdited(target=1, text="Good evening."))
    assert talk.texts() == []


def test_said_again_it_counts_again(talk):
    talk.say(TAKEN_BACK)
    talk.say(PROMISED)
    assert talk.values() == ["stay in the loft till the new moon"]


def test_it_can_be_taken_back_twice(talk):
    talk.say(TAKEN_BACK)
    talk.say("No longer after the feast, I leave the loft before the new moon.")
    assert talk.texts() == [
        "The traveller: No longer after the feast, I leave the loft before the new moon."
    ]


def test_what_a_fold_finds_in_a_line_that_was_taken_back_already_is_not_held_for_true(talk):
    talk.say("The council meets in the malthouse.", "mira", ("player",))
    talk.say("From today the council meets in the barn.", "mira", ("player",))
    talk.fold(("Mira: The council meets in the malthouse.", (3,)))
    assert talk.texts()[-1] == "Mira: From today (day 41) the council meets in the barn."


def test_a_line_that_was_taken_back_in_words_may_still_be_told(talk):
    talk.say(TAKEN_BACK)
    assert 1 not in talk.book.stale_entries


def test_a_summary_does_not_tell_what_was_taken_back():
    memory, ears, entries = Recollection("mira"), Ears("mira"), []

    def add(payload):
        number = len(entries) + 1
        entries.append(Entry(number, 1, number - 1 or None, 0.0, 41, 600, payload))
        ears.note(entries[-1])
        memory.note(entries[-1])

    def say(text):
        add(LineSaid(role="player", speaker="player", text=text, hearers=("mira",)))

    say("The council meets in the malthouse.")
    chunk = chunk_of(tuple(ears.lines.values()), {1}, "v1")
    text = "Day 41, morning: Mira: The council meets in the malthouse.\nMira: It rained."
    add(
        Folded(
            npc="mira", entry_ids=(1,), text=text, kind="digest",
            source_digest=chunk.source_digest, prompt_version="v1",
        )
    )  # fmt: skip
    assert memory.view(count=len).summary == text
    say("The council no longer meets in the malthouse.")
    assert memory.view(count=len).summary == "Mira: It rained."


def heard(number, text, speaker="player"):
    said = LineSaid(role="player", speaker=speaker, text=text, hearers=("mira",))
    return Ears("mira").note(Entry(number, 1, None, 0.0, 41, 600, said))


def test_the_newest_of_several_changes_counts():
    changes = Changes()
    changes.hear(heard(2, "From today the toll for carts is five."))
    changes.hear(heard(4, "From today the toll for carts is six."))
    changes.hear(heard(6, "It rained."))
    assert changes.newest(["toll", "cart"], after=1).line.entry_id == 4
    assert changes.newest(["toll", "cart"], after=4) is None
    assert changes.newest(["toll", "cart"], after=1, speaker="bett") is None


def test_a_change_may_stand_in_the_answer_to_what_names_the_topic():
    changes = Changes()
    changes.hear(heard(1, "Is the toll for carts still four?"))
    change = changes.hear(heard(2, "Five, from today."))
    assert {"toll", "cart"} <= change.terms


def test_how_much_two_things_have_in_common():
    assert bearing(["toll", "cart"], {"toll", "cart", "five"}) == 1
    assert bearing(["toll"], {"toll"}) == 0
    assert bearing(["a", "b", "c", "d", "e", "f"], {"a", "b"}) == 0
    assert bearing([], {"a"}) == 0


def test_of_a_long_line_is_kept_what_tells_of_the_change():
    changes = Changes()
    words = " ".join(["word"] * 30)
    change = changes.hear(heard(1, f"{words}. The toll is five from today. Pay it. {words}."))
    assert change.told == "The toll is five from today. Pay it."
