import json

import pytest

from npc_engine.authoring.check_reports import report_json, report_text
from npc_engine.authoring.checks import check_project
from npc_engine.model.plain_tokenizer import PlainTokenizer
from tests.authoring.conftest import Project

ADA = "characters/ada.yaml"
BO = "characters/bo.yaml"
WORLD = "worlds/ford.yaml"


def _check(project: Project, tokenizer: PlainTokenizer):
    return check_project(project.characters, project.worlds, tokenizer)


def test_clean_project_has_no_faults(project: Project, tokenizer: PlainTokenizer) -> None:
    report = _check(project, tokenizer)
    assert report.faults == ()
    assert report.exit_code == 0
    assert report_text(report) == "0 errors, 0 warnings"


LONG = " ".join(f"word{number}" for number in range(900))

TWO_LINES = """\
lines:
  - {when_asked: [how late is it], say: Late.}
  - {when_asked: ["How late is it?"], say: Later than that.}
barks:
"""

PLANTED = [
    pytest.param(ADA, "persona: Ada", "persoana: Ada", "E101", "error", 4, 1, "persoana", id="key"),
    pytest.param(
        ADA, "Ada came with", "Ada {{ user }} came with", "E102", "error", 16, 13, "background",
        id="macro",
    ),
    pytest.param(ADA, "  player: {trust", "  nobody: {trust", "E103", "error", 10, 3,
                 "relationships.nobody", id="reference"),
    pytest.param(ADA, "Ada is old and quick.", LONG, "E104", "error", 4, 10, "persona", id="sheet"),
    pytest.param(WORLD, "A ferry landing under the hills.", LONG, "E104", "error", 2, 10,
                 "setting", id="setting"),
    pytest.param(WORLD, "one cart at a time.", LONG[:1900], "E104", "error", 11, 11,
                 "facts[0].text", id="long fact"),
    pytest.param(ADA, "Stand by the lamp.", "Stand here. By the lamp.", "W105", "warning", 21, 12,
                 "examples[0].reply", id="too many sentences"),
    pytest.param(ADA, "Cold enough.", "Cold, thou art.", "W105", "warning", 21, 12,
                 "examples[0].reply", id="never says"),
    pytest.param(ADA, '"Evening. Mind the step."', f'"{LONG[:1900]}"', "W105", "warning", 18, 5,
                 "greetings[0]", id="longer than a reply"),
    pytest.param(ADA, "  max_sentences: 2\n", "  max_words: 5\n", "W105", "warning", 21, 12,
                 "examples[0].reply", id="too many words"),
    pytest.param(ADA, '"Later."', '"[agnry] Later."', "W110", "warning", 24, 10,
                 "barks.fail[0]", id="misspelt tag"),
    pytest.param(ADA, '"Later."', '"Certainly!"', "W107", "warning", 24, 10, "barks.fail[0]",
                 id="assistant"),
    pytest.param(ADA, '"Later."', '"*shrugs* Later."', "W107", "warning", 24, 10,
                 "barks.fail[0]", id="markup"),
    pytest.param(ADA, "Ada came with", "TODO Ada came with", "W107", "warning", 16, 13,
                 "background", id="placeholder"),
    pytest.param(ADA, '["No.", "Not that.", "Leave it."]', '["No.", "Not that."]', "W107",
                 "warning", 25, 11, "barks.refuse", id="two barks"),
    pytest.param(ADA, "Ada came with the first boat.", "They found plum spirit on her.", "E108",
                 "error", 16, 13, "background", id="key of a secret"),
    pytest.param(ADA, "Cold enough.", "I slept and the lamp went dark because.", "E108", "error",
                 21, 12, "examples[0].reply", id="words of a secret"),
    pytest.param(BO, "Ferryman.", "A raft without a lantern struck the middle pier.", "E108",
                 "error", 3, 10, "summary", id="words of a fact"),
    pytest.param(ADA, "Lamp keeper of", "Greyford keeper of", "E108", "error", 3, 10, "summary",
                 id="name of a fact"),
    pytest.param(ADA, "Ada is old", "<extra_id_1> Ada is old", "E109", "error", 4, 10, "persona",
                 id="template marker"),
    pytest.param(ADA, '"Later."', r'"Later.\u200b"', "E109", "error", 24, 10, "barks.fail[0]",
                 id="zero width"),
    pytest.param(ADA, "    reveal_when: relationships.player.trust >= 3\n", "", "W204", "warning",
                 12, 9, "secrets[0].id", id="never told"),
    pytest.param(ADA, "barks:\n", 'lines: [{when_asked: ["?!"], say: "What?"}]\nbarks:\n', "W206",
                 "warning", 22, 23, "lines[0].when_asked[0]", id="phrase without words"),
    pytest.param(ADA, "barks:\n", TWO_LINES, "W206", "warning", 24, 19,
                 "lines[1].when_asked[0]", id="phrase of two lines"),
    pytest.param(WORLD, "    known_by: [bo]\n", "", "W209", "warning", 19, 9, "facts[2].id",
                 id="unknowable"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "old", "new", "code", "severity", "line", "column", "key"), PLANTED
)
def test_planted_fault_is_found_where_it_stands(
    project: Project,
    tokenizer: PlainTokenizer,
    name: str,
    old: str,
    new: str,
    code: str,
    severity: str,
    line: int,
    column: int,
    key: str,
) -> None:
    project.change(name, old, new)
    report = _check(project, tokenizer)
    assert [
        (fault.code, fault.severity, fault.path.endswith(name), fault.line, fault.column, fault.key)
        for fault in report.faults
    ] == [(code, severity, True, line, column, key)]
    assert report.exit_code == (1 if severity == "error" else 0)


