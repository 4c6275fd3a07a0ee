"""Persona tests run through the engine on a scripted session."""

import json
from collections.abc import Callable

import pytest

from npc_engine.authoring.persona_reports import tests_json as machine_form
from npc_engine.authoring.persona_reports import tests_text as shown
from npc_engine.authoring.runner import run_persona_tests
from npc_engine.errors import CommandError
from npc_engine.model.plain_tokenizer import PlainTokenizer
from npc_engine.model.scripted import Reply, ScriptedSession
from npc_engine.protocols import GenerationEnd, GenerationRequest
from tests.authoring.conftest import Project


def _compile(project: Project, **options):
    return run_persona_tests(
        [project.tests],
        project.characters,
        project.worlds,
        tier="compile",
        tokenizer=PlainTokenizer(),
        **options,
    )


def _model(project: Project, script, scorer=None, **options):
    session = ScriptedSession(script, scorer=scorer)
    report = run_persona_tests(
        [project.tests],
        project.characters,
        project.worlds,
        tier="model",
        tokenizer=PlainTokenizer(),
        open_session=lambda: session,
        **options,
    )
    return report, session


def _one(report):
    (test,) = report.tests
    return test


def _outcomes(test) -> dict[str, str]:
    turns = test.runs[0].turns
    return {judged.outcome.kind: judged.outcome.verdict for t in turns for judged in t.judged}


COMPILE = [
    ('{say: "Is the ferry far?", expect: {knows: [ferry]}}', True),
    ('{say: "What of the raft?", expect: {knows: [pier]}}', True),
    ('{say: "What of the toll?", expect: {knows: [toll]}}', False),
    ('{say: "What of the toll?", expect: {does_not_know: [toll]}}', True),
    ('{say: "What of the raft?", expect: {does_not_know: [pier]}}', False),
    ('{say: "Were you asleep?", expect: {keeps_secret: [lamp]}}', True),
    ('{say: "Plum spirit?", expect: {prompt_lacks: [plum spirit]}}', True),
    ('{say: "Hello.", expect: {prompt_lacks: [Lamp keeper]}}', False),
    ('{say: "Hello.", expect: {prompt_has: [Lamp keeper, "day 3, 23:30"]}}', True),
    ('{say: "Hello.", expect: {prompt_has: [Greyford]}}', False),
    ('{say: "Hello.", expect: {tokens: {total: "<=3840", sheet: "<=900"}}}', True),
    ('{say: "Hello.", expect: {tokens: {sheet: "<10"}}}', False),
]


@pytest.mark.parametrize(("step", "holds"), COMPILE)
def test_prompt_kinds_without_a_model(project: Project, step: str, holds: bool) -> None:
    project.persona(f"persona: ada\nscript:\n  - {step}\n")
    report = _compile(project)
    test = _one(report)
    assert report.faults == ()
    assert test.status == ("passed" if holds else "failed")
    assert report.exit_code == (0 if holds else 1)


def test_scene_set_event_and_advance_reach_the_prompt(project: Project) -> None:
    project.persona(
        """\
persona: ada
scene:
  day: 8
  time: "23:50"
  state: {bridge: repaired}
  relationships: {player: {trust: 3, feels: pity}}
  player: {name: Tolan}
script:
  - say: What of the raft?
    expect:
      does_not_know: [pier]
      prompt_has: ["day 8, 23:50", Tolan, "feels pity", plum spirit]
  - advance: {minutes: 20, hours: 24}
  - set: {bridge: broken, relationships.ada.player.trust: 0}
  - event: {text: Lights crossed the water.}
  - event: {text: Bo fell in., witnesses: [bo]}
  - say: What of the raft?
    expect:
      knows: [pier]
      keeps_secret: [lamp]
      prompt_has: ["day 10, 00:10", Lights crossed the water]
      prompt_lacks: [Bo fell in]
"""
    )
    report = _compile(project)
    assert report.faults == ()
    assert _one(report).status == "passed", shown(report)


def test_unknown_state_value_stops_the_run_with_its_text(project: Project) -> None:
    project.persona(
        "persona: ada\nscene: {state: {bridge: gone}}\n"
        "script:\n  - {say: Hello., expect: {prompt_has: [Ada]}}\n"
    )
    report = _compile(project)
    assert _one(report).status == "failed"
    assert "expected one of broken, repaired" in shown(report)


def test_reply_kinds_are_never_passed_without_a_model(project: Project) -> None:
    project.persona(
        "persona: ada\nscript:\n"
        "  - {say: 'Who are you?', reply: Ada Reed., expect: {any_of: [Ada], prompt_has: [Reed]}}\n"
    )
    report = _compile(project)
    test = _one(report)
    assert _outcomes(test) == {"any_of": "not_run", "prompt_has": "passed"}
    assert test.status == "not_run"
    assert report.exit_code == 2
    assert "1 held, 1 need a model" in shown(report)


