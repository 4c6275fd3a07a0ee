"""The benchmarks' own machinery: peers over pipes, rounds that alternate, ratios. No timings."""

import argparse
import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from benchmarks.peers.opening import Opened, peer_command, wanted_peers
from benchmarks.peers.ours import Ours
from benchmarks.peers.protocol import PeerError, PeerProcess, timed
from benchmarks.report import Figure, write_json
from benchmarks.session import NEW_TOKENS, TOGETHER, Run, Sizes
from benchmarks.session_figures import Measured, session_figures
from benchmarks.side_by_side import (
    Series,
    alternate,
    longest_wait_steps,
    noisy_rounds,
    spread,
)
from npc_engine.authoring.bench_prompts import BenchStage
from npc_engine.model.plain_tokenizer import PlainTokenizer
from npc_engine.model.prefixes import common_prefix
from npc_engine.model.scripted import Reply, ScriptedSession
from tests.stage import ROOT

# -- peers over pipes ------------------------------------------------------------------------------

PEER = """\
import sys
from benchmarks.peers.protocol import serve

def add(first, second):
    print("a library prints this")
    return {"sum": first + second}

def leave():
    print("out of luck", file=sys.stderr, flush=True)
    import os
    os._exit(7)

serve(lambda: {"add": add, "leave": leave, "divide": lambda: {"x": 1 / 0}})
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    opened = []

    def start_peer(source):
        script = tmp_path / f"peer{len(opened)}.py"
        script.write_text(source, encoding="utf-8")
        opened.append(PeerProcess("fake", [sys.executable, str(script)]))
        return opened[-1]

    yield start_peer
    for peer in opened:
        peer.close()


def test_a_peer_answers_whatever_its_libraries_print(start):
    peer = start(PEER)
    peer.wait_until_open()
    assert peer.ask("add", first=2, second=3) == {"sum": 5}
    assert peer.ask("add", first=1, second=1) == {"sum": 2}
    peer.close()
    peer.close()


def test_a_peer_that_cannot_answer_says_so_and_goes_on(start):
    peer = start(PEER)
    peer.wait_until_open()
    with pytest.raises(PeerError, match="does not know"):
        peer.ask("sing")
    with pytest.raises(PeerError, match="ZeroDivisionError"):
        peer.ask("divide")
    assert peer.ask("add", first=2, second=3) == {"sum": 5}


def test_a_peer_that_ends_is_an_error_with_its_last_words(start):
    peer = start(PEER)
    peer.wait_until_open()
    with pytest.raises(PeerError, match="fake: ended with code 7: out of luck"):
        peer.ask("leave")
    with pytest.raises(PeerError):
        peer.ask("add", first=1, second=1)


def test_a_peer_that_is_not_installed_is_an_error_when_it_opens(start):
    peer = start(
        "from benchmarks.peers.protocol import serve\nserve(lambda: __import__('no_such'))"
    )
    with pytest.raises(PeerError, match="No module named 'no_such'"):
        peer.wait_until_open()
    with pytest.raises(PeerError, match="cannot be started"):
        PeerProcess("fake", ["/no/such/python"])


def test_the_llama_peer_needs_nothing_of_the_engine():
    code = (
        "import sys, benchmarks.peers.llama;"
        "print([name for name in sys.modules if name.startswith(('npc_engine', 'rich', 'torch'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_a_reply_is_timed_over_as_many_tokens_as_asked():
    tokens = iter([7, 8, 9, 10])
    answer = timed(tokens, 3, 0.0)
    assert (answer["first_id"], answer["reply_tokens"]) == (7, 3)
    assert next(tokens) == 10
    with pytest.raises(PeerError, match="no token"):
        timed(iter([]), 3, 0.0)


# -- our peer --------------------------------------------------------------------------------------


def endless(request):
    return Reply("a b c", fault="endless")


def test_our_peer_takes_exactly_the_tokens_asked_for_and_reuses_the_talk():
    session = ScriptedSession(endless)
    ours = Ours(session).questions
    ids = list(range(100))
    ours["read"](ids=ids[:90], talk="one")
    answer = ours["turn"](ids=ids, talk="one", tokens=5)
    assert answer["reply_tokens"] == 5
    assert answer["reused_tokens"] == 90
    assert session.requests[-1].sampling.temperature == 0
    assert session.requests[-1].sampling.repetition_penalty == 1
    both = ours["together"](prompts=[ids, ids[:50]], talk="two", tokens=4)
    assert both["reply_tokens"] == 8
    assert [one.conversation for one in session.requests[-2:]] == ["two 0", "two 1"]


def test_our_peer_reports_what_fails():
    ours = Ours(ScriptedSession([Reply("a", fault="raise", error="gone")])).questions
    with pytest.raises(PeerError, match="gone"):
        ours["turn"](ids=[1, 2], talk="one", tokens=3)
    with pytest.raises(PeerError, match="gone"):
        ours["together"](prompts=[[1, 2]], talk="one", tokens=3)


# -- rounds and ratios -----------------------------------------------------------------------------


def test_sides_alternate_and_warm_ups_do_not_count():
    calls = []

    def side(name):
        def run(number):
            calls.append((name, number))
            return {"first_ms": float(number)}

        return run

    series = alternate("x", {"a": side("a"), "b": side("b")}, rounds=2, warmups=1)
    assert calls == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert series.values("a", "first_ms") == [1.0, 2.0]


def test_a_side_that_fails_leaves_and_the_other_goes_on():
    asked = []

    def broken(number):
        asked.append(number)
        raise PeerError("gone")

    sides = {"a": broken, "b": lambda number: {"first_ms": 1.0}}
    series = alternate("x", sides, rounds=3, warmups=1, failures=PeerError)
    assert asked == [0]
    assert series.problems == {"a": "gone"}
    assert series.values("b", "first_ms") == [1.0] * 3
    assert series.ratio(("a", "first_ms"), ("b", "first_ms")) is None


def test_an_error_that_is_no_failure_of_a_peer_is_raised():
    with pytest.raises(ZeroDivisionError):
        alternate("x", {"a": lambda n: {"v": 1 / 0}}, rounds=1, warmups=0, failures=PeerError)


def test_strict_measures_noisy_rounds_again():
    values = iter([100.0, 101.0, 150.0, 99.0, 100.0])
    sides = {"a": lambda number: {"first_ms": next(values)}}
    series = alternate("x", sides, rounds=4, warmups=0, strict=True)
    assert series.values("a", "first_ms") == [100.0, 101.0, 99.0, 100.0]
    assert series.num_discarded == 1


def test_strict_gives_up_when_the_noise_does_not_end():
    rounds = []

    def noise(number):
        rounds.append(number)
        return {"first_ms": 2.0**number}

    series = alternate("x", {"a": noise}, rounds=3, warmups=2, strict=True)
    assert len(series.rounds) == 3
    assert len(rounds) <= 2 + 3 + 2 * 3
    assert series.num_discarded == len(rounds) - 5


def test_without_strict_nothing_is_measured_again():
    values = iter([100.0, 900.0])
    series = alternate("x", {"a": lambda n: {"first_ms": next(values)}}, rounds=2, warmups=0)
    assert noisy_rounds(series.rounds) == [0, 1]
    assert series.num_discarded == 0


speeds = st.floats(0.01, 1000)


@given(st.lists(st.tuples(speeds, speeds), min_size=1, max_size=9), speeds)
def test_a_ratio_does_not_see_how_slow_a_round_was(pairs, factor):
    def series(scale):
        rounds = [
            {"a": {"v": a * by}, "b": {"v": b * by}}
            for (a, b), by in zip(pairs, scale, strict=True)
        ]
        return Series("x", rounds)

    quiet = series([1.0] * len(pairs)).ratio(("a", "v"), ("b", "v"))
    busy = series([factor * (n + 1) for n in range(len(pairs))]).ratio(("a", "v"), ("b", "v"))
    assert busy == pytest.approx(quiet)


def test_ratios_are_medians_of_single_rounds():
    pairs = [(10, 2), (10, 5), (10, 10)]
    series = Series("x", [{"a": {"v": a}, "b": {"v": b}} for a, b in pairs])
    assert series.ratio(("a", "v"), ("b", "v")) == 2
    assert series.median("b", "v") == 5
    assert series.median("c", "v") is None
    assert Series("x", [{"a": {"v": 1}, "b": {"v": 0}}]).ratio(("a", "v"), ("b", "v")) is None


def test_spread_is_a_share_of_the_median():
    assert spread([9.0, 10.0, 11.0]) == pytest.approx(0.2)
    assert spread([5.0]) == spread([]) == 0


@given(st.integers(2, 8), st.integers(2, 10))
def test_speakers_in_turn_wait_one_step(speakers, steps):
    times = [[step + one / 10 for step in range(steps)] for one in range(speakers)]
    assert longest_wait_steps(times) == 1


def test_a_speaker_that_stutters_waits_as_long_as_others_speak():
    assert longest_wait_steps([[0.0, 5.0], [0.5, 1.0, 2.0, 3.0, 6.0]]) == 4
    assert longest_wait_steps([[0.0, 1.0, 2.0]]) == 0
    assert longest_wait_steps([[], [1.0]]) == 0


def test_speakers_one_after_the_other_wait_for_whole_replies():
    assert longest_wait_steps([[0.0, 1.0, 2.0], [3.0, 4.0]]) == 3


# -- the whole run ---------------------------------------------------------------------------------


class FakePeer:
    """Answers at once, and keeps what it was asked."""

    process_id = os.getpid()
    first_id = 9

    def __init__(self, speed, fails=False):
        self.speed = speed
        self.fails = fails
        self.asked = []

    def ask(self, do, **request):
        if self.fails:
            raise PeerError("gone")
        self.asked.append((do, request))
        if do == "turn":
            return {
                "first_ms": 1000 / self.speed,
                "tokens_per_s": self.speed,
                "reused_tokens": 260,
                "first_id": self.first_id,
            }
        if do == "together":
            return {"total_tokens_per_s": 4 * self.speed, "longest_wait_steps": 1}
        if do == "memory":
            return {"weights_bytes": 1e6, "budget_bytes": 1e12, "held_bytes": 1e6}
        return {}

    def prompts(self, do):
        return [request["ids"] for what, request in self.asked if what == do]


SIZES = Sizes(
    talk_tokens=300, short_tokens=200, together_tokens=(250,), cold_tokens=120, rounds=2, warmups=1
)


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(Run, "_cold_start", lambda *_: {"first_s": 2.0, "until python": 0.5})

    def run_with(peers, **options):
        settings = argparse.Namespace(rounds=None, strict=False, **options)
        stage = BenchStage.shipped(PlainTokenizer())
        return Run(settings, SIZES, peers, stage, Console(quiet=True)).all()

    return run_with


def test_every_side_gets_the_same_ids_in_the_same_order(run):
    peers = {name: FakePeer(10) for name in ("ours", "worker", "generate", "llama")}
    run(peers)
    ours = peers["ours"].prompts("turn")
    assert peers["generate"].prompts("turn") == ours
    assert peers["worker"].prompts("turn") == ours[:3]
    assert peers["llama"].prompts("turn")[:6] == ours
    assert [len(ids) for ids in ours] == [300] * 3 + [200] * 3
    for early, late in zip(ours[:3], ours[1:3], strict=False):
        assert common_prefix(early, late) == 300 - NEW_TOKENS
    (beginning, _) = peers["ours"].prompts("read")
    assert beginning == ours[0][: 300 - NEW_TOKENS]
    together = [request for what, request in peers["ours"].asked if what == "together"]
    assert {len(request["prompts"]) for request in together} == {TOGETHER}


def test_the_run_comes_to_figures_with_targets(run):
    peers = {"ours": FakePeer(40), "generate": FakePeer(4), "llama": FakePeer(20)}
    peers["generate_float32"] = FakePeer(10)
    figures = {f.name: f for f in session_figures(run(peers), has_targets=True)}
    ratio = figures["first token, warm turn at 300, ours / generate"]
    assert (ratio.value, ratio.target, ratio.met, ratio.runs) == (
        pytest.approx(0.1),
        0.05,
        False,
        2,
    )
    assert figures["decode at 200, ours / llama"].value == 2
    assert figures["decode at 300, ours / generate_float32"].met is True
    eight = figures["eight at once at 250, ours in total / llama alone"]
    assert (eight.value, eight.met) == (8, True)
    assert figures["eight at once at 250, longest wait of a speaker"].met is True
    assert figures["cold process to first token, worker"].value == 2
    assert figures["- local, until python"].target is None
    assert figures["reused share, ours"].value == pytest.approx(260 / 300)
    assert figures["largest spread of a side"].value == 0


def test_a_side_that_says_something_else_is_seen(run):
    name = "rounds with one first token on all sides"
    peers = {"ours": FakePeer(40), "generate": FakePeer(4)}
    assert {f.name: f.value for f in session_figures(run(peers), has_targets=True)}[name] == 1
    peers["generate"].first_id = 8
    assert {f.name: f.value for f in session_figures(run(peers), has_targets=True)}[name] == 0


def test_small_sizes_have_no_targets(run):
    figures = session_figures(run({"ours": FakePeer(40)}), has_targets=False)
    assert figures
    assert {figure.met for figure in figures} == {None}


def test_a_peer_that_fails_is_named_and_its_figures_are_left_out(run):
    measured = run({"ours": FakePeer(40), "llama": FakePeer(1, fails=True)})
    names = [figure.name for figure in session_figures(measured, has_targets=True)]
    assert not [name for name in names if "llama" in name]
    assert measured.problems()["warm turn at 300, llama"] == "gone"
    assert "decode at 200, ours" in names


def test_rows_hold_every_value_of_every_round(run, tmp_path):
    measured = run({"ours": FakePeer(40), "generate": FakePeer(4)})
    rows = measured.rows()
    warm = [row for row in rows if row["series"] == "warm turn at 300"]
    assert [(row["round"], row["side"]) for row in warm] == [
        (0, "ours"), (0, "generate"), (1, "ours"), (1, "generate"),
    ]  # fmt: skip
    file = tmp_path / "out.json"
    write_json(file, session_figures(measured, has_targets=True), {"model": "fake"}, rows)
    data = json.loads(file.read_text(encoding="utf-8"))
    assert len(data["rows"]) == len(rows)
    for figure in data["figures"]:
        assert {"name", "value", "unit", "target", "met", "runs"} <= set(figure)


def test_discarded_rounds_are_told():
    quiet = Series("a")
    measured = Measured(quiet, Series("b", num_discarded=2), [], quiet, {}, 300, 200)
    assert measured.problems() == {"b, rounds discarded": 2}


# -- opening ---------------------------------------------------------------------------------------


def test_the_compiled_peer_is_for_gpus_only():
    assert wanted_peers("generate,llama", "cpu") == ["generate", "llama"]
    assert wanted_peers("generate,llama", "cuda") == ["generate", "llama", "generate_static"]
    assert wanted_peers("", "cuda") == []
    with pytest.raises(SystemExit, match="vllm"):
        wanted_peers("vllm", "cpu")


def test_peers_read_the_weights_that_ours_reads(tmp_path):
    options = argparse.Namespace(llama_gguf=tmp_path / "m.gguf", llama_python="python-of-llama")
    info = {"folder": "weights", "dtype": "bfloat16", "device": "cpu"}
    own = peer_command("generate", options, info)
    wide = peer_command("generate_float32", options, info)
    assert own[own.index("--dtype") + 1] == "bfloat16"
    assert wide[wide.index("--dtype") + 1] == "float32"
    assert own[own.index("--folder") + 1] == "weights"
    assert "--static" in peer_command("generate_static", options, info)
    llama = peer_command("llama", options, info)
    assert llama[0] == "python-of-llama"
    assert llama[-1] == str(tmp_path / "m.gguf")


def test_settings_name_every_side_and_what_is_missing():
    opened = Opened({}, {"llama": {"version": "1"}}, {"generate": "not installed"})
    assert opened.settings() == {"llama version": "1", "generate left out": "not installed"}


def test_a_figure_without_target_is_neither_met_nor_missed():
    assert Figure("x", 1.0, "s").met is None
    assert Figure("x", 1.0, "s", 1.0).met is True
    assert Figure("x", 2.0, "s", 1.0, at_most=True).met is False
