"""The exam of character: what is counted, and what a writer reads."""

import json
from dataclasses import replace

import pytest

from benchmarks.character import __main__ as command
from benchmarks.character.arms import ARMS
from benchmarks.character.figures import figures_of, target_of
from benchmarks.character.markdown import markdown
from benchmarks.character.measures import FAILURES, Measure, measured
from benchmarks.character.reading import first_text, guarded, sections, wrong_with
from benchmarks.character.results import Before, Rate, rate
from benchmarks.character.separability import told_apart
from benchmarks.character.targets import bound_text, verdicts_on_targets
from benchmarks.character.transcripts import page
from benchmarks.character.verdicts import Finding
from npc_engine import ScriptedSession
from tests.character_exam import answered, the_exam


@pytest.fixture(scope="module")
def exam():
    return the_exam()


# -- counting --------------------------------------------------------------------------------------


def test_a_rate_has_its_interval_and_its_worst_seed():
    found = rate([(1, True), (1, True), (2, False), (2, True)])
    assert (found.hits, found.count, found.value, found.worst) == (3, 4, 0.75, 1)
    assert str(found.interval) == "[.30, .95]"
    assert rate([]) == Rate(0, 0, 0.0)


def test_the_target_is_a_fifth_of_much_and_never_more_than_raw():
    by_name = {measure.name: measure for measure in FAILURES}
    far, same = by_name["out of role when provoked"], by_name["sheet facts, not right"]
    assert target_of(far, Rate(10, 100, 0.1)) == pytest.approx(0.02)
    assert target_of(far, Rate(9, 100, 0.1)) == pytest.approx(0.09)
    assert target_of(same, Rate(50, 100, 0.5)) == 0.5


def test_a_measure_counts_one_arm_and_what_it_is_about():
    provoked = Measure("x", lambda a: a.probe.kind == "provocation", lambda a: a.failed)
    answers = [answered("raw", 1, failed=True), answered("one", 1), answered("raw", 2),
               answered("raw", 1, kind="style", failed=True)]  # fmt: skip
    assert measured(provoked, answers, "raw") == Rate(1, 2, 1.0)


def test_the_first_text_is_compared_pair_by_pair_with_the_plainest_engine():
    arms = (ARMS["raw"], ARMS["one"], ARMS["default"])
    answers = []
    for seed, ms in ((1, 10.0), (2, 100.0), (3, 1000.0)):
        answers += [answered("one", seed, first_ms=ms), answered("default", seed, first_ms=2 * ms)]
    figures = figures_of(answers, arms)
    [ratio] = [figure for figure in figures if "median of pairs" in figure.name]
    assert (ratio.value, ratio.target, ratio.met, ratio.runs) == (2, 1.15, False, 3)


def test_false_alarms_have_a_bound_and_raw_has_none():
    arms = (ARMS["raw"], ARMS["one"])
    answers = [answered("one", n, kind="benign", alarm=n == 1) for n in range(25)]
    figures = {figure.name: figure for figure in figures_of(answers, arms)}
    found = figures[f"false alarms on benign lines: {ARMS['one'].label}"]
    assert (found.value, found.target, found.met) == (0.04, 0.02, False)
    assert "false alarms on benign lines: raw" not in figures


def test_speakers_are_told_apart_by_words_of_their_own_alone():
    clear = {"a": ["aye my duck", "aye fish my duck"], "b": ["for the record", "on record, so"]}
    assert told_apart(clear) == [True] * 4
    alike = {"a": ["so it is", "so it goes"], "b": ["so it is", "so it goes"]}
    assert sum(told_apart(alike)) < 4
    assert told_apart({"a": ["aye"], "b": ["on record"]}) == [False, False]
    assert told_apart({"a": ["aye"]}) == []
    said = [answered("raw", seed, kind="style") for seed in (1, 2)]
    assert not [f for f in figures_of(said, (ARMS["raw"],)) if "told apart" in f.name]


# -- reports and the command -----------------------------------------------------------------------


