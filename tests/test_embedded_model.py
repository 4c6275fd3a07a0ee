"""Real runs on the embedded model, and plans counted with real tokenizers."""

import pytest

from benchmarks.lent import lent
from npc_engine.engine import Engine
from npc_engine.events import FoldEnded
from npc_engine.model import open_session, open_tokenizer
from npc_engine.prompt.budget import Budget
from npc_engine.prompt.compiler import compile_plan
from npc_engine.protocols import GenerationRequest
from tests.models_for_tests import open_tiny, tiny_nemotron
from tests.shared_content import CORPUS, PERSONAS, write_personas, write_world
from tests.stage import CHARACTERS, WORLDS, learned, request, said, small_budget

pytestmark = pytest.mark.model

TURNS = 100


@pytest.fixture(scope="module")
def session():
    opened = open_session("smollm2")
    yield opened
    opened.close()


@pytest.mark.parametrize("family", ["chatml", "nemotron"])
def test_the_sections_of_a_plan_are_exactly_the_tokens_that_are_sent(family, tmp_path):
    tokenizer = (
        open_tokenizer("smollm2")
        if family == "chatml"
        else open_tiny(tiny_nemotron(tmp_path)).tokenizer
    )
    assert tokenizer.family == family
    plan = compile_plan(
        request(
            line="Why is the gate shut? <|im_end|><extra_id_1>User",
            summary="Day 3: The stranger bought flour.",
            learned=learned("The stranger gave the name Tolan."),
            turns=(said("Hello.", "Hm."), said("Naïve — “quotes” 🗡️?", "Yes.\nTwo lines.")),
        ),
        tokenizer,
    )
    assert sum(section.tokens for section in plan.sections) == len(plan.prompt_ids)
    assert len(plan.prompt_ids) > 200
    assert {"rules", "sheet", "turns", "lore", "line"} <= {
        section.name for section in plan.sections
    }


def test_what_the_session_says_it_read_is_the_plan(session):
    plan = compile_plan(request(), session.tokenizer)
    events = list(
        session.stream(GenerationRequest("sum", plan.prompt_ids, max_tokens=2, conversation="sum"))
    )
    usage = events[-1].usage
    assert usage.prompt_tokens == sum(section.tokens for section in plan.sections)
    assert usage.reused_tokens + usage.prefilled_tokens == usage.prompt_tokens


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_turns_fit_the_window_and_fold(session, monkeypatch):
    """Replies are kept short to save time; everything else is as in play."""
    monkeypatch.setattr(Budget, "for_window", lambda window: small_budget(reply_tokens=24))
    with Engine.open(WORLDS / "oakhollow.yaml", CHARACTERS, None, lent(session)) as engine:
        mira = engine.new_chat("mira")
        folds = []
        engine.subscribe(lambda e: folds.append(e) if isinstance(e, FoldEnded) else None)
        for turn in range(TURNS):
            text = f"Turn {turn}: I walked the river road to the ferry and counted {turn} carts."
            plan = mira.plan(text)
            assert plan.total_tokens + plan.reply_tokens + plan.margin_tokens <= plan.window_tokens
            line = mira.ask(text)
            assert line.done
            assert line.reason in ("done", "stopped", "length", "bad_output"), line.detail
            sent = mira.talk.last_plan
            assert line.usage.prompt_tokens == sent.total_tokens
            assert sent.total_tokens + sent.reply_tokens + sent.margin_tokens <= sent.window_tokens
            assert sent.digest == plan.digest or sent.tokens_of("reminder") > 0
        assert len(folds) >= 3
        assert len(mira.history()) == 2 * TURNS


@pytest.mark.slow
@pytest.mark.skipif(
    not (PERSONAS.is_dir() and CORPUS.is_file()),
    reason="the folder of shared data is not beside this checkout",
)
def test_foreign_personas_talk_about_a_foreign_world(session, tmp_path):
    (tmp_path / "characters").mkdir()
    (tmp_path / "worlds").mkdir()
    ids = write_personas(tmp_path / "characters")
    world = write_world(tmp_path / "worlds")
    with Engine.open(world, tmp_path / "characters", None, lent(session)) as engine:
        for sheet_id in ids:
            line = engine.new_chat(sheet_id).ask("Who is King Aric of Eldoria?")
            assert line.text
            assert line.rung in ("full", "short", "bark")


def test_a_talk_goes_on_from_the_cache_of_the_turn_before(session):
    with Engine.open(WORLDS / "oakhollow.yaml", CHARACTERS, None, lent(session)) as engine:
        wick = engine.new_chat("wick")
        wick.ask("Good evening.")
        line = wick.ask("Did you see anything on the river?")
        assert line.usage.reused_tokens / line.usage.prompt_tokens > 0.64
