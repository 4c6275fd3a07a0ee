"""What the player told comes up right above the line when the player asks for it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npc_engine.dialogue.matching import read_line
from npc_engine.dialogue.sayings import sayings_of
from npc_engine.dialogue.told import MAX_TOLD, told_on
from npc_engine.memory.lines import HeardLine
from npc_engine.memory.recall_text import without_said
from npc_engine.model.scripted import ScriptedSession
from npc_engine.prompt.profile import PromptProfile
from tests.stage_engine import open_engine

HERE = Path(__file__).parent
BEARING = PromptProfile(bearing=True)
ANN = ("Ann Reed", "Ann")


def rows(name):
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [
        tuple(part.strip() for part in line.split("|"))
        for line in lines
        if line and not line.startswith("#")
    ]


def heard(number, text, *, by_player):
    who = "player" if by_player else "ann"
    return HeardLine(
        number, "player" if by_player else "npc", who, text, not by_player, False, False,
        ("ann",), "ann" if by_player else "player", 1, 600, None, "",
    )  # fmt: skip


def talk(*turns):
    lines = []
    for player, reply in turns:
        lines.append(heard(len(lines) + 1, player, by_player=True))
        lines.append(heard(len(lines) + 1, reply, by_player=False))
    return lines


def found_in(lines, question):
    sayings = sayings_of(lines, {line.entry_id for line in lines})
    return told_on(read_line(question, ANN), sayings, ANN, lambda saying: None)


def long_talk(number, told):
    filler = rows("told_filler.txt")
    distance = 5 + number % 16
    return talk(*filler[-number % 5 :][:3], (told, "So you say."), *filler[:distance])


def test_most_questions_in_other_words_bring_up_what_was_told():
    talks = rows("told_talks.txt")
    missed = []
    for number, (told, question, words) in enumerate(talks):
        found = found_in(long_talk(number, told), question)
        if not any(words in each.saying.text for each in found):
            missed.append((question, [each.saying.text for each in found]))
    assert len(talks) >= 30
    assert len(missed) <= 0.15 * len(talks), missed


def test_lines_that_ask_nothing_of_what_was_told_bring_up_next_to_nothing():
    told = [(each[0], "Hm.") for each in rows("told_talks.txt")]
    lines = talk(*told[:14], *rows("told_filler.txt")[:6])
    small_talk = [line for (line,) in (*rows("told_small_talk.txt"), *rows("small_talk.txt"))]
    found = {line: found_in(lines, line) for line in small_talk}
    assert len(small_talk) >= 40
    assert sum(map(bool, found.values())) <= 2, {k: v for k, v in found.items() if v}


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_any_line_finds_few_sayings_word_for_word_and_the_same_again(told, line):
    lines = talk((f"I keep a grey mule. {told}", "Aye."), ("My mule is called Ned.", "Hm."))
    found = found_in(lines, line)
    said = [" ".join(each.text.split()) for each in lines]
    assert len(found) <= MAX_TOLD
    assert found == found_in(lines, line)
    for each in found:
        assert each.saying.line.role == "player"
        assert each.saying.text in " ".join(said) or "|" in each.saying.text


def texts(lines, question):
    return [each.saying.text for each in found_in(lines, question)]


def test_of_two_that_say_the_same_of_a_thing_the_newest_counts():
    lines = talk(("My mule is called Ned.", "Hm."), ("My mule is called Barnacle.", "Oh?"))
    assert texts(lines, "What is my mule called?") == ["My mule is called Barnacle."]


def test_sentences_that_point_back_come_with_the_one_before_and_questions_do_not():
    lines = talk(("Good day. I have a dog. He is called Pip. What do you sell?", "Flour."))
    assert texts(lines, "What is my dog called?") == ["I have a dog. He is called Pip."]


def test_a_short_answer_comes_with_the_question_it_answers():
    lines = talk(("Hello.", "What is your mule called?"), ("Barnacle.", "Hm."))
    (found,) = found_in(lines, "What is my mule called?")
    assert (found.saying.question, found.saying.text) == ("What is your mule called?", "Barnacle.")


@pytest.mark.parametrize(
    "line",
    [
        "What is your dog called?",
        "Do you like my dog?",
        "My dog is called Pip.",
        "When I was nine my dog ran away.",
        "Should I leave my dog outside?",
        "",
    ],
)
def test_only_questions_about_the_player_ask_for_what_was_told(line):
    assert texts(talk(("My dog is called Rex.", "Hm.")), line) == []


# -- in a prompt ------------------------------------------------------------------------------


def bearing_of(plan):
    return next((each.text for each in plan.sections if each.name == "bearing"), "")


@pytest.fixture
def engine(tmp_path):
    session = ScriptedSession(["Is that so."])
    with open_engine(tmp_path, session, profile=BEARING, prewarm=False) as engine:
        engine.wait_ready(10)
        yield engine


def test_what_was_told_stands_right_above_the_line_and_all_tokens_add_up(engine):
    ann = engine.npc("ann")
    ann.ask("My mule is called Barnacle.")
    ann.ask("It is cold.")
    plan = ann.plan("What is my mule called?")
    assert plan.messages[-1].text.splitlines()[-2:] == [
        'The stranger said: "My mule is called Barnacle."',
        "What is my mule called?",
    ]
    assert sum(each.tokens for each in plan.sections) == plan.total_tokens
    assert 0 < plan.tokens_of("bearing") <= 60
    assert ann.plan("What is my mule called?") == plan
    stable = ann.talk.stable_ids(engine.session.tokenizer)
    assert plan.prompt_ids[: len(stable)] == stable
    offer = plan.memories[0].offer
    assert offer.kind == "bearing" and len(offer.evidence) == 1


def test_nobody_is_told_what_only_another_heard(engine):
    engine.world.arrive("ann", "mill")
    engine.world.arrive("bo", "mill")
    engine.npc("ann").ask("My mule is called Barnacle.", whisper=True)
    engine.npc("ann").ask("My goat is called Nettle.")
    asked = "What are my mule and my goat called?"
    assert "Barnacle" in bearing_of(engine.npc("ann").plan(asked))
    text = engine.npc("bo").plan(asked).text
    assert "Barnacle" not in text
    assert 'The stranger said to Ann: "My goat is called Nettle."' in text


@pytest.mark.parametrize(
    ("old", "new", "asked"),
    [
        ("I left my trunk with the cooper.", "Actually, my trunk is with the cooper no longer.",
         "With whom did I leave my trunk?"),
        ("I sleep at the Red Boar inn.", "I have moved out of the Red Boar after all.",
         "At which inn do I sleep?"),
        ("My sister lives in Harle.", "My sister lives in Stoke now.",
         "In which town does my sister live?"),
        ("I ride to Quennel tomorrow.", "I changed my mind, I do not ride to Quennel.",
         "Where do I ride?"),
    ],
)  # fmt: skip
def test_what_was_taken_back_never_comes_up_alone(engine, old, new, asked):
    ann = engine.npc("ann")
    ann.ask(old)
    ann.ask("It is cold.")
    assert old in bearing_of(ann.plan(asked))
    ann.ask(new)
    ann.ask("The rain has stopped.")
    assert new in bearing_of(ann.plan(asked))


def test_what_recall_holds_is_moved_and_never_said_twice(engine):
    ann = engine.npc("ann")
    ann.ask("My mule is called Barnacle.")
    filler = rows("told_filler.txt")
    while any("Barnacle" in m.text for turn in ann.memory().turns for m in turn.messages):
        for player, _ in filler:
            ann.ask(player)
        ann.plan("")
    day = ann.world.state.day
    engine.world.set("clock.day", day + 3)
    ann.ask("Good evening.")
    plan = ann.plan("What is my mule called?")
    above = plan.messages[-1].text
    assert bearing_of(plan) == (f'On day {day}, the stranger said: "My mule is called Barnacle."')
    assert above.count("Barnacle") == 1
    assert not [cut for cut in plan.cut if cut.section in ("recall", "bearing")]
    plain = ann.plan("Barnacle was a mule.")
    assert "The stranger: My mule is called Barnacle." in plain.messages[-1].text
    assert sum(each.tokens for each in plan.sections) == plan.total_tokens


def test_a_saying_is_taken_out_of_a_memory_only_where_its_speaker_said_it_whole():
    memory = "Day 2, noon. Bo: I have a mule. / The stranger: Hm. I have a mule. / Ann: Oh?"
    left = "Day 2, noon. Bo: I have a mule. / The stranger: Hm. / Ann: Oh?"
    assert without_said(memory, "the stranger", "I have a mule.") == left
    assert without_said(memory, "Ann", "Oh?").endswith("The stranger: Hm. I have a mule.")
    assert without_said(memory, "Ann", "I have a mule.") is None
    assert without_said("Day 2, noon. Ann: Oh?", "Ann", "Oh?") == ""


def test_an_event_of_the_player_is_moved_down_where_no_words_of_theirs_answer(engine):
    ann = engine.npc("ann")
    engine.world.event("The stranger dropped a crate of lemons into the ford.")
    for number in range(8):
        engine.world.event(f"Cart number {number} crossed.")
    ann.ask("It is cold.")
    plan = ann.plan("What did I drop into the ford?")
    assert bearing_of(plan).startswith("Ann remembers: Day ")
    assert plan.messages[-1].text.count("lemons") == 1
