import pytest

from npc_engine.content.calendar import Calendar
from npc_engine.memory.capture import MAX_VALUES
from npc_engine.memory.current_facts import MAX_PINNED
from npc_engine.memory.entries import (
    FoldChanged,
    LineEdited,
)
from npc_engine.memory.fact_book import FactBook
from npc_engine.memory.facts import MAX_FACT_CHARS, MAX_FACT_WORDS
from npc_engine.memory.term_index import index_terms
from tests.memory.fact_talks import NAME, PRICE, PROMISE, Talk, rule

# -- which value counts ---------------------------------------------------------------------------


def test_what_the_game_states_stands_above_what_anybody_says():
    talk = Talk()
    talk.say("my name is Tolan")
    talk.state("Una", slot="player_name", subject="player")
    talk.say("call me Ash")
    assert talk.values() == ["Una"]
    claims = talk.book.superseded()
    assert [(fact.value, fact.mode, fact.origin) for fact in claims] == [
        ("Tolan", "claim", "capture"),
        ("Ash", "claim", "capture"),
    ]
    assert talk.book.current()[0].mode == "true"


def test_a_person_outranks_talk_and_the_game_outranks_a_person():
    talk = Talk()
    talk.state("game", origin="game")
    talk.state("person", origin="authored")
    assert talk.values() == ["game"]


def test_duplicate_events_are_one_fact():
    talk = Talk()
    for _ in range(5):
        talk.state("four")
    assert talk.values() == ["four"]
    assert talk.book.superseded() == ()
    assert talk.book.current()[0].entry_id == 5


def test_of_contradictory_events_of_one_minute_the_later_counts():
    talk = Talk()
    talk.state("four")
    talk.state("nine")
    assert talk.values() == ["nine"]
    assert [fact.value for fact in talk.book.superseded()] == ["four"]
    talk.state("four")
    assert talk.values() == ["four"]
    assert [fact.value for fact in talk.book.superseded()] == ["nine"]


def test_when_the_clock_goes_backwards_the_value_of_the_later_game_time_stays():
    talk = Talk()
    talk.state("of day 41")
    talk.day = 3
    talk.state("of day 3")
    assert talk.values() == ["of day 41"]
    assert [fact.value for fact in talk.book.superseded()] == ["of day 3"]
    talk.day = 42
    talk.state("of day 42")
    assert talk.values() == ["of day 42"]


def test_an_npc_that_did_not_hear_the_update_keeps_the_old_value():
    mira, bett = Talk(), Talk(npc="bett")
    for talk in (mira, bett):
        talk.say("my name is Tolan", hearers=("mira", "bett"))
        talk.say("call me Ash", hearers=("bett",))
        talk.state("four", known_by=("mira",))
        talk.state("nine", known_by=("mira", "bett"))
        talk.state("ten", known_by=())
    assert mira.values() == ["Tolan", "nine"]
    assert bett.values() == ["Ash", "nine"]


def test_a_line_that_was_out_of_earshot_teaches_nothing_even_if_it_is_handed_in():
    bett = Talk(npc="bett")
    number = bett.say("my name is Tolan", hearers=("bett",))
    mira = FactBook("mira", (NAME,), {})
    mira.hear(bett.ears.lines[number])
    assert mira.current() == ()
    assert bett.values() == ["Tolan"]


def test_a_statement_without_a_slot_is_replaced_by_nothing():
    talk = Talk()
    talk.state("one", slot="", text="Wolves at the mill.")
    talk.state("two", slot="", text="Snow on the pass.")
    talk.state("", slot="", text="Fog on the river.")
    assert talk.texts() == ["Wolves at the mill.", "Snow on the pass.", "Fog on the river."]


def test_a_statement_that_says_nothing_is_no_fact():
    talk = Talk()
    talk.state(" ", text=" \n ")
    assert talk.book.current() == ()


def test_about_whom_a_fact_is_decides_what_it_replaces():
    talk = Talk(PRICE)
    talk.say("You owe me 5 silver.", to="mira")
    talk.say("You owe me 6 silver.", hearers=("bett", "mira"), to="bett")
    assert [(fact.subject, fact.value) for fact in talk.book.current()] == [
        ("mira", "5 silver"),
        ("bett", "6 silver"),
    ]


