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
