import pytest
from hypothesis import given
from hypothesis import strategies as st

from npc_engine.dialogue.addressing import addressed, role_of
from npc_engine.dialogue.next_speaker import Member, Situation, keyed_roll, next_speakers

NAMES = {
    "mira": ("Mira", "Mira Voss", "blacksmith"),
    "bett": ("Bett", "Bett Arrow", "ferrywoman"),
    "wick": ("Wick", "Old Wick", "lamplighter"),
}
MEMBERS = (
    Member("mira", ("Mira", "Mira Voss"), "blacksmith"),
    Member("bett", ("Bett",), "ferrywoman"),
    Member("wick", ("Wick",), "lamplighter"),
)


def said(text, members=MEMBERS, **fields):
    values = {"speaker": "player", "seed": 1, "place_in_talk": 3, **fields}
    return next_speakers(Situation(text, **values), members)


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("Mira, any work?", ["mira"]),
        ("What do you say, Mira?", ["mira"]),
        ("what do you say mira?", []),
        ("And you, Bett?", ["bett"]),
        ("And you Bett?", ["bett"]),
        ("Good evening, Mira Voss.", ["mira"]),
        ("Hello Wick!", ["wick"]),
        ("Well, old Wick, how are the lamps?", ["wick"]),
        ("Mira! Bett! Come here.", ["mira", "bett"]),
        ("Bett and Mira, listen to me.", ["bett", "mira"]),
        ("Wick, Bett, what do you two think?", ["wick", "bett"]),
        ("mira what do you think", ["mira"]),
        ("Bett can you take me over?", ["bett"]),
        ("Blacksmith, a word.", ["mira"]),
        ("Tell me, ferrywoman, is the river high?", ["bett"]),
        ("I need a blade. Mira?", ["mira"]),
        ("How about you, Wick, any news?", ["wick"]),
        ("I spoke with Bett, Mira.", ["mira"]),
    ],
)
def test_who_is_called_by_name_is_addressed(text, called):
    assert list(addressed(text, NAMES).ids) == called


@pytest.mark.parametrize(
    "text",
    [
        "I saw Mira yesterday.",
        "Mira is late again.",
        "Mira's forge is cold.",
        "My friend Mira, who burned her hand, is well.",
        "Yesterday, Mira left.",
        "I like Mira, Bett, and Wick.",
        "Mira and Bett are late.",
        "Where can I find Mira?",
        "My name is Wick.",
        "The blacksmith owes me money.",
        "Who told you about Bett?",
        "I am looking for the ferrywoman.",
    ],
)
def test_who_is_only_spoken_of_is_not_addressed(text):
    assert addressed(text, NAMES).ids == ()


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("All of you, listen.", "everybody"),
        ("Good evening, everyone.", "everybody"),
        ("Everyone, be quiet!", "everybody"),
        ("What do you two think?", "everybody"),
        ("Everyone knows that.", "nobody"),
        ("Does anyone here know the way?", "anybody"),
        ("Which of you is the smith?", "anybody"),
    ],
)
def test_groups_are_told_from_single_people(text, called):
    assert addressed(text, NAMES).called == called


@pytest.mark.parametrize(
    ("summary", "role"),
    [
        ("Blunt blacksmith of Oakhollow whose forge was burned.", "blacksmith"),
        ("Reeve of Oakhollow for nineteen years, who keeps the book.", "reeve"),
        ("Coach driver, sixty-two, stranded with the choir.", "driver"),
        ("", ""),
    ],
)
def test_a_role_is_the_word_for_what_somebody_is(summary, role):
    assert role_of(summary) == role


def test_a_role_that_two_have_calls_neither():
    assert addressed("Smith, a word.", {"a": ("Ann", "smith"), "b": ("Bo", "smith")}).ids == ()


def test_several_that_are_addressed_speak_in_the_order_of_mention():
    decision = said("Wick, Mira, what say you?")
    assert (decision.speakers, decision.why) == (("wick", "mira"), "addressed")


def test_all_of_them_speak_once_each_where_all_are_called():
    decision = said("What do all of you want?")
    assert sorted(decision.speakers) == ["bett", "mira", "wick"]
    assert decision.why == "everybody"


def test_a_question_goes_to_whoever_was_spoken_with_last():
    decision = said("And how much is that?", last_with="bett")
    assert (decision.speakers, decision.why) == (("bett",), "asked")


def test_a_question_to_anybody_is_answered_though_one_was_spoken_with():
    members = (MEMBERS[0], Member("bett", ("Bett",), talkativeness=0.0))
    decision = said("Does anyone know the way?", members, last_with="bett")
    assert (decision.speakers, decision.why) == (("mira",), "asked")


def test_who_is_acted_upon_comes_before_a_talk_that_goes_on():
    decision = said("Here, take it.", last_with="bett", acted_upon=("wick",))
    assert (decision.speakers, decision.why) == (("wick",), "acted upon")
    assert said("Cold tonight.", last_with="bett").why == "goes on"


def test_nobody_speaks_who_may_not():
    mute = (Member("mira", ("Mira",), may_speak=False), *MEMBERS[1:])
    decision = said("Mira, any work?", mute)
    assert (decision.speakers, decision.why) == ((), "silence")
    assert "mira" in decision.detail
    assert said("Mira, Bett, hello.", mute).speakers == ("bett",)
    assert said("Psst.", mute, whisper_to="mira").speakers == ()


def test_whoever_is_alone_with_the_player_answers():
    assert said("Cold tonight.", MEMBERS[:1]).why == "alone"


def test_the_quiet_never_speak_unasked_and_the_loud_always_do():
    quiet = [Member(who, (who,), talkativeness=0.0) for who in ("a", "b")]
    loud = Member("c", ("c",), talkativeness=1.0)
    for place in range(50):
        assert said("Cold tonight.", quiet, place_in_talk=place).why == "silence"
        assert said("Cold tonight.", [*quiet, loud], place_in_talk=place).speakers == ("c",)


def test_after_an_npc_the_one_it_spoke_to_answers_and_others_may_join_in():
    spoken = {"speaker": "mira", "by_npc": True}
    assert said("Is that so?", **spoken, said_to="bett").why == "spoken to"
    assert said("Ask him. Wick, tell them.", **spoken, said_to="player").speakers == ("wick",)
    decisions = [
        said("Hm.", **spoken, said_to="player", has_spoken=frozenset(("mira", "bett")), seed=seed)
        for seed in range(200)
    ]
    joined = [decision.speakers for decision in decisions if decision.speakers]
    assert set(joined) == {("wick",)}
    assert 20 < len(joined) < 80  # a quarter: half as ready as with the player


@given(st.text(max_size=80), st.integers(0, 5), st.integers(0, 50))
def test_any_words_give_the_same_decision_twice_and_only_of_members(text, seed, place):
    decision = said(text, seed=seed, place_in_talk=place)
    assert decision == said(text, seed=seed, place_in_talk=place)
    assert set(decision.speakers) <= {"mira", "bett", "wick"}
    assert len(set(decision.speakers)) == len(decision.speakers)
    assert (not decision.speakers) == (decision.why == "silence")


@given(st.integers(), st.integers(0, 10_000), st.text(max_size=20))
def test_a_roll_lies_between_0_and_1(seed, place, who):
    assert 0 <= keyed_roll(seed, place, who) < 1