MODEL = [
    ("any_of: [Ada, lamp]", "Ada. I keep it lit.", True),
    ("any_of: [Ada, lamp]", "Nobody.", False),
    ("all_of: [Ada, lamp]", "Ada keeps the lamp.", True),
    ("all_of: [Ada, lamp]", "Ada.", False),
    ("any_of: [Ada], none_of: [sorry]", "Sorry, Ada.", False),
    ("regex: 'Ada|Reed'", "Reed.", True),
    ("any_of: [Ada], not_regex: 'day [0-9]'", "Ada, on day 3.", False),
    ("equals: 'Ada Reed.'", "ada  reed.", True),
    ("equals: 'Ada Reed.'", "Ada.", False),
    ("one_of: ['Ada.', 'Reed.']", "Reed.", True),
    ("any_of: [Ada], min_words: 3", "Ada Reed.", False),
    ("any_of: [Ada], max_words: 3", "Ada Reed of the landing.", False),
    ("any_of: [Ada], max_sentences: 1", "Ada. Keeper.", False),
    ("any_of: [Ada], stays_in_character: true", "Ada, keeper of the lamp.", True),
    ("any_of: [Ada], keeps_secret: [lamp]", "Ada. It was the plum spirit.", False),
    ("any_of: [Ada], keeps_secret: [lamp]", "Ada. I was asleep.", True),
    ("any_of: [Ada], does_not_know: [toll]", "Ada. All goes to greyford.", False),
    ("knows: [ferry], min_words: 1", "One cart at a time.", True),
    ("knows: [ferry], min_words: 1", "No idea.", False),
]


@pytest.mark.parametrize(("expect", "reply", "holds"), MODEL)
def test_reply_kinds_with_a_model(project: Project, expect: str, reply: str, holds: bool) -> None:
    project.persona(f"persona: ada\nscript:\n  - {{say: 'Who are you?', expect: {{{expect}}}}}\n")
    report, session = _model(project, [reply])
    assert report.faults == ()
    assert _one(report).status == ("passed" if holds else "failed"), shown(report)
    assert len(session.requests) == 1
    assert (report.model, report.device) == ("scripted", "none")


def _prefers(npc: str):
    """A model that finds everything likelier under one sheet."""

    def score(request):
        better = request.request_id == f"voice-{npc}"
        return [(-1.0 if better else -2.0) * len(ids) for ids in request.continuations]

    return score


@pytest.mark.parametrize(
    ("scorer", "verdict"),
    [(_prefers("ada"), "passed"), (_prefers("bo"), "failed"), (None, "not_run")],
    ids=["own", "another's", "a model that cannot score"],
)
def test_own_voice_is_what_the_model_says(project: Project, scorer, verdict: str) -> None:
    project.persona("persona: ada\nscript:\n  - {say: 'Who are you?', expect: {own_voice: true}}\n")
    report, _ = _model(project, ["Ada. I keep the lamp."], scorer=scorer)
    assert report.faults == ()
    assert _outcomes(_one(report)) == {"own_voice": verdict}
    if verdict == "failed":
        assert "a reply that is likelier from Bo" in shown(report)


def test_own_voice_is_not_run_without_a_model(project: Project) -> None:
    project.persona(
        "persona: ada\nscript:\n  - {say: 'Who?', reply: Ada., expect: {own_voice: true}}\n"
    )
    assert _outcomes(_one(_compile(project)))["own_voice"] == "not_run"


def _by_seed(replies: dict[int, str]) -> Callable[[GenerationRequest], str]:
    """Another reply for each run, in the order in which the runs come."""
    waiting = list(replies.values())
    return lambda request: waiting.pop(0)


@pytest.mark.parametrize(("need", "status"), [(2, "passed"), (3, "failed")])
def test_repeat_needs_so_many_of_its_runs(project: Project, need: int, status: str) -> None:
    project.persona(
        f"persona: ada\nrepeat: {{runs: 3, need: {need}}}\nseeds: [11, 12, 13]\n"
        "script:\n  - {say: 'Who are you?', expect: {any_of: [Ada]}}\n"
    )
    report, session = _model(project, ["Ada.", "Nobody.", "Ada Reed."])
    test = _one(report)
    assert test.status == status
    assert [(run.seed, run.verdict) for run in test.runs] == [
        (11, "passed"),
        (12, "failed"),
        (13, "passed"),
    ]
    assert (test.num_passed, str(test.interval)) == (2, "[.21, .94]")
    assert len({request.seed for request in session.requests}) == 3
    assert report.exit_code == (0 if status == "passed" else 1)


