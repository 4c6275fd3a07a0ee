"""`npc bench` on scripted sessions: what is asked and reported, also when something breaks."""

import json
import os
import threading
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from npc_engine import cli
from npc_engine.authoring.bench import run_bench
from npc_engine.authoring.bench_memory import resident_bytes
from npc_engine.authoring.bench_plan import FULL, QUICK, BenchPlan
from npc_engine.authoring.bench_prompts import BenchStage
from npc_engine.authoring.bench_report import bench_json, bench_text, versions
from npc_engine.authoring.bench_results import BenchReport, Crowd, Figure, Problem
from npc_engine.authoring.bench_speaking import Spoken, speak, tokens_per_s
from npc_engine.errors import CommandError, LoadError
from npc_engine.model.plain_tokenizer import PlainTokenizer
from npc_engine.model.prefixes import common_prefix
from npc_engine.model.scripted import Reply, ScriptedSession
from npc_engine.protocols import GenerationRequest

SMALL = BenchPlan(
    rounds=2, warm_tokens=(400,), crowds=(1, 3), crowd_rounds=2, crowd_tokens=300, reply_tokens=5
)
STAGE = BenchStage.shipped(PlainTokenizer())


def endless(request=None):
    return Reply("a b c d e f g h", fault="endless")


def names(report):
    return [figure.name for figure in report.figures]


def asked(session, word):
    return [one for one in session.requests if one.conversation.startswith(f"bench {word}")]


# -- prompts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("tokens", [300, 1500, 3500])
def test_warm_turns_share_all_but_their_new_tokens(tokens):
    prompts = STAGE.warm_turns(0, tokens, 40, 4)
    assert [len(ids) for ids in prompts] == [tokens] * 4
    for early, late in zip(prompts, prompts[1:], strict=False):
        assert common_prefix(early, late) == tokens - 40


def test_talks_of_one_world_begin_alike_and_differ_later():
    talks = [STAGE.talk_prompt(number, 700) for number in range(2 * len(STAGE.cast))]
    assert len(set(talks)) == len(talks)
    assert min(common_prefix(talks[0], other) for other in talks[1:]) > 200


def test_a_talk_longer_than_the_window_is_refused():
    with pytest.raises(CommandError, match="measure a shorter talk"):
        STAGE.talk_prompt(0, 4000)


# -- the run ---------------------------------------------------------------------------------------


def test_every_measurement_asks_as_often_as_planned_and_closes_the_session():
    session = ScriptedSession(endless)
    report = run_bench(lambda: session, SMALL)
    assert len(asked(session, "cold")) == 2
    assert len(asked(session, "npc")) == 1 + 2
    assert len(asked(session, "warm 400")) == 1 + 2
    assert len(asked(session, "crowd")) == (1 + 2) * (1 + 3)
    assert len({one.request_id for one in session.requests}) == len(session.requests)
    assert report.problems == []
    assert next(session.stream(session.requests[0])).reason == "cancelled"  # it is closed


def test_cold_prompts_share_no_beginning():
    session = ScriptedSession(endless)
    run_bench(lambda: session, SMALL)
    first, second = asked(session, "cold")
    assert common_prefix(first.prompt_ids, second.prompt_ids) < 3


def test_warm_turns_report_what_was_reused():
    session = ScriptedSession(endless)
    report = run_bench(lambda: session, SMALL)
    (share,) = [f for f in report.figures if f.name == "reused share, warm turn at 400 tokens"]
    assert share.value == pytest.approx(360 / 400)
    assert share.runs == 2


def test_all_npcs_of_a_crowd_speak_at_the_same_time():
    gate = threading.Barrier(3, timeout=60)

    def script(request):
        if request.conversation.endswith("of 3"):
            gate.wait()  # passes only when three requests have begun
        return endless()

    report = run_bench(lambda: ScriptedSession(script), SMALL)
    assert [crowd.num_npcs for crowd in report.crowds] == [1, 3]
    assert not gate.broken


def test_a_failed_request_is_reported_and_the_rest_goes_on():
    def script(request):
        if request.conversation == "bench warm 400":
            return Reply("a", fault="raise", fault_after_tokens=0, error="the cable was cut")
        return endless()

    report = run_bench(lambda: ScriptedSession(script), SMALL)
    assert all(
        problem.what == "first token, warm turn at 400 tokens" for problem in report.problems
    )
    assert [problem.why for problem in report.problems] == [
        "1 of 1 requests: the cable was cut",
        "2 of 2 requests: the cable was cut",
    ]
    assert "first token, warm turn at 400 tokens" not in names(report)
    assert "speed, 3 NPCs at once" in names(report)
    assert "the cable was cut" in bench_text(report)


