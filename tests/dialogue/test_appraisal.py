"""How replies are compared: what a person would call the better one gets the higher score."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npc_engine.content.character import Example
from npc_engine.dialogue.appraisal import Appraiser
from npc_engine.dialogue.breaks import Break
from npc_engine.model.plain_tokenizer import PlainTokenizer
from npc_engine.prompt.compiler import compile_plan
from npc_engine.prompt.offers import Offer
from tests.stage import request, sheet

TOLD = "The ferry to Greyford costs four pennies."


def appraiser(line, *, told=TOLD, earlier=(), **fields):
    offers = (Offer("recall", "1", told),) if told else ()
    plan = compile_plan(request(line=line, recalled=offers), PlainTokenizer())
    return Appraiser(sheet(**fields), plan, line, earlier)


def better(judge, one, other):
    return judge.judge(one).score > judge.judge(other).score


def test_what_bears_on_the_line_is_better_than_what_does_not():
    judge = appraiser("What does the ferry cost?")
    assert better(judge, "Four pennies, to Greyford.", "I do not know what you mean.")


def test_another_number_than_the_one_that_was_told_is_worse_than_none():
    judge = appraiser("What does the ferry cost?")
    assert better(judge, "More than you have got.", "Two pennies and it is yours.")


def test_where_nothing_is_asked_nothing_must_be_told():
    judge = appraiser("A fine morning, Ann.")
    assert judge.judge("Four pennies, to Greyford.").parts["bearing"] == 0


def test_saying_the_same_again_is_worse():
    judge = appraiser("Well?", told="", earlier=("The mill has been standing still since spring.",))
    assert better(judge, "Ask me tomorrow.", "The mill has been standing still since the spring.")


def test_giving_the_question_back_is_worse():
    judge = appraiser("Did you see the red boat on the river?", told="")
    assert better(judge, "No boat has come by here.", "You saw the red boat on the river?")


def test_a_break_is_worse_than_anything():
    judge = appraiser("Are you well?", told="")
    broken = Break("disclosure", 0, 10, "an AI")
    assert judge.judge("Hm.").score > judge.judge("", broken).score
    assert judge.judge("", broken).score < judge.judge("I am well today.", broken).score
    assert judge.judge("I am well today.", broken).score < judge.judge("I am well today.").score


def test_a_turn_of_phrase_and_the_usual_length_are_better():
    fields = {
        "speech": {"says": ("by iron and ash",)},
        "examples": (Example(player="Hello.", reply="Mind the sparks, and mind your hands."),),
    }
    judge = appraiser("Hello.", told="", **fields)
    assert better(judge, "By iron and ash, you are late.", "You are late today, my friend.")
    assert better(judge, "Mind where you put your feet.", "So.")
    long = "I would like to speak of the weather, " * 12
    assert better(judge, "Mind where you put your feet.", long)


def test_an_end_that_is_missing_is_worse():
    judge = appraiser("Well?", told="")
    whole, cut = judge.judge("It is late."), judge.judge("It is late.", reason="length")
    assert whole.score > cut.score


def test_what_most_candidates_say_is_better():
    judge = appraiser("Which wood do you burn?", told="")
    said = ["Alder, mostly.", "Alder wood.", "Seal oil."]
    scores = [
        judge.judge(text, others=[*said[:at], *said[at + 1 :]]).score
        for at, text in enumerate(said)
    ]
    assert max(scores[:2]) > scores[2]
    assert scores[0] > scores[2]


def test_a_name_or_number_is_better_where_one_is_asked_for():
    judge = appraiser("How many candles burn there?", told="")
    assert better(judge, "There are seven.", "There are some.")
    assert judge.judge("There are seven.").parts["gives"] > 0
    assert appraiser("Are you well?", told="").judge("Seven.").parts["gives"] == 0


def test_an_example_said_again_is_worse():
    fields = {"examples": (Example(player="Hello.", reply="It is written, in the ledger."),)}
    judge = appraiser("How old are you?", told="", **fields)
    assert judge.judge("It is written in the ledger.").parts["copies"] < 0
    assert better(judge, "I never counted the years.", "It is written, in the ledger.")


def test_what_bears_counts_wherever_it_stands():
    plan = compile_plan(request(line="How old are you?"), PlainTokenizer())
    judge = Appraiser(sheet(), plan, "How old are you?", (), ["Ann is fifty-eight years old."])
    assert better(judge, "Fifty-eight, this spring.", "Fifty-seven, this spring.")


@pytest.mark.parametrize("line", ["", "?", "What?", "漢字はどこですか？", "A" * 3000])
def test_any_line_and_any_text_can_be_judged(line):
    judge = appraiser(line)

    @settings(max_examples=50, deadline=None)
    @given(st.text())
    def check(text):
        one = judge.judge(text)
        assert one == judge.judge(text)
        assert -40 < one.score < 5

    check()
