"""What a person tells an NPC to remember, forget, reword or keep in the prompt."""

import pytest

from npc_engine.dialogue.remembering import MAX_LISTED
from npc_engine.errors import CommandError
from npc_engine.memory.entries import FactStated
from npc_engine.model.scripted import ScriptedSession
from tests.stage_engine import open_engine

MILL = "The mill burned down in May."


@pytest.fixture
def ann(tmp_path):
    with open_engine(tmp_path, ScriptedSession(["So."] * 9)) as engine:
        yield engine.new_chat("ann")


def known(npc):
    return [fact.text for fact in npc.talk.learned()]


def number_of(npc, text):
    listed = npc.command("/facts").text.splitlines()
    return next(row.split()[0] for row in listed if text in row)


def test_what_is_to_be_remembered_is_known_until_it_is_undone(ann):
    ann.ask("Good morning.")
    assert ann.command(f"/remember {MILL}").text == f"will remember: {MILL}"
    assert known(ann) == [MILL]
    assert ann.plan("When did the mill burn?").text.count(MILL) == 1
    ann.undo()
    assert known(ann) == []


def test_it_is_told_to_one_character_only(tmp_path):
    with open_engine(tmp_path) as engine:
        engine.npc("ann").command(f"/remember {MILL}")
        assert known(engine.npc("ann")) == [MILL]
        assert known(engine.npc("bo")) == []


def test_a_forgotten_name_is_gone_with_those_before_it_until_it_is_said_again(ann):
    ann.ask("I am called Tolan.")
    ann.ask("I am called Ash.")
    assert known(ann) == ["The stranger gave the name Ash."]
    ann.command(f"/forget {number_of(ann, 'Ash')}")
    assert known(ann) == []
    ann.ask("I am called Tolan.")
    assert known(ann) == ["The stranger gave the name Tolan."]


def test_a_reworded_fact_counts_and_the_line_stays_as_it_was_said(ann):
    ann.ask("I am called Tolan.")
    number = number_of(ann, "Tolan")
    answer = ann.command(f"/facts {number} The stranger gave the name Bren.").text
    assert answer == f"fact {number} now reads: The stranger gave the name Bren."
    (fact,) = ann.talk.learned()
    assert (fact.text, fact.value) == ("The stranger gave the name Bren.", "Bren")
    assert (fact.origin, fact.slot) == ("authored", "player_name")
    assert fact.evidence == (int(number),)
    assert ann.history()[0].text == "I am called Tolan."


def test_a_pinned_fact_stands_in_every_prompt_until_it_is_unpinned(ann):
    ann.command(f"/remember {MILL}")
    ann.ask("Good morning.")
    assert MILL not in ann.plan("Any bread?").text
    number = number_of(ann, MILL)
    ann.command(f"/pin {number}")
    assert MILL in ann.plan("Any bread?").text
    assert f"{MILL} (day 1, pinned)" in ann.command("/facts").text
    ann.command(f"/unpin {number}")
    assert MILL not in ann.plan("Any bread?").text


def test_facts_are_listed_by_number_the_newest_and_by_word(ann):
    assert ann.command("/facts").text == "nothing was learned yet"
    for number in range(MAX_LISTED + 2):
        ann.command(f"/remember Cart {number} came by.")
    rows = ann.command("/facts").text.splitlines()
    assert len(rows) == MAX_LISTED + 1
    assert rows[0].endswith("Cart 2 came by. (day 1)")
    assert rows[-1] == "2 older ones; /facts WORD shows those with a word"
    assert ann.command("/facts CART 41").text.endswith("Cart 41 came by. (day 1)")
    assert ann.command("/facts dragon").text == "nothing was learned yet"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("/remember", "the line is empty; write what to say"),
        (
            "/remember " + "so " * 26,
            "found a text of 26 words and 77 characters; a fact has at most 25 words and 300 "
            "characters; say it in two",
        ),
        ("/forget 99", 'there is no fact "99"; /facts lists them'),
        ("/forget", 'there is no fact ""; /facts lists them'),
        ("/pin x", 'there is no fact "x"; /facts lists them'),
        ("/facts 99 So it is.", 'there is no fact "99"; /facts lists them'),
    ],
)
def test_what_makes_no_sense_is_told_and_changes_nothing(ann, line, text):
    before = ann.talk.path()
    with pytest.raises(CommandError) as caught:
        ann.command(line)
    assert str(caught.value) == text
    assert ann.talk.path() == before


def test_what_the_game_states_outranks_what_was_to_be_remembered(ann):
    ann.talk._store.append(
        ann.chat_id,
        FactStated(subject="player", slot="player_name", value="Una", text="It is Una."),
        day=1,
        minute=0,
    )
    ann.ask("I am called Tolan.")
    assert known(ann) == ["It is Una."]
