"""The characters and worlds that ship: free of errors, and their tests hold."""

from pathlib import Path

import pytest

from npc_engine.authoring.check_reports import report_text
from npc_engine.authoring.checks import check_project
from npc_engine.authoring.expectation import TokenBounds
from npc_engine.authoring.persona_reports import tests_text as shown
from npc_engine.authoring.runner import run_persona_tests
from npc_engine.model.plain_tokenizer import PlainTokenizer
from npc_engine.prompt.plan import VOLATILITY

ROOT = Path(__file__).parents[2]
CHARACTERS, WORLDS = ROOT / "characters", ROOT / "worlds"


def test_no_errors() -> None:
    report = check_project(CHARACTERS, WORLDS, PlainTokenizer())
    assert report.count("error") == 0, report_text(report)
    assert report.num_sheets >= 7


def test_persona_tests_hold_in_the_compile_tier() -> None:
    report = run_persona_tests([], CHARACTERS, WORLDS, tier="compile", tokenizer=PlainTokenizer())
    assert report.exit_code == 0, shown(report)
    assert {test.status for test in report.tests} <= {"passed", "not_run"}


@pytest.mark.parametrize("sheet", sorted(path.stem for path in CHARACTERS.glob("[!_]*.yaml")))
def test_every_character_has_three_tests(sheet: str) -> None:
    report = run_persona_tests(
        [CHARACTERS / "tests" / f"{sheet}.persona.yaml"],
        CHARACTERS,
        WORLDS,
        tier="compile",
        tokenizer=PlainTokenizer(),
    )
    assert len(report.tests) >= 3
    assert {test.persona for test in report.tests} == {sheet}


def test_token_bounds_know_every_section() -> None:
    assert set(TokenBounds.model_fields) == {"total", *VOLATILITY}
