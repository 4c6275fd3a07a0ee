"""The reminder of a second try: in the tail, counted, and gone before anything that matters."""

from hypothesis import given, settings
from hypothesis import strategies as st

from npc_engine.prompt.compiler import compile_plan
from tests.stage import FLAT_TOKENIZER, TOKENIZER, request, said, small_budget

REMINDER = "(Ann answers as Ann.)"


def test_a_reminder_changes_the_tail_alone():
    turns = (said("Is it fresh?", "Fresher than you."),)
    plain = compile_plan(request(turns=turns), TOKENIZER)
    reminded = compile_plan(request(turns=turns, reminder=REMINDER), TOKENIZER)
    assert plain.prompt_ids[: plain.stable_tokens] == reminded.prompt_ids[: plain.stable_tokens]
    assert reminded.messages[-1].text.splitlines()[-2:] == [REMINDER, "Good morning."]
    assert reminded.tokens_of("reminder") > 0
    assert plain.tokens_of("reminder") == 0


@settings(max_examples=30, deadline=None)
@given(window=st.integers(700, 1400), flat=st.booleans())
def test_a_plan_with_a_reminder_fits_every_window(window, flat):
    budget = small_budget(window_tokens=window)
    turns = tuple(said(f"And {n}?", "A long answer about the mill. " * 6) for n in range(8))
    tokenizer = FLAT_TOKENIZER if flat else TOKENIZER
    plan = compile_plan(request(turns=turns, reminder=REMINDER, budget=budget), tokenizer)
    assert plan.total_tokens + plan.margin_tokens + plan.reply_tokens <= window
    assert sum(section.tokens for section in plan.sections) == plan.total_tokens