def test_a_tag_may_be_any_emotion_that_the_sheet_allows(
    project: Project, tokenizer: PlainTokenizer
) -> None:
    project.change(ADA, '"Later."', '"[angry] Later."')
    assert _check(project, tokenizer).faults == ()
    project.change(ADA, "  max_sentences: 2\n", "  emotions: [happy]\n")
    (fault,) = _check(project, tokenizer).faults
    assert (fault.code, fault.key) == ("W110", "barks.fail[0]")
    assert fault.found == 'the emotion "angry", shown as "neutral"'


def test_a_direction_in_brackets_is_no_misspelt_tag(
    project: Project, tokenizer: PlainTokenizer
) -> None:
    project.change(ADA, '"Later."', '"[shrugs] Later."')
    assert _check(project, tokenizer).faults == ()


def test_lore_that_nobody_knows_is_told(project: Project, tokenizer: PlainTokenizer) -> None:
    world = project.worlds / "ford.yaml"
    (project.worlds / "lore.md").write_text("The ferry sank once.", encoding="utf-8")
    rest = world.read_text(encoding="utf-8")
    world.write_text(f"{rest}lore: [{{path: lore.md}}]\n", encoding="utf-8")
    (fault,) = _check(project, tokenizer).faults
    assert (fault.code, fault.key) == ("W209", "lore[0].path")
    assert fault.found == "lore.md, which nobody knows"
    world.write_text(f"{rest}lore: [{{path: lore.md, known_by: [bo]}}]\n", encoding="utf-8")
    assert _check(project, tokenizer).faults == ()


def test_over_cap_names_the_smallest_set_of_cuts(
    project: Project, tokenizer: PlainTokenizer
) -> None:
    project.change(ADA, "Ada is old and quick.", LONG)
    (fault,) = _check(project, tokenizer).faults
    assert fault.expected == "at most 900"
    assert fault.advice.startswith("shorten persona by ")
    assert "longest: persona " in fault.advice


def test_key_that_is_only_a_topic_is_no_leak(project: Project, tokenizer: PlainTokenizer) -> None:
    project.change(ADA, "Ada came with the first boat.", "She was asleep when the raft came.")
    assert _check(project, tokenizer).faults == ()


