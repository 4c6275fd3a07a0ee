"""What every session promises, checked on local models, on the scripted one, and on workers.

And on a server that says endless words. Its cache is not ours to check.
"""

import threading
from contextlib import ExitStack, contextmanager

import pytest

from npc_engine.messages import Message, Sampling
from npc_engine.model import PlainTokenizer, Reply, ScriptedSession, WorkerSession, open_remote
from npc_engine.protocols import GenerationEnd, GenerationRequest, TokenDelta
from tests.model.stub_server import endless, stub_server
from tests.models_for_tests import WINDOW_TOKENS, open_tiny

GREEDY = Sampling(temperature=0, repetition_penalty=1)


def scripted() -> ScriptedSession:
    words = "the forge is hot, the iron waits and the bridge is down; "
    return ScriptedSession(
        lambda request: Reply(words, fault="endless", delay_s=0.001),
        tokenizer=PlainTokenizer(window_tokens=WINDOW_TOKENS),
        window_tokens=WINDOW_TOKENS,
    )


def worker(opener: str, **options) -> WorkerSession:
    session = WorkerSession(f"tests.model.worker_stage:{opener}", options)
    session.wait_ready()
    return session


@contextmanager
def remote():
    with stub_server(endless()) as server:
        yield open_remote(server.url, window_tokens=WINDOW_TOKENS)


CACHING_SESSIONS = [
    "nemotron",
    "llama",
    "scripted",
    "worker-scripted",
    pytest.param("worker-nemotron", marks=pytest.mark.slow),
]
SESSIONS = [*CACHING_SESSIONS, "remote"]
caching = pytest.mark.parametrize("session", CACHING_SESSIONS, indirect=True)


@pytest.fixture(params=SESSIONS)
def session(request, nemotron_folder, llama_folder):
    makers = {
        "nemotron": lambda: open_tiny(nemotron_folder, prefill_chunk_tokens=16),
        "llama": lambda: open_tiny(llama_folder, prefill_chunk_tokens=16),
        "scripted": scripted,
        "worker-scripted": lambda: worker("open_scripted", window_tokens=WINDOW_TOKENS),
        "worker-nemotron": lambda: worker("open_tiny_model", folder=str(nemotron_folder)),
        "remote": lambda: stack.enter_context(remote()),
    }
    with ExitStack() as stack:
        made = makers[request.param]()
        yield made
        made.close()


def prompt(session, text: str = "Any work for a sword arm?") -> tuple[int, ...]:
    return session.tokenizer.render([Message("user", text)]).token_ids


def ask(session, request_id: str = "r", **options) -> GenerationRequest:
    ids = options.pop("prompt_ids", None)
    return GenerationRequest(
        request_id=request_id,
        prompt_ids=prompt(session) if ids is None else ids,
        sampling=options.pop("sampling", GREEDY),
        max_tokens=options.pop("max_tokens", 12),
        messages=(Message("user", "Any work for a sword arm?"),),
        **options,
    )


def run(session, request: GenerationRequest) -> tuple[list[TokenDelta], GenerationEnd]:
    events = list(session.stream(request))
    assert [type(event) for event in events] == [TokenDelta] * (len(events) - 1) + [GenerationEnd]
    return events[:-1], events[-1]


def text_of(deltas: list[TokenDelta], end: GenerationEnd) -> str:
    return "".join(delta.text for delta in deltas) + end.tail


def test_a_reply_is_deltas_and_one_final_event(session):
    deltas, end = run(session, ask(session))
    assert end.reason == "length"
    assert end.usage.reply_tokens == len(deltas) == 12
    assert text_of(deltas, end) == session.tokenizer.decode([d.token_id for d in deltas])
    assert {event.request_id for event in (*deltas, end)} == {"r"}


def test_prompt_tokens_are_reused_or_prefilled(session):
    _, end = run(session, ask(session))
    assert end.usage.prompt_tokens == len(prompt(session))
    assert end.usage.reused_tokens + end.usage.prefilled_tokens == end.usage.prompt_tokens


def test_the_window_ends_a_reply(session):
    ids = (prompt(session) * 40)[: WINDOW_TOKENS - 5]
    deltas, end = run(session, ask(session, prompt_ids=ids, max_tokens=100))
    assert (len(deltas), end.reason) == (5, "length")


