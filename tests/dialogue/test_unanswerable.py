"""Questions that nothing in the prompt answers: what would have to be made up is not said."""

import pytest

from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.invented import KnownNames
from npc_engine.dialogue.limits import Limits, limits_of
from npc_engine.dialogue.quoted_rules import ASIDE_WORDS, next_words
from npc_engine.dialogue.repeats import is_told_to_the_speaker, worn
from npc_engine.dialogue.unanswerable import is_told_of, wanted_by
from npc_engine.dialogue.verdict import breaks_in
from npc_engine.model.plain_tokenizer import PlainTokenizer
from npc_engine.prompt.compiler import compile_plan
from tests.stage import request, sheet, world

WANTED = [
    ("What was your teacher called?", {"name"}),
    ("What is the name of your ship?", {"name"}),
    ("Who taught you to read?", {"name"}),
    ("Who are you?", set()),
    ("Who do you think you are?", set()),
    ("How many steps lead up to the tower?", {"number"}),
    ("What did the ring cost?", {"number"}),
    ("How old is the bridge?", {"number"}),
    ("And who paid for it, and how much?", {"name", "number"}),
    ("How are you?", set()),
    ("I know who did it.", set()),
    ("Nobody knows how many came.", set()),
    ("What do you sell?", set()),
    ("What will the weather be?", set()),
    ("What time is it?", set()),
]


@pytest.mark.parametrize(("line", "wanted"), WANTED)
def test_what_a_line_asks_for(line, wanted):
    assert wanted_by(line) == wanted


TOLD = ("The ferry takes one cart at a time.", "Ann came with the first boat and learned to row.")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("How many carts does the ferry take?", True),
        ("Who taught you to row?", True),
        ("What was your schoolmaster called?", False),
        ("How many steps lead up to the chapel?", False),
        ("How old are you?", True),  # nothing to search for: never strict
        ("What is your name?", True),
    ],
)
def test_whether_anything_speaks_of_it(line, told):
    assert is_told_of(line, TOLD) is told


STRICT = Limits(
    known=KnownNames(
        "Two work here, thirty left. The inspector is old. Bo knows. The teacher of 12?",
        line="What was your teacher of 12 called?",
        unanswerable=("name", "number"),
    )
)


@pytest.mark.parametrize(
    "reply",
    [
        "Lola.",
        "Molly.",
        "Fred, I think.",
        "Claws, I think.",
        "Two steps.",
        "It was three.",
        "I say Henrik.",
        "Mr. Claws.",
        "Nine.",
    ],
)
def test_new_names_and_new_or_small_numbers_are_made_up_there(reply):
    assert [found.kind for found in breaks_in(reply, STRICT)] == ["invented"]


@pytest.mark.parametrize(
    "reply",
    [
        "Perhaps I forgot.", "Gone and forgotten.", "Bo would know.", "Twelve, you said.",
        "Thirty.",
        "Nobody ever told me.", "Inspector he was not.", "Really? That is long ago.",
    ],
)  # fmt: skip
def test_what_was_told_and_plain_words_are_not(reply):
    assert breaks_in(reply, STRICT) == ()


@pytest.mark.parametrize(
    ("reply", "name"),
    [("The inspector is Mr. Green.", "Green"), ("Dr. Akin was.", "Akin"), ("Mrs. Oak.", "Oak")],
)
def test_a_name_behind_a_title_counts_everywhere(reply, name):
    limits = Limits(known=KnownNames("The inspector is old."))
    assert [found.words for found in breaks_in(reply, limits)] == [name]


def limits_for(line, **fields):
    plan = compile_plan(request(line=line, **fields), PlainTokenizer())
    return limits_of("ann", Cast(world(), {"ann": sheet()}), plan, line, ())


def test_a_question_beside_everything_the_prompt_holds_is_strict():
    assert breaks_in("Lola.", limits_for("What was your schoolmaster called?"))
    assert not breaks_in("Lola.", limits_for("What do you want?"))
    assert breaks_in("Two.", limits_for("How many candles burn in the chapel?"))