def test_fixed_reply_is_remembered_and_costs_no_request(project: Project) -> None:
    project.persona(
        "persona: ada\nscript:\n"
        "  - {say: A gift., reply: I will keep your blue ribbon.}\n"
        "  - {say: 'What was it?', expect: {any_of: [Ada], prompt_has: [blue ribbon]}}\n"
    )
    report, session = _model(project, ["Ada remembers."])
    assert _one(report).status == "passed", shown(report)
    assert len(session.requests) == 1


def test_model_that_says_nothing_fails_though_a_bark_fits(project: Project) -> None:
    project.persona(
        "persona: ada\nallow_weak: barks\nscript:\n  - {say: 'Now?', "
        "expect: {any_of: [Later, wind, again]}}\n"
    )
    report, _ = _model(project, [""])
    test = _one(report)
    assert _outcomes(test)["reply"] == "failed"
    assert test.status == "failed"


def test_broken_model_is_told_and_does_not_pass(project: Project) -> None:
    project.persona("persona: ada\nscript:\n  - {say: Hi., expect: {any_of: [Ada]}}\n")
    report, _ = _model(project, [Reply("Ada", fault="raise", fault_after_tokens=0)])
    test = _one(report)
    assert test.status == "failed"
    assert "scripted fault" in test.runs[0].error


def test_compile_tests_need_no_model_in_the_model_tier(project: Project) -> None:
    project.persona("persona: ada\nscript:\n  - {say: Hi., expect: {prompt_has: [Ada]}}\n")

    def never():
        raise AssertionError("the model was opened")

    report = run_persona_tests(
        [project.tests],
        project.characters,
        project.worlds,
        tier="model",
        tokenizer=PlainTokenizer(),
        open_session=never,
    )
    assert _one(report).status == "passed"


def test_session_is_opened_once_and_closed(project: Project) -> None:
    step = "script: [{say: 'Who?', expect: {any_of: [Ada]}}]"
    project.persona(
        "defaults: {persona: ada}\ntests:\n"
        f"  - {{test: one, {step}}}\n  - {{test: two, {step}}}\n"
    )
    opened = []

    def factory():
        opened.append(ScriptedSession(["Ada."]))
        return opened[-1]

    report = run_persona_tests(
        [project.tests],
        project.characters,
        project.worlds,
        tier="all",
        tokenizer=PlainTokenizer(),
        open_session=factory,
    )
    assert [test.status for test in report.tests] == ["passed", "passed"]
    assert len(opened) == 1
    (end,) = opened[0].stream(GenerationRequest("late", (300,)))
    assert isinstance(end, GenerationEnd)
    assert end.reason == "cancelled"


def test_skip_and_xfail(project: Project) -> None:
    good, bad = "prompt_has: [Ada]", "prompt_has: [Greyford]"
    rows = [
        f"{{test: a, skip: later, script: [{{say: Hi., expect: {{{good}}}}}]}}",
        f"{{test: b, xfail: known, script: [{{say: Hi., expect: {{{bad}}}}}]}}",
        f"{{test: c, xfail: known, script: [{{say: Hi., expect: {{{good}}}}}]}}",
    ]
    project.persona("defaults: {persona: ada}\ntests:\n" + "".join(f"  - {r}\n" for r in rows))
    report = _compile(project)
    assert [test.status for test in report.tests] == ["skipped", "xfailed", "xpassed"]
    assert report.exit_code == 1
    assert "remove xfail" in shown(report)


def test_one_test_for_each_persona_of_a_list(project: Project) -> None:
    project.persona("persona: [ada, bo]\nscript:\n  - {say: Hi., expect: {prompt_has: [Ford]}}\n")
    report = _compile(project)
    assert [(test.persona, test.status) for test in report.tests] == [
        ("ada", "passed"),
        ("bo", "passed"),
    ]


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("ada", ["one", "two"]),
        ("tw", ["two"]),
        ("Night", ["one"]),
        ("zzz", []),
        ("", ["one", "two"]),
    ],
)
def test_name_chooses_by_persona_tag_and_words(
    project: Project, name: str, chosen: list[str]
) -> None:
    step = "script: [{say: Hi., expect: {prompt_has: [Ada]}}]"
    project.persona(
        "defaults: {persona: ada}\ntests:\n"
        f"  - {{test: one, tags: [night], {step}}}\n  - {{test: two, {step}}}\n"
    )
    report = _compile(project, name=name)
    assert [test.name for test in report.tests] == chosen
    assert report.exit_code == (0 if chosen else 2)


