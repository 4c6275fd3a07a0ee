"""A remote session against a real server: `transformers serve` with the embedded model."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from npc_engine.messages import Message, Sampling
from npc_engine.model import open_remote
from npc_engine.model.catalogue import SMOLLM2, find_source
from npc_engine.model.fetching import ready_folder
from npc_engine.model.weights_cache import WeightsCache
from npc_engine.protocols import GenerationRequest

pytestmark = [pytest.mark.slow, pytest.mark.model]

CHAT = (
    Message("system", "You are Mira, a blunt blacksmith."),
    Message("user", "Any work for a sword arm?"),
)
START_S = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(process: subprocess.Popen, port: int, log) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(encoding="utf-8", errors="replace")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8", errors="replace"))


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address of the running server, with the model's name."""
    folder = ready_folder(find_source(SMOLLM2), WeightsCache(), lambda step, share: None)
    home = tmp_path_factory.mktemp("hub")
    log, port = home / "serve.log", free_port()
    code = "from transformers.cli.transformers import main; main()"
    command = [sys.executable, "-c", code, "serve", str(folder), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--device", "cpu", "--dtype", "float32"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(home)}
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
        try:
            wait_until_ready(process, port, log)
            yield f"http://127.0.0.1:{port}/v1#{folder}"
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def session(address):
    opened = open_remote(address, tokenizer=SMOLLM2)
    yield opened
    opened.close()


def ask(session, request_id: str = "r", **options) -> GenerationRequest:
    return GenerationRequest(
        request_id,
        session.tokenizer.render(CHAT).token_ids,
        messages=CHAT,
        sampling=Sampling(temperature=0),
        **options,
    )


def text_of(events) -> str:
    return "".join(event.text for event in events[:-1]) + events[-1].tail


def test_a_reply_streams_and_is_counted_as_the_server_counts(session):
    events = list(session.stream(ask(session, max_tokens=16)))
    end = events[-1]
    assert (end.reason, end.error) == ("length", "")
    assert end.usage.reply_tokens == len(events) - 1 == 16
    assert end.usage.prompt_tokens == len(session.tokenizer.render(CHAT).token_ids)
    assert session.tokenizer.decode([event.token_id for event in events[:-1]]) == text_of(events)
    assert text_of(events).strip()


def test_a_reply_that_ends_by_itself_is_done_with_the_server_s_counts(session):
    chat = (Message("system", "Answer with one word."), Message("user", "Say yes."))
    ids = session.tokenizer.render(chat).token_ids
    *_, end = session.stream(
        GenerationRequest("r", ids, Sampling(temperature=0), max_tokens=200, messages=chat)
    )
    assert end.reason == "done"
    assert end.usage.prompt_tokens == len(ids)


def test_a_stop_text_ends_the_reply_in_front_of_it(session):
    whole = text_of(list(session.stream(ask(session, max_tokens=16))))
    stop = whole.split()[3]
    events = list(session.stream(ask(session, max_tokens=16, stop=(stop,))))
    assert events[-1].reason in {"stopped", "done"}
    assert text_of(events) == whole[: whole.index(stop)]


def test_cancel_ends_the_reply_and_the_server_goes_on(session):
    stream = session.stream(ask(session, max_tokens=400))
    events = [next(stream), next(stream)]
    session.cancel("r")
    events += stream
    assert events[-1].reason == "cancelled"
    assert len(events) < 400
    *_, end = session.stream(ask(session, "next", max_tokens=4))
    assert end.reason == "length"


def test_two_requests_at_once_both_end(session):
    streams = [session.stream(ask(session, name, max_tokens=12)) for name in ("first", "second")]
    first, second = (list(stream) for stream in streams)
    assert [first[-1].reason, second[-1].reason] == ["length", "length"]
    assert text_of(first) == text_of(second)


def test_another_model_s_name_fails_in_words(address):
    session = open_remote(address.partition("#")[0] + "#another", tokenizer=SMOLLM2)
    (end,) = session.stream(ask(session))
    session.close()
    assert end.reason == "failed"
    assert "pinned to" in end.error
