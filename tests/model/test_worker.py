"""The worker process: what a game sees when its child loads, speaks, dies, hangs or prints."""

import contextlib
import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from npc_engine.errors import LoadError
from npc_engine.messages import Message, Sampling
from npc_engine.model.opening import open_session
from npc_engine.model.worker.patience import Patience
from npc_engine.model.worker.process import PYTHON_VARIABLE, describe_exit, worker_command
from npc_engine.model.worker.session import WorkerSession
from npc_engine.protocols import GenerationEnd, GenerationRequest, TokenDelta
from tests.stage import ROOT

STAGE = "tests.model.worker_stage"
GREEDY = Sampling(temperature=0, repetition_penalty=1)
WAIT_S = 60
"""A net under what must come; nothing is measured by it."""
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture
def start():
    """Starts worker sessions and closes them."""
    sessions = []

    def starter(opener, options=None, *, ready=True, **patience):
        session = WorkerSession(f"{STAGE}:{opener}", options or {}, patience=Patience(**patience))
        sessions.append(session)
        if ready:
            session.wait_ready()
        return session

    yield starter
    for session in sessions:
        session.close()


def ask(session, name="r", text="Any work for a sword arm?", **options):
    ids = session.tokenizer.render([Message("user", text)]).token_ids
    options = {"max_tokens": 12, "sampling": GREEDY, **options}
    return GenerationRequest(name, ids, **options)


def run(session, name="r", **options):
    """All events; checks the rule of the one final event."""
    events = list(session.stream(ask(session, name, **options)))
    assert [type(event) for event in events] == [TokenDelta] * (len(events) - 1) + [GenerationEnd]
    return events


def end_of(session, name="r", **options):
    return run(session, name, **options)[-1]