def test_a_round_that_lost_a_speaker_counts_for_no_crowd():
    def script(request):
        if request.conversation == "bench crowd 1 of 3":
            return Reply("", fault="raise", error="gone")
        return endless()

    report = run_bench(lambda: ScriptedSession(script), SMALL)
    assert [crowd.num_npcs for crowd in report.crowds] == [1]
    assert report.problems == [Problem("speed, 3 NPCs at once", "1 of 3 requests: gone")]


def test_a_silent_model_is_a_problem_and_no_crash():
    report = run_bench(lambda: ScriptedSession([""]), SMALL)
    assert report.crowds == []
    assert {problem.why for problem in report.problems} == {
        "1 of 1 requests: the model had nothing to say",
        "2 of 2 requests: the model had nothing to say",
        "3 of 3 requests: the model had nothing to say",
    }


def test_a_small_window_leaves_out_the_long_talks():
    report = run_bench(lambda: ScriptedSession(endless, window_tokens=2048), BenchPlan(
        rounds=1, warm_tokens=(400, 3500), crowds=(1,), crowd_rounds=1, crowd_tokens=300
    ))  # fmt: skip
    assert [problem.what for problem in report.problems] == [
        "first token, warm turn at 3,500 tokens"
    ]
    assert "first token, warm turn at 400 tokens" in names(report)


def test_an_interrupt_keeps_what_was_measured_and_closes_the_session():
    session = ScriptedSession(endless)

    def interrupt(step, share):
        if session.requests:
            raise KeyboardInterrupt

    report = run_bench(lambda: session, SMALL, on_progress=interrupt)
    assert report.was_interrupted
    assert names(report)[0] == "start-up until ready"
    assert any(name.startswith("first token, cold") for name in names(report))
    assert report.crowds == []
    assert "interrupted" in bench_text(report)
    assert json.loads(bench_json(report))["was_interrupted"] is True
    assert next(session.stream(session.requests[0])).reason == "cancelled"  # it is closed


def test_an_interrupt_while_npcs_speak_cancels_them(monkeypatch):
    session = ScriptedSession([Reply("a", fault="hang", fault_after_tokens=0)])
    request = GenerationRequest("one", (1, 2, 3))
    real = threading.Thread.join

    def join(self, timeout=None):
        if self.name == "npc-bench":
            monkeypatch.setattr(threading.Thread, "join", real)
            raise KeyboardInterrupt
        real(self, timeout)

    monkeypatch.setattr(threading.Thread, "join", join)
    with pytest.raises(KeyboardInterrupt):
        speak(session, [request])
    for thread in threading.enumerate():
        if thread.name == "npc-bench":
            thread.join(60)
            assert not thread.is_alive()


def test_the_time_limit_leaves_out_the_rest_and_says_so():
    late = BenchPlan(rounds=1, warm_tokens=(400,), crowds=(1,), time_limit_s=0.0)
    session = ScriptedSession(endless)
    report = run_bench(lambda: session, late)
    assert session.requests == []
    assert names(report) == ["start-up until ready"]
    assert all("left out after 0 s" in problem.why for problem in report.problems)
    assert len(report.problems) == 5


def test_a_reply_that_hangs_ends_with_the_time_limit():
    plan = BenchPlan(rounds=1, warm_tokens=(), crowds=(), time_limit_s=0.5)
    session = ScriptedSession([Reply("a", fault="hang", fault_after_tokens=0)])
    report = run_bench(lambda: session, plan)
    assert report.problems[0].why == "1 of 1 requests: not done within the time limit"


def test_a_model_that_cannot_be_opened_is_the_callers_error():
    def broken():
        raise LoadError("no weights")

    with pytest.raises(LoadError):
        run_bench(broken, SMALL)


def test_a_server_is_not_measured_and_its_session_is_closed():
    session = ScriptedSession(endless)
    session._info = replace(session.info, device="remote")
    with pytest.raises(CommandError, match="found a server"):
        run_bench(lambda: session, SMALL)
    assert session.requests == []
    assert next(session.stream(GenerationRequest("late", (1,)))).reason == "cancelled"


def test_an_error_that_no_session_may_raise_is_not_swallowed():
    class Broken(ScriptedSession):
        def stream(self, request):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_bench(lambda: Broken(endless), SMALL)


def test_the_quick_plan_is_a_part_of_the_full_one():
    assert set(QUICK.crowds) < set(FULL.crowds) == {1, 2, 4, 8, 16, 32}
    assert QUICK.rounds < FULL.rounds
    assert QUICK.time_limit_s is not None and QUICK.time_limit_s < 60


# -- figures ---------------------------------------------------------------------------------------


def heard(*times):
    return Spoken(GenerationRequest("one", (1,)), token_times=list(times))