@pytest.mark.parametrize("size", [0, WINDOW_TOKENS, WINDOW_TOKENS + 7])
def test_a_prompt_that_cannot_be_answered_fails_with_a_reason(session, size):
    ids = (prompt(session) * 60)[:size]
    deltas, end = run(session, ask(session, prompt_ids=ids))
    assert (deltas, end.reason) == ([], "failed")
    assert "token" in end.error


def test_no_room_for_a_reply_fails_with_a_reason(session):
    deltas, end = run(session, ask(session, max_tokens=0))
    assert (deltas, end.reason) == ([], "failed")
    assert "max_tokens" in end.error


def test_a_stop_text_ends_the_reply_in_front_of_it(session):
    whole = text_of(*run(session, ask(session)))
    stop = whole[5:9]
    deltas, end = run(session, ask(session, stop=("never said", stop)))
    assert end.reason == "stopped"
    assert text_of(deltas, end) == whole[: whole.index(stop)]


def test_what_only_looked_like_a_stop_text_is_delivered_at_the_end(session):
    whole = text_of(*run(session, ask(session)))
    deltas, end = run(session, ask(session, stop=(whole[-3:] + "…",)))
    assert end.reason == "length"
    assert text_of(deltas, end) == whole


def test_cancel_from_another_thread_ends_the_reply(session):
    stream = session.stream(ask(session, max_tokens=200))
    events = [next(stream), next(stream)]
    threading.Thread(target=session.cancel, args=("r",)).start()
    events += stream
    assert isinstance(events[-1], GenerationEnd)
    assert events[-1].reason == "cancelled"
    assert sum(isinstance(event, GenerationEnd) for event in events) == 1
    assert len(events) - 1 == events[-1].usage.reply_tokens < 200


def test_cancelling_what_is_unknown_or_over_changes_nothing(session):
    session.cancel("nobody")
    run(session, ask(session))
    session.cancel("r")
    _, end = run(session, ask(session))
    assert end.reason == "length"


def test_leaving_early_frees_the_session_for_the_next_request(session):
    stream = session.stream(ask(session, "left", max_tokens=200))
    next(stream)
    stream.close()
    assert list(stream) == []
    _, end = run(session, ask(session, "next"))
    assert end.reason == "length"


def test_equal_seeds_give_equal_tokens(session):
    warm = Sampling(temperature=1.5, top_k=0, top_p=1, min_p=0)
    first, second = (
        run(session, ask(session, f"r{turn}", sampling=warm, seed=7))[0] for turn in range(2)
    )
    assert [delta.token_id for delta in first] == [delta.token_id for delta in second]


@caching
def test_a_conversation_is_not_read_again(session):
    ids = prompt(session)
    deltas, _ = run(session, ask(session, conversation="mira"))
    longer = ids + tuple(delta.token_id for delta in deltas) + ids
    _, end = run(session, ask(session, prompt_ids=longer, conversation="mira"))
    # The last token of a reply is never fed, so it is the first to be read.
    assert end.usage.reused_tokens == len(ids) + len(deltas) - 1


@caching
def test_a_prompt_that_was_read_already_is_still_fed_one_token(session):
    for _ in range(2):
        _, end = run(session, ask(session, conversation="mira"))
    assert end.usage.reused_tokens == len(prompt(session)) - 1


@caching
def test_a_forgotten_conversation_is_read_again(session):
    run(session, ask(session, conversation="mira"))
    session.forget("mira")
    _, end = run(session, ask(session, conversation="mira"))
    assert end.usage.reused_tokens == 0


def test_requests_at_the_same_time_all_end(session):
    streams = [session.stream(ask(session, f"r{index}")) for index in range(3)]
    ends = [list(stream)[-1] for stream in streams]
    assert [(end.request_id, end.reason) for end in ends] == [
        ("r0", "length"),
        ("r1", "length"),
        ("r2", "length"),
    ]


def test_closing_ends_what_runs_and_what_comes_later(session):
    stream = session.stream(ask(session, max_tokens=200))
    next(stream)
    session.close()
    session.close()
    assert list(stream)[-1].reason == "cancelled"
    assert [event.reason for event in session.stream(ask(session, "late"))] == ["cancelled"]


def test_counters_add_up(session):
    _, end = run(session, ask(session))
    stats = session.stats()
    assert stats["requests"] == 1
    assert stats["prompt_tokens"] == end.usage.prompt_tokens
    assert stats["reply_tokens"] == 12