def test_an_overheard_promise_names_whom_it_was_given():
    talk = Talk()
    talk.say("I'll mend the rope.", "bett", hearers=("player", "mira"), to="player")
    talk.say("I'll carry it.", hearers=("bett", "mira"), to="bett")
    assert talk.texts() == ["Bett says: mend the rope.", "The traveller says: carry it."]
    worded = PROMISE.model_copy(update={"say": "{speaker} promised {hearer}: {value}."})
    other = Talk(worded)
    other.say("I'll mend the rope.", "bett", hearers=("player", "mira"), to="player")
    assert other.texts() == ["Bett promised the traveller: mend the rope."]


# -- changes by people ----------------------------------------------------------------------------


def test_forgetting_does_not_bring_the_older_value_back():
    talk = Talk()
    talk.say("my name is Tolan")
    talk.say("call me Ash")
    talk.change("2.0", "forget")
    assert talk.values() == []
    assert talk.book.superseded() == ()
    talk.say("my name is Tolan")
    assert talk.values() == ["Tolan"]


def test_a_typo_mended_in_its_line_does_not_bring_a_forgotten_fact_back():
    talk = Talk()
    talk.say("Helo, my name is Tolan")
    talk.change("1.0", "forget")
    talk.add(LineEdited(target=1, text="Hello, my name is Tolan"))
    assert talk.values() == []
    talk.add(LineEdited(target=1, text="Hello, my name is Bren"))
    assert talk.values() == ["Bren"]


def test_what_one_npc_forgets_another_keeps():
    bett = Talk(npc="bett")
    bett.say("my name is Tolan", hearers=("mira", "bett"))
    bett.change("1.0", "forget")
    assert bett.values() == ["Tolan"]


def test_a_correction_counts_until_the_game_says_otherwise():
    talk = Talk()
    talk.state("four")
    number = talk.change("1.0", "edit", "The toll of the ferry is five.")
    (fact,) = talk.book.current()
    assert (fact.id, fact.value, fact.text) == (
        f"{number}.0",
        "five",
        "The toll of the ferry is five.",
    )
    assert (fact.subject, fact.slot, fact.origin) == ("ferry", "toll", "authored")
    talk.state("six")
    assert talk.values() == ["six"]


def test_a_correction_to_nothing_forgets():
    talk = Talk()
    talk.state("four")
    talk.change("1.0", "edit", "  ")
    assert talk.values() == []


def test_a_pin_stays_with_the_value_however_often_it_is_said():
    talk = Talk()
    talk.say("my name is Tolan")
    talk.change("1.0", "pin")
    talk.say("call me Tolan")
    assert [fact.pinned for fact in talk.book.current()] == [True]
    talk.say("call me Ash")
    assert [fact.pinned for fact in talk.book.current()] == [False]
    talk.say("my name is Tolan")
    assert [fact.pinned for fact in talk.book.current()] == [True]
    talk.change("5.0", "unpin")
    assert [fact.pinned for fact in talk.book.current()] == [False]


def test_a_change_of_a_fact_that_is_not_there_changes_nothing():
    talk = Talk()
    talk.say("my name is Tolan")
    before = talk.book.current()
    for fact in ("9.9", "", "1", "1.1"):
        talk.change(fact, "forget")
        talk.change(fact, "pin")
    assert talk.book.current() == before


# -- what a model proposes ------------------------------------------------------------------------


def test_a_proposal_is_a_claim_with_the_time_of_its_lines():
    talk = Talk()
    line = talk.say("The wool is wet.")
    talk.day = 50
    talk.fold(("The wool of the village got wet.", (line,)))
    (fact,) = talk.book.current()
    assert (fact.origin, fact.mode, fact.day, fact.evidence) == ("model", "claim", 41, (line,))


