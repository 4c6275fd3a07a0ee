"""Bad persona tests: every fault with its place, and nothing of them is run."""

import pytest

from npc_engine.authoring.persona_reports import tests_text as shown
from npc_engine.authoring.runner import run_persona_tests
from npc_engine.model.plain_tokenizer import PlainTokenizer
from tests.authoring.conftest import Project

HEAD = "persona: ada\nscript:\n"
FINE = "  - {say: Hi., expect: {any_of: Ada}}\n"


def _run(project: Project, **options):
    return run_persona_tests(
        [project.tests],
        project.characters,
        project.worlds,
        tier="compile",
        tokenizer=PlainTokenizer(),
        **options,
    )


BAD = [
    pytest.param(f"{HEAD}{FINE}tears: model\n", "E101", 4, 1,
                 "the unknown key \"tears\"", id="top key"),
    pytest.param(f"{HEAD}  - {{say: Hi., expect: {{any_off: [x]}}}}\n", "E101", 3, 25,
                 'did you mean "any_of"?', id="expect key"),
    pytest.param(f"{HEAD}  - {{say: Hi., expect: {{regex: '('}}}}\n", "E303", 3, 32,
                 "does not compile", id="expression"),
    pytest.param(f"{HEAD}  - {{say: Hi., expect: {{tokens: {{sheat: '<=900'}}}}}}\n", "E101", 3, 34,
                 'did you mean "sheet"?', id="section"),
    pytest.param(f"{HEAD}  - {{say: Hi., expect: {{tokens: {{sheet: few}}}}}}\n", "E101", 3, 41,
                 "a bound", id="bound"),
    pytest.param(f"{HEAD}  - {{say: Hi., expect: {{stays_in_character: false}}}}\n", "E101", 3, 45,
                 "leave the key out", id="false"),
    pytest.param(f"{HEAD}  - {{say: Hi., set: {{bridge: broken}}}}\n", "E101", 3, 5,
                 "exactly one of", id="two verbs"),
    pytest.param(f"{HEAD}  - {{set: {{bridge: broken}}, expect: {{prompt_has: x}}}}\n",
                 "E101", 3, 5,
                 "beside say", id="expect without say"),
    pytest.param("persona: adda\nscript:\n  - {say: Hi., expect: {prompt_has: Ada}}\n", "E302",
                 1, 10, 'did you mean "ada"?', id="persona"),
    pytest.param("script:\n  - {say: Hi., expect: {prompt_has: Ada}}\n", "E102", 1, 1,
                 "write persona", id="no persona"),
    pytest.param(f"{HEAD}  - {{say: Hi., expect: {{knows: [ferri]}}}}\n", "E302", 3, 33,
                 'did you mean "ferry"?', id="fact"),
    pytest.param(f"{HEAD}  - {{say: Hi., expect: {{keeps_secret: [lampe]}}}}\n", "E302", 3, 40,
                 'did you mean "lamp"?', id="secret"),
    pytest.param(f"{HEAD}  - {{say: Hi.}}\n", "E301", 2, 1, "asserts nothing", id="no assertion"),
    pytest.param(f"{HEAD}  - {{say: Hi., expect: {{}}}}\n", "E301", 2, 1, "asserts nothing",
                 id="empty expect"),
    pytest.param(f"{HEAD}  - {{say: Hi., expect: {{none_of: [sorry]}}}}\n", "E301", 2, 1,
                 "which a silent character", id="silence passes"),
    pytest.param(f"{HEAD}  - {{say: 'Is the lamp lit?', expect: {{all_of: [lamp]}}}}\n",
                 "E301", 2, 1,
                 "which an echoing character", id="echo passes"),
    pytest.param(f"{HEAD}  - {{say: Hi., expect: {{min_words: 2, max_words: 9}}}}\n", "E301", 2, 1,
                 "\"I don't know.\" would pass", id="fixed sentence passes"),
    pytest.param(f"{HEAD}  - {{say: Hi., expect: {{prompt_lacks: [plumb spirit]}}}}\n",
                 "E301", 3, 40,
                 "never fail", id="cannot fail"),
    pytest.param(f"repeat: {{runs: 3, need: 4}}\n{HEAD}{FINE}",
                 "E303", 1, 19, "write need: 3", id="need"),
    pytest.param(f"repeat: {{runs: 3}}\nseeds: [1, 2]\n{HEAD}{FINE}",
                 "E303", 2, 1, "a seed for each run", id="seeds"),
    pytest.param(f"repeat: {{runs: 2}}\nseeds: [1, 1]\n{HEAD}{FINE}",
                 "E303", 2, 1, "a seed twice", id="doubled seed"),
    pytest.param(f"{HEAD}  - {{event: {{text: Rain., witnesses: [boo]}}}}\n"
                 "  - {say: Hi., expect: {prompt_has: Rain}}\n", "E302", 3, 39,
                 'did you mean "bo"?', id="witness"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "line", "column", "words"), BAD)