def test_speed_is_counted_while_everybody_speaks():
    early, late = heard(0.0, 1.0, 2.0, 3.0), heard(1.0, 2.0, 3.0, 4.0)
    assert tokens_per_s([early, late]) == 4 / 2
    assert tokens_per_s([early]) == 1.0
    assert tokens_per_s([heard(0.0, 1.0), heard(2.0, 3.0)]) == 1.0  # never both at once
    assert tokens_per_s([heard(5.0)]) == 0.0
    assert tokens_per_s([]) == 0.0


def test_the_longest_gap_is_between_two_tokens_of_one_speaker():
    assert heard(0.0, 0.5, 0.75).longest_gap_ms == 500
    assert heard(1.0).longest_gap_ms == 0


def test_memory_of_a_process_is_told_or_left_out():
    own = resident_bytes(os.getpid())
    assert own is None or own > 1_000_000
    assert resident_bytes(2**22 + 1) is None


def test_memory_of_a_model_process_is_that_of_the_sessions_pid():
    class InWorker(ScriptedSession):
        pid = os.getpid()

    plan = BenchPlan(rounds=1, warm_tokens=(), crowds=())
    report = run_bench(lambda: InWorker(endless), plan)
    found = {figure.name: figure.value for figure in report.figures}
    assert found.get("memory, model process") == pytest.approx(
        found.get("memory, this process"), rel=0.1
    )
    assert report.settings["process"] == "worker"


def test_a_session_may_tell_its_memory_itself():
    class Telling(ScriptedSession):
        def stats(self):
            return {**super().stats(), "resident_bytes": 3e6}

    plan = BenchPlan(rounds=1, warm_tokens=(), crowds=())
    report = run_bench(lambda: Telling(endless), plan)
    (memory,) = [f for f in report.figures if f.name == "memory, model process"]
    assert (memory.value, memory.unit) == (3.0, "MB")


# -- reports ---------------------------------------------------------------------------------------

REPORT = BenchReport(
    [Figure("speed, one NPC alone", 12.0, "tokens/s"), Figure("memory", 1234.4, "MB", runs=3)],
    [Crowd(1, 12.0, 12.0, 40.0, 90.0, 2), Crowd(8, 48.0, 6.0, 300.0, 210.5, 2)],
    [Problem("first token, cold", "1 of 5 requests: [no] cable")],
    {"model": "tiny", "rounds": 2},
)


def test_the_json_has_the_form_of_all_benchmarks():
    data = json.loads(bench_json(REPORT))
    assert {"hardware", "versions", "settings", "figures", "rows"} < set(data)
    for figure in data["figures"]:
        assert {"name", "value", "unit", "target", "met", "runs"} <= set(figure)
    assert [row["num_npcs"] for row in data["rows"]] == [1, 8]
    assert data["settings"] == {"model": "tiny", "rounds": 2}
    assert data["problems"] == [{"what": "first token, cold", "why": "1 of 5 requests: [no] cable"}]
    assert data["versions"]["npc_engine"] == versions()["npc_engine"]


def test_figures_of_one_run_have_different_names():
    found = names(run_bench(lambda: ScriptedSession(endless), SMALL))
    assert len(found) == len(set(found))


def test_the_text_shows_table_bars_and_what_failed():
    lines = bench_text(REPORT).splitlines()
    (one,) = [line for line in lines if line.split()[:1] == ["1"]]
    (eight,) = [line for line in lines if line.split()[:1] == ["8"]]
    assert one.count("█") * 4 == pytest.approx(eight.count("█"), abs=4)
    assert "1,234 MB" in " ".join(" ".join(lines).split())
    assert "not measured: first token, cold: 1 of 5 requests: [no] cable" in lines
    assert lines[-1] == "model: tiny, rounds: 2"
    assert max(map(len, lines[:-2])) <= 100


def test_a_report_without_anything_is_still_a_text():
    assert versions()["npc_engine"] in bench_text(BenchReport())


# -- the command -----------------------------------------------------------------------------------


def test_the_command_prints_the_table_and_writes_the_json(monkeypatch, tmp_path):
    opened = []

    def open_session(name, **options):
        opened.append(name)
        return ScriptedSession(endless)

    monkeypatch.setattr(cli, "open_session", open_session)
    file = tmp_path / "bench.json"
    done = CliRunner().invoke(
        cli.app, ["bench", "--quick", "--model", "smollm2", "--json", str(file)]
    )
    assert done.exit_code == 0, done.output
    assert opened == ["smollm2"]
    assert "start-up until ready" in done.output
    assert [row["num_npcs"] for row in json.loads(file.read_text("utf-8"))["rows"]] == [1, 2, 4, 8]


def test_the_interrupted_command_prints_what_there_is_and_says_so_by_its_exit_code(monkeypatch):
    def open_session(name, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "open_session", open_session)
    done = CliRunner().invoke(cli.app, ["bench"])
    assert done.exit_code == 130
    assert "interrupted" in done.output