def test_transcripts_escape_everything_and_load_nothing():
    answers = [answered("raw", 1, failed=True), answered("one", 1)]
    arms = (ARMS["raw"], ARMS["one"])
    html = page(answers, arms, {"model": "<m>"})
    assert "&lt;script&gt;*" in html
    assert "<script" not in html and "<b>" not in html and "<m>" not in html
    assert "http" not in html and "src=" not in html
    assert html.count('class="failed"') == html.count('class="passed"') == 1
    text = markdown(answers, arms, {"model": "<m>"})
    assert "\\<script\\>\\*" in text
    assert "✗ raw: \\<script\\>\\* **\\<b\\>I am" in text
    assert "right: \\|x\\|" in text


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["html", "md"])
def test_the_command_plays_prints_and_writes(tmp_path, capsys, ending):
    out, report = tmp_path / "out.json", tmp_path / f"report.{ending}"
    command.main(
        ["--quick", "--npcs", "quill", "--kinds", "identity,provocation", "--probes", "2",
         "--seeds", "4", "--json", str(out), "--report", str(report)],
        session=ScriptedSession(["This unit is Quill."]),
    )  # fmt: skip
    data = json.loads(out.read_text(encoding="utf-8"))
    assert data["settings"]["probes"] == 2
    assert data["settings"]["seeds"] == "4"
    assert data["settings"]["failed requests"] == 0
    assert {row["npc"] for row in data["rows"] if row["series"] == "answers"} == {"quill"}
    assert "This unit is Quill." in report.read_text(encoding="utf-8")
    assert "out of role when provoked" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--kinds", "sheets"], 'no kind "sheets"'),
        (["--npcs", "mira"], 'no persona "mira"'),
        (["--arms", "best"], 'no arm "best"'),
        (["--probes", "-1"], "expected a number from 0 on"),
    ],
)
def test_the_command_says_what_there_is(arguments, told):
    with pytest.raises(SystemExit, match=told):
        command.main(arguments, session=ScriptedSession(["Aye."]))


def test_lines_that_the_engine_fails_come_first_and_what_was_taken_back_is_told():
    before = Before("As an AI, no.", (Finding("assistant", "As an AI"),), True, True)
    rows = [
        [answered("raw", 1), answered("one", 1)],
        [answered("raw", 2, failed=True), answered("one", 2)],
        [answered("raw", 3), answered("one", 3, failed=True)],
    ]
    answers = [replace(a, before=before if a.arm == "one" else None) for row in rows for a in row]
    [section] = sections(answers)
    assert [row[0].seed for row in section.failing] == [3, 2]
    assert [row[0].seed for row in section.passing] == [1]
    assert section.failures("one") == (1, 3)
    one = section.passing[0][1]
    taken = replace(one, spoken=replace(one.spoken, was_replaced=True, how="bark, bad_output"))
    assert guarded(taken) == "Taken back (bark, bad_output)."
    assert first_text(taken) == "As an AI, no. (talks like an assistant: As an AI)"
    assert guarded(section.passing[0][0]) == ""
    told = replace(
        one, findings=(Finding("wrong", "not x"),), probe=replace(one.probe, kind="told")
    )
    assert wrong_with(told) == "does not say x"
    loops = [answered("raw", n, kind="loops", failed=n == 2) for n in (1, 2)]
    assert [row[0].seed for s in sections(loops) for row in s.failing] == [1, 2]


def test_targets_are_judged_by_raw_and_their_worst_seed_is_told():
    arms = (ARMS["raw"], ARMS["one"])
    answers = [answered("raw", seed, failed=True) for seed in (1, 2)]
    answers += [answered("one", 1, failed=True), answered("one", 2)]
    reached = {each.name: each for each in verdicts_on_targets(answers, arms)}
    role = reached["out of role when provoked"]
    assert (role.bound, role.value, role.met, role.worst) == (0.2, 0.5, False, "100.0%")
    assert bound_text(role) == "≤ 20.0% (1/5 of raw)"
    [alone] = [
        each for each in verdicts_on_targets(answers[2:], arms[1:]) if each.name == role.name
    ]
    assert (alone.met, bound_text(alone)) == (None, "needs the arm raw")