def test_a_proposal_without_a_line_that_was_heard_is_dropped():
    talk = Talk()
    heard = talk.say("The wool is wet.")
    unheard = talk.say("The ferry leaks.", hearers=("bett",))
    gone = talk.say("The mill is haunted.")
    talk.add(LineEdited(target=gone, text=""))
    talk.fold(
        ("Nobody said this.", ()),
        ("The ferry leaks badly.", (unheard,)),
        ("The wool and the ferry.", (heard, unheard)),
        ("A haunted mill.", (gone,)),
        ("Nothing of this path.", (99,)),
    )
    assert talk.book.current() == ()


def test_nearly_the_same_words_are_one_fact_with_all_its_lines():
    talk = Talk(rule(slot="fear", pattern=r"(?P<value>fear.+)", say="{speaker} {value}."))
    first = talk.say("I fear the deep water under the mill.")
    second = talk.say("As said: that water frightens me.")
    talk.fold(("The traveller fears the deep water under the mill.", (second,)))
    (fact,) = talk.book.current()
    assert (fact.origin, fact.slot) == ("capture", "fear")
    assert fact.evidence == (first, second)
    talk.say("Now I fear only the fire in the forge.")
    assert talk.values() == ["fear only the fire in the forge."]
    assert {fact.origin for fact in talk.book.superseded()} == {"capture", "model"}


def test_what_was_drawn_from_a_line_goes_when_the_line_is_edited_or_the_fold_undone():
    talk = Talk()
    one, two = talk.say("The wool is wet."), talk.say("The ferry leaks.")
    fold = talk.fold(("Wet wool.", (one,)), ("A leaking ferry.", (two,)))
    talk.add(LineEdited(target=one, text="The wool is dry."))
    assert talk.texts() == ["A leaking ferry."]
    talk.add(FoldChanged(target=fold, change="edit", text="x"))
    assert talk.texts() == ["A leaking ferry."]
    talk.add(FoldChanged(target=fold, change="undo"))
    assert talk.texts() == []


def test_undoing_what_is_no_fold_takes_nothing_away():
    talk = Talk()
    line = talk.say("my name is Tolan")
    talk.add(FoldChanged(target=line, change="undo"))
    assert talk.values() == ["Tolan"]


# -- days -----------------------------------------------------------------------------------------


def test_days_are_game_days_from_the_day_they_were_said():
    talk = Talk(calendar=Calendar(weekdays=("Ironday", "Restday")))
    talk.say("I'll pay tomorrow.")
    talk.day = 42
    talk.say("I'll pay tomorrow.")
    talk.say("I'll come on Restday.")
    talk.say("I'll come next month.")
    talk.state("closed", text="The ferry rests today.")
    assert talk.texts() == [
        "The traveller says: pay tomorrow (day 42).",
        "The traveller says: pay tomorrow (day 43).",
        "The traveller says: come on Restday (day 43).",
        "The traveller says: come next month (said on day 42).",
        "The ferry rests today (day 42).",
    ]
    assert [fact.when_day for fact in talk.book.current()] == [42, 43, 43, None, 42]


# -- importance and search ------------------------------------------------------------------------


def test_the_most_important_facts_come_first_and_the_newest_first_in_each_kind():
    talk = Talk(NAME, PROMISE, rule(slot="home", pattern="from (?P<value>[A-Z][a-z]+)"))
    talk.say("I come from Harrow.")
    talk.say("I'll bring iron.")
    talk.say("I'll bring coal.")
    talk.state("open", slot="quest", subject="wool", text="The wool must cross.")
    talk.state("four")
    talk.say("my name is Tolan")
    talk.state("bell", slot="", text="The bell has a crack.", pinned=True)
    talk.change("1.0", "pin")
    assert [fact.value for fact in talk.book.pinned()] == [
        "bell",
        "Harrow",
        "Tolan",
        "bring coal",
        "bring iron",
        "open",
    ]
    talk.say("I come from Greyford.")
    assert [fact.value for fact in talk.book.pinned()][-1] == "Greyford"
    for number in range(MAX_PINNED):
        talk.say(f"I'll bring sack {number}.")
    assert len(talk.book.pinned()) == MAX_PINNED