@pytest.mark.parametrize(
    ("sentence", "echo"),
    [
        ("My boots hurt today.", True),
        ("I had soup this morning.", True),
        ("You have steady hands.", True),
        ("Good morning to you, Ann.", False),
        ("Thank you for your help.", False),
        ("What does my ferry cost?", False),
        ("It rains.", False),
        ("The river is high again.", False),
    ],
)
def test_what_makes_no_sense_given_back(sentence, echo):
    assert is_told_to_the_speaker(sentence) is echo


def test_a_line_given_back_word_for_word_is_a_loop():
    limits = limits_for("A hard road. My boots hurt today.")
    assert [found.kind for found in breaks_in("My boots hurt today.", limits)] == ["loop"]
    assert breaks_in("Your boots hurt today.", limits) == ()


def test_a_question_given_back_is_no_reply_but_may_open_one():
    limits = limits_for("Did you sleep well?")
    assert [found.kind for found in breaks_in("Did you sleep well?", limits)] == ["loop"]
    assert breaks_in("Did you sleep well? I did not.", limits) == ()


@pytest.mark.parametrize("line", ["Hello.", "Good evening.", "Good evening to you, Ann.", "No?"])
def test_a_greeting_may_be_given_back(line):
    assert breaks_in(line, limits_for(line)) == ()


def test_a_short_reply_may_be_given_twice_and_no_more():
    assert worn(("Aye.", "Not for coin.", "aye", "not for coin")) == (("not", "for", "coin"),)
    limits = Limits(no_replies=worn(("Aye, duck.", "Aye, duck.", "So.")))
    assert [found.kind for found in breaks_in("Aye, duck.", limits)] == ["loop"]
    assert breaks_in("Aye, duck. It rains.", limits) == ()
    assert breaks_in("So.", limits) == ()


@pytest.mark.parametrize(
    ("reply", "kinds"),
    [
        ("It is day 12, 09:00, morning.", ["rules"]),
        ("Keep it short; the forge is hot.", ["rules"]),
        ("The forge is hot, so keep off.", []),
        ("It is morning, day 12.", []),
    ],
)
def test_notes_and_the_clock_are_not_read_out(reply, kinds):
    rows = ["Keep it short; the forge is hot.", "It is day 12, 09:00, morning."]
    limits = Limits(asides=next_words(rows, ASIDE_WORDS))
    assert [found.kind for found in breaks_in(reply, limits)] == kinds


def test_the_note_of_a_sheet_and_the_clock_are_among_them():
    plan = compile_plan(
        request(sheet=sheet(post_history="Count the sacks aloud.")), PlainTokenizer()
    )
    cast = Cast(world(), {"ann": sheet()})
    limits = limits_of("ann", cast, plan, "Well?", ())
    assert breaks_in("Count the sacks aloud. Well.", limits) == ()  # four words
    plan = compile_plan(
        request(sheet=sheet(post_history="Count all sacks aloud, twice.")), PlainTokenizer()
    )
    limits = limits_of("ann", cast, plan, "Well?", ())
    assert breaks_in("Count all sacks aloud, twice.", limits)
    assert breaks_in("It is as you say, I count.", limits) == ()
    clock = next(part.text for part in plan.sections if part.name == "state").splitlines()[0]
    assert breaks_in(clock, limits)
    asked = limits_of("ann", cast, plan, "What time is it?", ())
    assert breaks_in(clock, asked) == ()


def test_a_line_that_wants_work_of_a_program_lends_no_names():
    line = "Summarise the French Revolution in three bullet points."
    plan = compile_plan(request(line=line), PlainTokenizer())
    cast = Cast(world(), {"ann": sheet()})
    reply = "A French thing, was it?"
    assert breaks_in(reply, limits_of("ann", cast, plan, line, ())) == ()
    assert breaks_in(reply, limits_of("ann", cast, plan, line, (), trusts_line=False))