def until(holds):
    """Wait for something that must come about."""
    give_up = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def is_alive(pid):
    """Whether the process runs; one that only waits to be collected does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):  # gone since, or no /proc
        return not Path("/proc").exists()
    return stat.rpartition(")")[2].split()[0] != "Z"


# -- opening ------------------------------------------------------------------------------------


def test_what_the_model_is_comes_over(start):
    session = start("open_scripted", {"window_tokens": 300})
    assert (session.info.name, session.info.window_tokens) == ("scripted", 300)
    assert session.tokenizer.window_tokens == 300
    assert session.stats()["restarts"] == 0


def test_a_load_error_is_the_same_error_with_the_same_text(start):
    with pytest.raises(LoadError) as caught:
        start("open_breaking")
    assert str(caught.value) == (
        "models/mira: found no weights; expected model.safetensors; fetch it"
    )


@pytest.mark.parametrize(
    ("opener", "options", "words"),
    [
        ("open_breaking", {"kind": "value"}, "ValueError: seven is not a colour"),
        ("open_breaking", {"kind": "exit"}, "status 7 while it loaded.*\ncuda driver gave up"),
        ("open_breaking", {"kind": "nothing"}, "AttributeError"),
        ("open_nothing", {}, "expected module:function"),
        ("open_stuck", {"colour": "red"}, "colour"),
        ("open_scripted", {"colour": object()}, "options cannot be sent"),
    ],
)
def test_whatever_goes_wrong_while_loading_is_a_load_error(start, opener, options, words):
    with pytest.raises(LoadError, match=f"(?s){words}"):
        start(opener, options)


def test_what_was_asked_before_a_failed_load_fails_with_its_reason(start):
    session = start("open_breaking", ready=False)
    events = list(session.stream(GenerationRequest("r", (1, 2))))
    assert [(event.reason, "no weights" in event.error) for event in events] == [("failed", True)]
    with pytest.raises(LoadError):
        _ = session.info


def test_what_is_asked_while_the_model_loads_is_answered(start):
    session = start("open_slowly", {"seconds": 0.3}, ready=False)
    assert list(session.stream(GenerationRequest("r", (500, 501), max_tokens=3)))[-1].reason == (
        "length"
    )


def test_progress_is_told_on_the_thread_that_waits(start):
    session = start("open_slowly", {"seconds": 0.0}, ready=False)
    told = []
    session.wait_ready(lambda *news: told.append((*news, threading.current_thread())))
    assert told == [("reading the weights", 0.25, threading.current_thread())]


def test_closing_while_the_model_loads_ends_the_child(start, tmp_path):
    log = tmp_path / "pid"
    session = start("open_slowly", {"log": str(log)}, ready=False)
    stream = session.stream(GenerationRequest("r", (1, 2)))
    until(lambda: log.exists() and log.read_text(encoding="utf-8"))
    threading.Thread(target=session.close).start()
    with pytest.raises(LoadError, match="closed"):
        session.wait_ready()
    assert [event.reason for event in stream] == ["cancelled"]
    session.close()
    assert not is_alive(int(log.read_text(encoding="utf-8")))


def test_a_child_that_cannot_be_started_is_a_load_error():
    session = WorkerSession(command=("/nowhere/python",))
    with pytest.raises(LoadError, match="cannot be started"):
        session.wait_ready()
    session.close()


def test_a_program_that_is_no_worker_is_a_load_error():
    command = (sys.executable, "-c", "print('Welcome'); input()")
    session = WorkerSession(command=command)
    with pytest.raises(LoadError, match="expected a frame"):
        session.wait_ready()
    session.close()


def test_an_executable_that_is_no_python_is_refused_unless_one_is_named(monkeypatch):
    monkeypatch.delenv(PYTHON_VARIABLE, raising=False)
    monkeypatch.setattr(sys, "executable", "/games/oakhollow")
    with pytest.raises(LoadError, match='process="local"'):
        worker_command()
    monkeypatch.setenv(PYTHON_VARIABLE, "/usr/bin/python3")
    assert worker_command()[0] == "/usr/bin/python3"


def test_the_host_never_imports_torch():
    code = (
        "import sys\n"
        "from npc_engine.model import WorkerSession\n"
        "from npc_engine.protocols import GenerationRequest\n"
        f"session = WorkerSession('{STAGE}:open_scripted')\n"
        "events = list(session.stream(GenerationRequest('r', (500, 501), max_tokens=3)))\n"
        "session.close()\n"
        "print(events[-1].reason, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert (done.stdout.split(), done.stderr) == (["length", "False"], "")


# -- speaking -----------------------------------------------------------------------------------


def test_prints_of_libraries_do_not_reach_the_pipe_or_the_terminal(start, capfd):
    session = start("open_noisy")
    assert end_of(session, max_tokens=60).reason == "length"
    session.close()
    assert capfd.readouterr() == ("", "")


def test_a_session_that_breaks_its_promise_still_gives_one_final_event(start):
    end = end_of(start("open_raising"))
    assert (end.reason, end.usage.reply_tokens) == ("failed", 0)
    assert "ArithmeticError: anvil" in end.error


def test_an_id_beyond_64_bits_fails_in_words(start):
    session = start("open_scripted")
    [end] = session.stream(GenerationRequest("r", (2**70,)))
    assert (end.reason, "64 bits" in end.error) == ("failed", True)
    assert end_of(session).reason == "length"


def test_deadlines_and_priorities_reach_the_child(start):
    session = start("open_deadlines", {"seconds": 0.2}, ready=False)
    events = list(session.stream(GenerationRequest("r", (500,), deadline_s=50)))
    text = "".join(event.text for event in events[:-1]) + events[-1].tail
    assert 45 < float(text) < 49.9
    other = start("open_priorities")
    stream = other.stream(ask(other, "slow", max_tokens=200))
    next(stream)
    other.reprioritise("slow", "ambient")
    events = run(other, "next")
    assert "".join(event.text for event in events[:-1]) + events[-1].tail == "ambient"
    stream.close()


def test_many_requests_at_once_each_get_their_own_words(start):
    texts = {f"npc{number}": f"I am number {number}, " * 20 for number in range(40)}
    session = start("open_telling", {"texts": texts})
    streams = {
        name: session.stream(ask(session, name, conversation=name, max_tokens=300))
        for name in texts
    }
    for name, stream in streams.items():
        *deltas, end = stream
        assert "".join(delta.text for delta in deltas) + end.tail == texts[name]
        assert {delta.request_id for delta in deltas} == {name}


# -- dying --------------------------------------------------------------------------------------


@posix_only
def test_a_killed_child_is_replaced_and_the_next_request_is_answered(start):
    session = start("open_scripted")
    stream = session.stream(ask(session, max_tokens=200))
    next(stream)
    os.kill(session.pid, signal.SIGKILL)
    end = list(stream)[-1]
    assert (end.reason, "too little memory" in end.error) == ("failed", True)
    assert end_of(session, "next").reason == "length"


@posix_only
def test_counters_go_on_over_restarts(start):
    session = start("open_scripted")
    end_of(session)
    os.kill(session.pid, signal.SIGKILL)
    end_of(session)
    stats = session.stats()
    assert (stats["restarts"], stats["requests"], stats["reply_tokens"]) == (1, 2, 24)


def test_a_crash_tells_the_last_words_of_the_child(start):
    end = end_of(start("open_dying", {"after_tokens": 2}))
    assert (end.reason, end.usage.reply_tokens) == ("failed", 2)
    assert "status 5 (the iron broke)" in end.error


def test_a_request_without_a_token_is_asked_once_more(start, tmp_path):
    marker = tmp_path / "died"
    session = start("open_dying", {"after_tokens": 0, "only_first": str(marker)})
    assert end_of(session, max_tokens=100).reason == "done"
    assert (session.stats()["restarts"], marker.exists()) == (1, True)


def test_a_request_that_kills_every_child_fails_the_second_time(start):
    session = start("open_dying", {"after_tokens": 0})
    end = end_of(session)
    assert (end.reason, "status 5" in end.error) == ("failed", True)
    until(lambda: session.stats()["restarts"] == 2)


@posix_only
def test_a_child_that_is_silent_is_replaced(start):
    session = start("open_scripted", silence_s=0.6)
    stream = session.stream(ask(session, max_tokens=200))
    next(stream)
    stopped = session.pid
    os.kill(stopped, signal.SIGSTOP)
    end = list(stream)[-1]
    assert (end.reason, "no sign of life" in end.error) == ("failed", True)
    assert end_of(session, "next").reason == "length"
    assert not is_alive(stopped)


def test_a_child_that_lives_but_makes_no_progress_is_replaced(start):
    session = start("open_stuck", stuck_s=0.5)
    time.sleep(0.8)  # nothing to do is not the same as no progress
    assert session.stats()["restarts"] == 0
    end = end_of(session, seed=13)
    assert (end.reason, "no progress" in end.error) == ("failed", True)
    assert end_of(session).reason == "length"


@posix_only
def test_conversations_are_read_again_by_the_new_child(start):
    session = start("open_scripted")
    first = run(session, conversation="mira")
    session.warm("aldric", ask(session).prompt_ids)
    os.kill(session.pid, signal.SIGKILL)
    until(lambda: session.stats()["restarts"] == 1 and session.pid)
    end_of(session, "other")
    longer = ask(session).prompt_ids + tuple(delta.token_id for delta in first[:-1]) + (500,)
    *_, end = session.stream(GenerationRequest("again", longer, max_tokens=3, conversation="mira"))
    assert end.usage.reused_tokens == len(longer) - 1
    assert end_of(session, "aldric", conversation="aldric").usage.reused_tokens > 0


@posix_only
def test_what_waits_for_a_new_child_can_be_cancelled_at_once(start):
    session = start("open_scripted", silence_s=30.0)
    os.kill(session.pid, signal.SIGKILL)
    until(lambda: session._watch.state != "ready")
    stream = session.stream(ask(session, max_tokens=200))
    session.cancel("r")
    assert list(stream)[-1].reason == "cancelled"


def test_a_child_that_dies_again_and_again_is_left_alone_for_a_while(start):
    session = start("open_dying", {"after_tokens": 1}, rest_s=0.5)
    for _ in range(3):
        assert end_of(session).reason == "failed"
    until(lambda: session._watch.state == "resting")
    events = list(session.stream(ask(session)))
    assert [event.reason for event in events] == ["failed"]
    assert "3 times" in events[0].error
    until(lambda: session.stats()["restarts"] == 3 or list(session.stream(ask(session)))[1:])


def test_a_model_that_opens_once_and_never_again_is_reported(start, tmp_path):
    session = start("open_then_breaking", {"marker": str(tmp_path / "opened")})
    assert end_of(session).reason == "length"
    session._watch._worker.kill("test")
    until(lambda: session._watch.state == "resting")
    [end] = session.stream(ask(session))
    assert (end.reason, "the weights are gone" in end.error) == ("failed", True)


# -- ending -------------------------------------------------------------------------------------


def test_closing_ends_the_child_and_everything_that_is_asked(start):
    session = start("open_scripted")
    pid = session.pid
    streams = [session.stream(ask(session, f"r{number}", max_tokens=200)) for number in range(4)]
    next(streams[0])
    closers = [threading.Thread(target=session.close) for _ in range(3)]
    for thread in closers:
        thread.start()
    assert [list(stream)[-1].reason for stream in streams] == ["cancelled"] * 4
    for thread in closers:
        thread.join()
    assert not is_alive(pid)
    assert end_of_late(session) == "cancelled"


def end_of_late(session):
    [end] = session.stream(ask(session))
    return end.reason


@posix_only
def test_closing_uses_force_where_it_must(start):
    session = start("open_scripted", silence_s=30.0, close_s=0.3)
    pid = session.pid
    os.kill(pid, signal.SIGSTOP)
    session.close()
    assert not is_alive(pid)


def test_a_session_that_is_let_go_ends_its_child():
    session = WorkerSession(f"{STAGE}:open_scripted")
    session.wait_ready()
    pid = session.pid
    stream = session.stream(ask(session, max_tokens=200))
    next(stream)
    del session, stream
    gc.collect()
    until(lambda: not is_alive(pid))


@posix_only
@pytest.mark.parametrize("opener", ["open_scripted", "open_slowly"])
def test_the_child_ends_when_its_parent_is_killed(opener, tmp_path):
    code = (
        "import sys, time\n"
        "from npc_engine.model import WorkerSession\n"
        f"session = WorkerSession('{STAGE}:{opener}')\n"
        "while session.pid is None: time.sleep(0.01)\n"
        "print(session.pid, flush=True)\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert is_alive(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not is_alive(child))


def test_exits_in_words():
    assert describe_exit(None) == "does not end"
    assert describe_exit(3) == "ended with status 3"
    assert "too little memory" in describe_exit(-9)
    assert describe_exit(-11) == "ended by signal 11 (SIGSEGV)"


# -- under fire ---------------------------------------------------------------------------------


def killed_again_and_again(session, rounds, chance, speakers=8):
    """Kill the child at random moments while many speak; whatever else happens is an error."""
    for number in range(rounds):
        streams = [
            session.stream(ask(session, f"{number}-{speaker}", conversation=f"npc{speaker}",
                               max_tokens=60))
            for speaker in range(speakers)
        ]  # fmt: skip
        time.sleep(chance.random() * 0.1)
        pid = session.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):  # the one before, being collected
                os.kill(pid, signal.SIGKILL)
        for stream in streams:
            events = list(stream)
            assert sum(isinstance(event, GenerationEnd) for event in events) == 1
            assert events[-1].reason in {"length", "failed"}
        assert end_of(session, f"{number}-next").reason == "length"
    assert session.stats()["restarts"] >= 1


@posix_only
@pytest.mark.slow
def test_thirty_kills_at_random_moments_under_load(start):
    killed_again_and_again(start("open_scripted"), 30, random.Random(1))


@posix_only
@pytest.mark.slow
def test_four_kills_of_a_real_model_under_load(start, nemotron_folder):
    session = start("open_tiny_model", {"folder": str(nemotron_folder)})
    killed_again_and_again(session, 4, random.Random(2))


@pytest.mark.slow
def test_a_worker_writes_the_very_tokens_of_a_local_session(llama_folder):
    said = []
    for process in ("worker", "local"):
        session = open_session(str(llama_folder), process=process, dtype="float32")
        said.append([delta.token_id for delta in run(session)[:-1]])
        assert session.info.extra["folder"] == str(llama_folder)
        session.close()
    assert said[0] == said[1]
    assert len(said[0]) == 12