def test_a_fact_is_found_by_its_words_its_slot_and_its_keys():
    talk = Talk(PRICE)
    talk.say("It is 12 silver.")
    talk.state("four", keys=("fare",))
    for words, found in (
        ("What does it cost?", "12 silver"),
        ("the price", "12 silver"),
        ("12", "12 silver"),
        ("Is there a fare?", "four"),
        ("ferries", "four"),
    ):
        assert [fact.value for fact, _ in talk.book.search(index_terms(words), 5)] == [found]
    assert talk.book.search(index_terms("dragons"), 5) == []
    talk.say("No, 13 silver.")
    assert [fact.value for fact, _ in talk.book.search(["12", "13"], 5)] == ["13 silver"]
    assert talk.book.frequencies(["12", "13"]) == {"12": 0, "13": 1}


def test_a_line_is_stale_once_none_of_its_values_counts():
    talk = Talk()
    only = talk.say("my name is Tolan")
    both = talk.say("my name is Bren, and I'll bring coal")
    plain = talk.say("Nothing of note.")
    assert only in talk.book.stale_entries
    assert both not in talk.book.stale_entries
    talk.say("call me Ash")
    assert both not in talk.book.stale_entries
    talk.say("my name is Tolan")
    assert only not in talk.book.stale_entries
    assert plain not in talk.book.stale_entries
    assert "5" not in talk.book.stale_entries


def test_a_line_is_stale_when_what_it_says_was_corrected():
    talk = Talk()
    line = talk.say("my name is Tolan")
    talk.change("1.0", "edit", "The traveller says: Ash.")
    assert talk.values() == ["Ash"]
    assert talk.book.current()[0].evidence == (line,)
    assert line in talk.book.stale_entries


# -- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", " \n\t ", "\x00", "?!", "…" * 500])
def test_an_empty_utterance_teaches_nothing(text):
    talk = Talk()
    talk.say(text)
    assert talk.book.current() == ()


def test_an_enormous_utterance_is_read_at_its_beginning_only():
    talk = Talk()
    talk.say("I'll go. " * 200_000 + "my name is Tolan")
    talk.say("my name is Tolan " * 100_000)
    assert talk.values() == ["go", "Tolan"]


def test_one_line_gives_a_bounded_number_of_facts():
    talk = Talk(rule(slot="letter", pattern=r"(?P<value>\w)", cardinality="many"))
    talk.say("a b c d e f g h i j k l m n o p")
    assert talk.values() == list("abcdefgh")
    assert MAX_VALUES == 8


def test_an_enormous_statement_is_cut():
    talk = Talk()
    talk.state("v " * 10_000, text="word " * 100_000, keys=("k" * 5000,) * 500)
    talk.state("w" * 10_000, text="x" * 1_000_000, slot="other")
    for fact in talk.book.current():
        assert len(fact.text) <= MAX_FACT_CHARS
        assert len(fact.text.split()) <= MAX_FACT_WORDS
        assert len(fact.value) <= 120
        assert len("".join(fact.keys)) <= 20 * 120


def test_a_book_does_not_look_at_all_facts_again_when_little_changes():
    talk = Talk()
    for number in range(300):
        talk.state(f"value {number}", slot=f"slot {number}")
    before = talk.book.current()
    assert talk.book.current() is before
    talk.book.search(["valu"], 5)
    looked_at = []
    index = talk.book._shelf.current._index
    add = index.add
    index.add = lambda key, *texts: (looked_at.append(key), add(key, *texts))
    talk.state("another", slot="slot 7")
    talk.book.search(["valu"], 5)
    assert len(looked_at) == 1
    assert len(talk.book.current()) == 300


@pytest.mark.slow
def test_a_hundred_thousand_facts_are_kept_found_and_replaced():
    talk = Talk()
    for number in range(100_000):
        text = f"The store holds thing {number}."
        talk.state(f"thing {number}", slot=f"shelf{number % 50_000}", text=text)
    assert len(talk.book.current()) == 50_000
    assert len(talk.book.superseded()) == 50_000
    assert [fact.value for fact, _ in talk.book.search(["77777"], 5)] == ["thing 77777"]
    assert talk.book.search(["27777"], 5) == []
    talk.state("thing new", slot="shelf27777")
    assert talk.book.search(["77777"], 5) == []
    talk.change("100001.0", "forget")
    assert len(talk.book.current()) == 49_999
    assert talk.book.pinned() == ()