def test_guarded_line_may_hold_the_secret(project: Project, tokenizer: PlainTokenizer) -> None:
    line = "- {when_asked: [lamp], say: It was plum spirit., when: relationships.player.trust > 5}"
    sheet = project.characters / "ada.yaml"
    sheet.write_text(f"{sheet.read_text(encoding='utf-8')}lines:\n  {line}\n", encoding="utf-8")
    assert _check(project, tokenizer).faults == ()


def test_faults_come_sorted_and_once(project: Project, tokenizer: PlainTokenizer) -> None:
    project.change(ADA, "Ada is old", "</s> Ada is old")
    project.change(ADA, "Cold enough.", "Certainly! Cold enough.")
    project.change(WORLD, "A ferry landing", "</s> A ferry landing")
    report = _check(project, tokenizer)
    places = [(fault.path.rsplit("/", 1)[-1], fault.line) for fault in report.faults]
    assert places == [("ada.yaml", 4), ("ada.yaml", 21), ("ada.yaml", 21), ("ford.yaml", 2)]
    assert report_text(report).splitlines()[-1] == "2 errors, 2 warnings"


def test_one_sheet_alone_is_checked_with_its_world(
    project: Project, tokenizer: PlainTokenizer
) -> None:
    project.change(BO, "Ferryman.", "</s> Ferryman.")
    report = check_project(project.characters / "ada.yaml", project.worlds, tokenizer)
    assert report.faults == ()
    assert (report.num_sheets, report.num_worlds) == (1, 1)


def test_broken_yaml_is_a_fault_and_the_others_are_checked(
    project: Project, tokenizer: PlainTokenizer
) -> None:
    project.change(ADA, "persona: Ada is old and quick.", 'persona: "Ada is old')
    project.change(BO, "Ferryman.", "</s> Ferryman.")
    report = _check(project, tokenizer)
    codes = {(fault.path.rsplit("/", 1)[-1], fault.severity) for fault in report.faults}
    assert codes == {("ada.yaml", "error"), ("bo.yaml", "error")}


def test_json_holds_every_field_and_the_totals(project: Project, tokenizer: PlainTokenizer) -> None:
    project.change(ADA, "Ada is old", "</s> Ada is old")
    data = json.loads(report_json(_check(project, tokenizer)))
    assert data["totals"] == {"errors": 1, "warnings": 0, "sheets": 2, "worlds": 1}
    (fault,) = data["faults"]
    assert set(fault) == {
        "path", "line", "column", "key", "found", "expected", "advice", "code", "severity",
    }  # fmt: skip
    assert (fault["line"], fault["code"], fault["severity"]) == (4, "E109", "error")


def test_empty_folders_are_nothing_to_check(project: Project, tokenizer: PlainTokenizer) -> None:
    for path in (*project.characters.glob("*.yaml"), *project.worlds.glob("*.yaml")):
        path.unlink()
    assert _check(project, tokenizer).exit_code == 2


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("when: relationships.player.trust >= 3", ""),
        ("when: relationships.player.trust >= 3", "when: relationships.player.trust < 3"),
        ("once: true", ""),
        ("", "use: stand_in"),
    ],
)
def test_lines_with_the_same_phrase_that_can_both_be_said_are_right(
    project: Project, tokenizer: PlainTokenizer, earlier: str, later: str
) -> None:
    lines = [
        f"  - {{when_asked: [how late is it], say: '{say}'{', ' + more if more else ''}}}\n"
        for say, more in (("Late.", earlier), ("Later.", later))
    ]
    project.change(ADA, "barks:\n", f"lines:\n{''.join(lines)}barks:\n")
    assert _check(project, tokenizer).faults == ()


def test_a_kind_of_barks_that_is_probably_misspelt_is_named(
    project: Project, tokenizer: PlainTokenizer
) -> None:
    project.change(ADA, "  refuse: ", "  refuses: ")
    (fault,) = _check(project, tokenizer).faults
    assert (fault.code, fault.key) == ("W107", "barks.refuse")
    assert 'is "refuses" meant to be "refuse"?' in str(fault)