def test_bad_test_is_a_located_fault_and_is_not_run(
    project: Project, text: str, code: str, line: int, column: int, words: str
) -> None:
    project.persona(text)
    report = _run(project)
    errors = [fault for fault in report.faults if fault.severity == "error"]
    assert [(fault.code, fault.line, fault.column) for fault in errors] == [(code, line, column)]
    assert words in str(errors[0])
    assert report.exit_code == 1
    assert all(test.status == "error" for test in report.tests)
    assert str(errors[0]) in shown(report)


def test_echo_bait_is_a_warning_and_the_test_runs(project: Project) -> None:
    project.persona(
        f"{HEAD}  - {{say: 'Is the lamp lit?', expect: {{any_of: [lamp, Ada], prompt_has: [Ada], "
        "regex: dark}}\n"
    )
    report = _run(project)
    assert [(fault.code, fault.severity) for fault in report.faults] == [("W304", "warning")]
    assert [test.status for test in report.tests] == ["not_run"]


def test_allow_weak_lets_a_weak_test_run(project: Project) -> None:
    project.persona(f"allow_weak: form only\n{HEAD}  - {{say: Hi., expect: {{max_words: 9}}}}\n")
    assert _run(project).faults == ()


def test_warns_of_seeds_at_temperature_zero(project: Project) -> None:
    project.persona(
        "repeat: {runs: 2}\nsampling: {temperature: 0}\n"
        f"{HEAD}  - {{say: Hi., expect: {{any_of: [Ada]}}}}\n"
    )
    assert [(fault.code, fault.line) for fault in _run(project).faults] == [("W304", 1)]


def test_a_wrong_sheet_is_told_once_and_stops_its_tests_only(project: Project) -> None:
    project.change("characters/bo.yaml", "summary:", "sumary:")
    project.persona(f"{HEAD}  - {{say: Hi., expect: {{prompt_has: Ada Reed}}}}\n")
    project.persona("persona: bo\nscript:\n  - {say: Hi., expect: {prompt_has: Bo Hale}}\n", "bo")
    report = _run(project)
    assert [(test.persona, test.status) for test in report.tests] == [
        ("ada", "passed"),
        ("bo", "error"),
    ]
    assert [fault.key for fault in report.faults] == ["sumary"]
    assert report.exit_code == 1


def test_two_tests_of_one_name_are_a_fault(project: Project) -> None:
    step = "script: [{say: Hi., expect: {prompt_has: Ada}}]"
    project.persona(
        f"defaults: {{persona: ada}}\ntests:\n  - {{test: greets, {step}}}\n"
        f"  - {{test: greets, {step}}}\n"
    )
    assert [(fault.code, fault.line) for fault in _run(project).faults] == [("E302", 4)]


def test_missing_file_is_a_fault(project: Project) -> None:
    report = run_persona_tests(
        [project.tests / "none.persona.yaml"],
        project.characters,
        project.worlds,
        tier="compile",
        tokenizer=PlainTokenizer(),
    )
    assert [fault.code for fault in report.faults] == ["E001"]
    assert report.exit_code == 2


def test_no_tests_at_all_is_no_success(project: Project) -> None:
    report = _run(project)
    assert report.exit_code == 2
    assert "found no such tests" in shown(report)