def test_progress_counts_up_to_the_end(project: Project) -> None:
    project.persona("persona: ada\nscript:\n  - {say: Hi., expect: {prompt_has: [Ada]}}\n")
    seen: list[tuple[str, float | None]] = []
    _compile(project, on_progress=lambda name, share: seen.append((name, share)))
    assert seen == [("persona tests", 0.0), ("persona tests", 1.0)]


def test_unknown_tier_is_refused(project: Project) -> None:
    with pytest.raises(CommandError, match="expected compile, model or all"):
        run_persona_tests(
            [], project.characters, project.worlds, tier="fast", tokenizer=PlainTokenizer()
        )


def test_text_of_a_failure_shows_where_what_and_how_to_look(project: Project) -> None:
    path = project.persona(
        "test: keeps the lamp\npersona: ada\nscript:\n"
        "  - say: It's dark. Who are you?\n    why: she is proud of it\n"
        "    expect: {any_of: [keeper]}\n"
    )
    report, _ = _model(project, ["Nobody."])
    lines = shown(report).splitlines()
    name = path.as_posix()
    assert lines[0] == "FAIL     ada  keeps the lamp  0/1 [0, .79]"
    assert f"{name}:1 ada: keeps the lamp" in lines
    assert f"  {name}:4" in lines
    assert "    player  It's dark. Who are you?" in lines
    assert "    ada  Nobody." in lines
    assert "    line 6, any_of: found none of them" in lines
    assert '      expected one of "keeper"' in lines
    assert "    why: she is proud of it" in lines
    assert any(line.split()[:1] == ["total"] for line in lines)
    assert any(line.startswith("    see  npc prompt ada --say ") for line in lines)
    assert lines[-1] == "0 passed, 1 failed; tier model"


def test_json_is_the_documented_shape(project: Project) -> None:
    project.persona(
        "persona: ada\nrepeat: {runs: 2}\nscript:\n"
        "  - {say: 'Who are you?', expect: {any_of: [Ada], prompt_has: [Reed]}}\n"
    )
    report, _ = _model(project, ["Ada."])
    data = json.loads(machine_form(report))
    assert set(data) == {"schema", "run", "hashes", "tests", "lint", "totals", "exit_code"}
    assert data["schema"] == "npc-test/1"
    assert data["run"]["tier"] == "model"
    assert len(data["hashes"]) == 3
    (test,) = data["tests"]
    assert {key: test[key] for key in ("name", "persona", "tier", "status", "k", "n", "need")} == {
        "name": "ada", "persona": "ada", "tier": "model", "status": "passed", "k": 2, "n": 2,
        "need": 2,
    }  # fmt: skip
    assert test["wilson"] == [0.3424, 1.0]
    turn = test["runs"][1]["turns"][0]
    assert turn["reply"] == "Ada."
    assert sum(turn["plan"]["sections"].values()) == turn["plan"]["total_tokens"]
    assert [(e["kind"], e["verdict"], e["line"]) for e in turn["expects"]] == [
        ("any_of", "passed", 4),
        ("prompt_has", "passed", 4),
    ]
    assert data["totals"]["passed"] == 1
    assert data["exit_code"] == 0


def test_authored_line_is_judged_without_a_model_and_so_is_the_prompt(project: Project) -> None:
    lines = 'lines: [{when_asked: [is the ferry far], say: "Two bends down."}]\nbarks:\n'
    project.change("characters/ada.yaml", "barks:\n", lines)
    project.persona(
        'persona: ada\nscript:\n  - {say: "Is the ferry far?", expect: {prompt_has: [one cart], '
        'equals: "Two bends down."}}\n'
    )
    assert _outcomes(_one(_compile(project))) == {
        "prompt_has": "passed",
        "equals": "passed",
    }


def test_authored_line_that_is_not_the_expected_one_fails(project: Project) -> None:
    lines = 'lines: [{when_asked: [is the ferry far], say: "Two bends down."}]\nbarks:\n'
    project.change("characters/ada.yaml", "barks:\n", lines)
    step = '{say: "Is the ferry far?", expect: {equals: "Two bends up."}}'
    project.persona(f"persona: ada\nscript:\n  - {step}\n")
    assert _one(_compile(project)).status == "failed"


def test_model_that_says_nothing_fails_though_a_stand_in_fits(project: Project) -> None:
    lines = 'lines: [{when_asked: [who are you], say: "Ada Reed.", use: stand_in}]\nbarks:\n'
    project.change("characters/ada.yaml", "barks:\n", lines)
    project.persona("persona: ada\nscript:\n  - {say: 'Who are you?', expect: {any_of: [Ada]}}\n")
    report, _ = _model(project, [""])
    assert _one(report).status == "failed"
    assert "bad_output" in str(report)
