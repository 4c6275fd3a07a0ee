"""A remote session against a server that does what the test says."""

import random
import re
import threading
from contextlib import contextmanager

import pytest

from npc_engine.messages import Message, Sampling
from npc_engine.model import open_remote
from npc_engine.model.remote.server import Patience
from npc_engine.protocols import GenerationEnd, GenerationRequest
from tests.model.stub_server import endless, refuse, say, stub_server

KEY = "sk-very-secret-0123456789"
IMPATIENT = {
    "no first token in 1.5 s": Patience(first_token_s=1.5),
    "no token for 0.5 s": Patience(between_tokens_s=0.5),
}


@contextmanager
def session_on(*behaviours, patience=None, models=None, **options):
    """(server, session, pauses between tries)."""
    pauses = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    more = {} if models is None else {"models": models}
    with stub_server(*behaviours, **more) as server:
        session = open_remote(server.url, patience=patience, sleep=sleep, **options)
        try:
            yield server, session, pauses
        finally:
            session.close()


def ask(session, request_id: str = "r", **options) -> GenerationRequest:
    messages = options.pop("messages", (Message("system", "Be Mira."), Message("user", "Work?")))
    return GenerationRequest(
        request_id=request_id,
        prompt_ids=session.tokenizer.render(messages).token_ids,
        messages=messages,
        **options,
    )


def run(session, **options):
    """(text, final event) of one request."""
    *deltas, end = session.stream(ask(session, **options))
    assert isinstance(end, GenerationEnd)
    text = "".join(delta.text for delta in deltas) + end.tail
    assert end.usage.reply_tokens == len(deltas)
    assert end.usage.reused_tokens + end.usage.prefilled_tokens == end.usage.prompt_tokens
    if not (end.reason == "stopped" and end.error == ""):
        assert session.tokenizer.decode([delta.token_id for delta in deltas]) == text
    return text, end


# -- what is sent -----------------------------------------------------------------------------


def test_the_chat_and_the_settings_are_sent():
    with session_on(say("Aye.")) as (server, session, _):
        sampling = Sampling(temperature=0.5, top_k=7, top_p=0.9, min_p=0.1, repetition_penalty=1.2)
        run(session, sampling=sampling, seed=11, max_tokens=33, stop=("\n", "User"))
        body = server.calls[0].body
    assert server.paths == ["/v1/models", "/v1/chat/completions"]
    assert body["messages"] == [
        {"role": "system", "content": "Be Mira."},
        {"role": "user", "content": "Work?"},
    ]
    assert body["model"] == "stub-model"
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    wanted = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 33, "seed": 11, "top_k": 7,
              "min_p": 0.1, "repetition_penalty": 1.2, "stop": ["\n", "User"]}  # fmt: skip
    assert {name: body[name] for name in wanted} == wanted


def test_neighbours_of_one_role_become_one_message():
    chat = (
        Message("system", "Be Mira."),
        Message("user", "Hm."),
        Message("user", "Work?"),
        Message("assistant", "Aye."),
        Message("assistant", "Maybe."),
        Message("user", "So?"),
    )
    with session_on(say("Aye.")) as (server, session, _):
        run(session, messages=chat)
        sent = server.calls[0].body["messages"]
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "user"]
    assert [message["content"] for message in sent[1:3]] == ["Hm.\nWork?", "Aye.\nMaybe."]


def test_without_messages_nothing_is_sent():
    with session_on(say("Aye.")) as (server, session, _):
        request = GenerationRequest("r", prompt_ids=session.tokenizer.encode("Work?"))
        (end,) = session.stream(request)
        assert server.calls == []
    assert end.reason == "failed"
    assert "no messages" in end.error


def strict(*known: str):
    """A server that refuses every field it does not know."""
    fields = {"messages", "stream", "temperature", "top_p", "max_tokens", "seed", "model", *known}

    def behave(call):
        unknown = sorted(set(call.body) - fields)
        if unknown:
            call.json(422, {"detail": f"Unexpected fields in the request: {unknown}"})
        else:
            say("Aye.")(call)

    return behave


@pytest.mark.parametrize(
    ("known", "calls"), [(("stream_options",), [2, 1]), ((), [3, 1])], ids=["extras", "both"]
)
def test_fields_a_server_refuses_are_left_out_and_that_is_remembered(known, calls):
    with session_on(strict(*known)) as (server, session, pauses):
        for number in calls:
            before = len(server.calls)
            assert run(session)[0] == "Aye."
            assert len(server.calls) - before == number
    assert pauses == []


def test_a_refusal_that_has_another_cause_is_told_and_nothing_is_remembered():
    too_long = {"error": {"message": "maximum context length is 10 tokens"}}
    with session_on(refuse(400, too_long), refuse(400, too_long), refuse(400, too_long),
                    say("Aye.")) as (server, session, _):  # fmt: skip
        _, end = run(session)
        assert "maximum context length is 10 tokens" in end.error
        run(session)
        assert {"min_p", "stream_options"} <= set(server.calls[-1].body)


# -- the reply --------------------------------------------------------------------------------


def test_chunks_become_tokens_whose_text_adds_up():
    chunks = ("Mind the spa", "rks", ", trav", "eller. ", "Grüße, 北桥 ", "😀!")
    with session_on(say(*chunks)) as (_, session, _):
        text, end = run(session)
    assert text == "".join(chunks)
    assert end.reason == "done"


def test_halves_of_a_character_are_joined():
    with session_on(say("a\ud83d", "\ude00b", "\ud83d")) as (_, session, _):
        assert run(session)[0] == "a😀b"


def test_the_counts_of_the_server_are_taken_over():
    usage = {"prompt_tokens": 40, "completion_tokens": 2,
             "prompt_tokens_details": {"cached_tokens": 30}}  # fmt: skip
    with session_on(say("Aye.", usage=usage)) as (_, session, _):
        _, end = run(session)
        assert session.stats()["reused_tokens"] == 30
    assert (end.usage.prompt_tokens, end.usage.reused_tokens, end.usage.prefilled_tokens) == (
        40,
        30,
        10,
    )


def test_without_counts_of_the_server_the_local_ones_stand():
    with session_on(say("Aye.")) as (_, session, _):
        _, end = run(session)
        assert end.usage.prompt_tokens == len(ask(session).prompt_ids)
    assert end.usage.reused_tokens == 0


def test_the_end_that_the_server_names_is_told():
    with session_on(say("Aye", reason="length"), say("Aye", reason="stop")) as (_, session, _):
        assert [run(session)[1].reason for _ in range(2)] == ["length", "done"]


def test_a_stop_text_is_matched_here_too_and_the_server_is_left():
    with session_on(endless()) as (server, session, _):
        text, end = run(session, stop=("iron",))
        assert server.left.wait(5)
    assert (text, end.reason) == ("the forge is hot, the ", "stopped")


def test_a_stop_text_the_server_names_is_a_stop():
    def behave(call):
        call.begin()
        call.say("Aye. ")
        call.finish(stop_reason="User")

    with session_on(behave) as (_, session, _):
        assert run(session, stop=("User",))[1].reason == "stopped"


def test_max_tokens_hold_whatever_the_server_does():
    def behave(call):
        call.begin()
        while not call.stopping.wait(0.001):
            call.say("iron ")

    with session_on(behave) as (server, session, _):
        _, end = run(session, max_tokens=20)
        assert server.left.wait(5)
    assert (end.reason, end.usage.reply_tokens) == ("length", 20)


# -- cancel, order, deadlines -----------------------------------------------------------------


def test_cancel_closes_the_stream_at_once():
    with session_on(endless()) as (server, session, _):
        stream = session.stream(ask(session, max_tokens=4000))
        next(stream)
        session.cancel("r", heard_tokens=1)
        *_, end = stream
        assert server.left.wait(5)
    assert end.reason == "cancelled"


def test_cancel_does_not_wait_for_a_server_that_says_nothing():
    with session_on(lambda call: call.wait()) as (server, session, _):
        stream = session.stream(ask(session))
        while not server.calls:
            server.stopping.wait(0.01)
        session.cancel("r")
        (end,) = stream
    assert end.reason == "cancelled"


def test_a_request_past_its_deadline_ends_with_what_was_said():
    def behave(call):
        call.begin()
        call.say("Aye, ")
        call.wait()

    with session_on(behave) as (_, session, _):
        text, end = run(session, deadline_s=0.5)
    assert (text, end.reason, end.error) == ("Aye, ", "cancelled", "")


def test_waiting_requests_are_sent_by_urgency():
    gate = threading.Event()

    def behave(call):
        if len(server.calls) == 1:
            gate.wait(30)
        say("Aye.")(call)

    with session_on(behave, open_requests=1) as (server, session, _):

        def queue(name, **options):
            return session.stream(ask(session, name, messages=(Message("user", name),), **options))

        streams = [queue("first")]
        while not server.calls:
            gate.wait(0.01)
        streams += [
            queue("background", priority="background"),
            queue("ambient", priority="ambient"),
            queue("raised", priority="background"),
            queue("patient"),
            queue("late", deadline_s=100),
            queue("soon", deadline_s=50),
        ]
        session.cancel("nobody")
        session.reprioritise("raised", "ambient")
        gate.set()
        ends = [list(stream)[-1] for stream in streams]
        order = [call.body["messages"][0]["content"] for call in server.calls]
    assert {end.reason for end in ends} == {"done"}
    assert order == ["first", "soon", "late", "patient", "ambient", "raised", "background"]


def test_no_more_requests_are_open_than_allowed():
    open_now, most, lock = set(), [], threading.Lock()

    def behave(call):
        with lock:
            open_now.add(call)
            most.append(len(open_now))
        call.stopping.wait(0.05)
        with lock:
            open_now.discard(call)
        say("Aye.")(call)

    with session_on(behave, open_requests=3) as (_, session, _):
        streams = [session.stream(ask(session, f"r{number}")) for number in range(9)]
        assert [list(stream)[-1].reason for stream in streams] == ["done"] * 9
    assert 1 < max(most) <= 3


def test_a_waiting_request_can_be_cancelled_and_frees_nothing():
    with session_on(endless(), open_requests=1) as (_, session, _):
        running = session.stream(ask(session, "running", max_tokens=4000))
        next(running)
        waiting = session.stream(ask(session, "waiting"))
        session.cancel("waiting")
        assert [event.reason for event in waiting] == ["cancelled"]
        running.close()
        assert list(session.stream(ask(session, "next", max_tokens=3)))[-1].reason == "length"


def test_every_request_gets_one_final_event_whatever_is_cancelled_when():
    chance = random.Random(5)
    with session_on(endless(), open_requests=4) as (_, session, _):
        names = [f"r{number}" for number in range(60)]
        streams = [
            session.stream(ask(session, name, max_tokens=chance.randrange(1, 40))) for name in names
        ]
        cancelled = chance.sample(names, 40)
        for name in cancelled:
            session.cancel(name)
            threading.Event().wait(chance.random() / 200)
        finals = [
            [event.reason for event in stream if isinstance(event, GenerationEnd)]
            for stream in streams
        ]
        assert session.stats()["live_requests"] == 0
        assert list(session.stream(ask(session, "next", max_tokens=2)))[-1].reason == "length"
    assert all(len(reasons) == 1 for reasons in finals)
    for name, (reason,) in zip(names, finals, strict=True):
        assert reason in ({"length", "cancelled"} if name in cancelled else {"length"})


def test_an_id_that_is_running_already_is_refused():
    with session_on(endless()) as (_, session, _):
        running = session.stream(ask(session, max_tokens=4000))
        next(running)
        (end,) = session.stream(ask(session))
        assert (end.reason, "already running" in end.error) == ("failed", True)
        session.cancel("r")
        assert list(running)[-1].reason == "cancelled"


def test_a_session_that_is_let_go_ends_its_thread():
    with stub_server() as server:
        session = open_remote(server.url)
        thread = session._loop._thread
        del session
        thread.join(10)
        assert not thread.is_alive()


# -- a server that is ill ---------------------------------------------------------------------


def cut_off(call):
    call.begin()
    call.say("Aye, the ")
    call.cut()


def ends_early(call):
    call.begin()
    call.say("Aye, the ")
    call.end()


def says_nothing(call):
    call.begin()
    call.end()


def closes_at_once(call):
    call.cut()


def stalls(call):
    call.begin()
    call.say("Aye, the ")
    call.wait()


def keeps_alive_for_ever(call):
    call.begin()
    while not call.stopping.wait(0.02):
        call.raw(b": still here\n\n")


def broken_json(call):
    call.begin()
    call.say("Aye, ")
    call.raw(b'data: {"choices": [{"delta": {"cont\n\n')
    call.end()


def wrong_shape(call):
    call.begin()
    call.event(["not", "an", "object"])
    call.end()


def error_inside(call):
    call.begin()
    call.say("Aye, ")
    call.event({"error": {"message": "CUDA out of memory", "code": 500}})
    call.end()


def endless_line(call):
    call.begin()
    while True:
        call.raw(b"data: " + b"x" * 60_000)


def filtered(call):
    call.begin()
    call.say("Aye, ")
    call.finish("content_filter")


def only_thinks(call):
    call.begin()
    call.event({"choices": [{"delta": {"content": None, "reasoning_content": "Hm."}}]})
    call.finish("stop")


HTML = b"<!DOCTYPE html><html><body>Welcome to nginx!</body></html>"


@pytest.mark.parametrize(
    ("behave", "words", "said"),
    [
        (cut_off, "cut off in the middle", "Aye, the "),
        (ends_early, "cut off in the middle", "Aye, the "),
        (says_nothing, "no chat reply", ""),
        (closes_at_once, r"closed the connection without a reply .*tried 3 times", ""),
        (lambda call: call.wait(), "no first token in 1.5 s", ""),
        (stalls, "no token for 0.5 s", "Aye, the "),
        (keeps_alive_for_ever, "no first token in 1.5 s", ""),
        (broken_json, "broken JSON", "Aye, "),
        (wrong_shape, "JSON of type list", ""),
        (error_inside, "CUDA out of memory", "Aye, "),
        (endless_line, "line of more than 1,048,576 bytes", ""),
        (filtered, "content_filter", "Aye, "),
        (only_thinks, "reasoning and no reply", ""),
        (lambda call: call.answer(200, HTML, "text/html"), "HTML page", ""),
        (lambda call: call.answer(200, b"hello", "text/plain"), "no chat reply", ""),
        (lambda call: call.json(200, {"hello": 1}), "JSON without a reply", ""),
        (lambda call: call.json(200, {"error": "no model"}), "no model", ""),
        (lambda call: call.answer(502, HTML, "text/html"), "HTTP 502 .an HTML page.*3 times", ""),
        (refuse(400), r"HTTP 400 \(no\)", ""),
        (refuse(401), "HTTP 401 .*NPC_ENGINE_API_KEY", ""),
        (refuse(404), "HTTP 404 .*/v1", ""),
        (refuse(429), "HTTP 429 .*tried 3 times", ""),
        (refuse(500), "HTTP 500 .*server's log", ""),
        (refuse(503), "HTTP 503 .*tried 3 times", ""),
        (refuse(307, Location="http://127.0.0.2:9/v1"), "HTTP 307.*redirects are not followed", ""),
    ],
)
def test_an_ill_server_is_a_failed_request_with_a_reason(behave, words, said):
    with session_on(behave, patience=IMPATIENT.get(words)) as (server, session, _):
        text, end = run(session)
        assert (end.reason, text) == ("failed", said)
        assert end.error.startswith(server.url + ": ")
        assert re.search(words, end.error)
        server.stopping.set()


def crlf(call):
    call.begin()
    call.raw(b': hello\r\n\r\nevent: x\r\ndata:{"choices":[{"delta":{"content":"Aye."}}]}\r\n\r\n')
    call.raw(b"data: [DO")
    call.raw(b"NE]\r\n\r\n")
    call.end()


def no_done(call):
    call.begin()
    call.say("Aye.")
    call.say(None, finish_reason="stop")
    call.end()


def cut_off_after_the_end(call):
    call.begin()
    call.say("Aye.", finish_reason="stop")
    call.cut()


def several_choices(call):
    call.begin()
    both = [{"index": 1, "delta": {"content": "No."}}, {"index": 0, "delta": {"content": "Aye."}}]
    call.event({"choices": both})
    call.event({"choices": [{"index": 1, "delta": {"content": "No."}}]})
    call.finish()


def odd_chunks(call):
    call.begin()
    call.event({"choices": []})
    call.event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
    call.event({"choices": [{"index": 0, "delta": None}], "usage": None})
    call.event({"choices": [{"delta": {"content": [{"type": "text", "text": "Aye."}]}}]})
    call.finish()


def thinks_first(call):
    call.begin()
    call.event({"choices": [{"delta": {"reasoning_content": "Hm."}}]})
    call.say("Aye.")
    call.finish()


def one_byte_at_a_time(call):
    call.begin()
    for byte in b'data: {"choices":[{"delta":{"content":"Aye."}}]}\n\ndata: [DONE]':
        call.raw(bytes([byte]))
    call.end()


def does_not_stream(call):
    choice = {"index": 0, "message": {"role": "assistant", "content": "Aye."}}
    call.json(200, {"choices": [{**choice, "finish_reason": "stop"}]})


@pytest.mark.parametrize(
    "behave",
    [
        crlf,
        no_done,
        cut_off_after_the_end,
        several_choices,
        odd_chunks,
        thinks_first,
        one_byte_at_a_time,
        does_not_stream,
    ],
)
def test_an_odd_server_is_understood(behave):
    with session_on(behave) as (_, session, _):
        text, end = run(session)
    assert (text, end.reason, end.error) == ("Aye.", "done", "")


def test_a_server_that_goes_on_holding_the_line_is_left():
    over = threading.Event()

    def behave(call):
        call.begin()
        call.say("Aye.", finish_reason="stop")
        call.wait()
        over.set()

    patience = Patience(between_tokens_s=1000, counts_s=0.3)
    with session_on(behave, patience=patience) as (_, session, _):
        text, end = run(session)
        assert not over.is_set()
    assert (text, end.reason) == ("Aye.", "done")


def test_an_empty_reply_is_done():
    with session_on(say()) as (_, session, _):
        assert run(session)[1].reason == "done"


# -- tries ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again_with_growing_pauses(status):
    with session_on(refuse(status), refuse(status), say("Aye.")) as (server, session, pauses):
        text, end = run(session)
        assert (text, end.reason, len(server.calls)) == ("Aye.", "done", 3)
        assert session.stats()["retries"] == 2
    assert 0.25 <= pauses[0] <= 0.5 <= pauses[1] <= 1.0


def test_the_pauses_come_from_the_seed():
    def pauses_of(seed):
        with session_on(refuse(503), retry_seed=seed) as (_, session, pauses):
            run(session)
            return tuple(pauses)

    assert pauses_of(1) == pauses_of(1) != pauses_of(2)


@pytest.mark.parametrize(("asked", "pause"), [("3", 3.0), ("86400", 10.0)])
def test_retry_after_is_kept_within_reason(asked, pause):
    with session_on(refuse(429, Retry_After=asked), say("Aye.")) as (_, session, pauses):
        run(session)
    assert pauses == [pause]


def test_after_the_first_token_nothing_is_tried_again():
    with session_on(cut_off, say("Aye.")) as (server, session, _):
        assert run(session)[1].reason == "failed"
        assert len(server.calls) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_what_will_not_change_is_not_tried_again(status):
    with session_on(refuse(status)) as (_, session, pauses):
        run(session)
    assert pauses == []


def test_a_server_that_went_away_fails_in_words():
    pauses = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    with stub_server() as server:
        session = open_remote(server.url, sleep=sleep)
    _, end = run(session)
    session.close()
    assert end.reason == "failed"
    assert "could not be reached" in end.error
    assert len(pauses) == 2


# -- secrets ----------------------------------------------------------------------------------


def echo_key(call):
    call.json(401, {"error": {"message": f"bad key {call.headers['Authorization']}"}})


def test_the_key_is_sent_and_never_shown(caplog):
    caplog.set_level("DEBUG")
    with session_on(echo_key, api_key=KEY) as (server, session, _):
        _, end = run(session)
        assert server.keys == [f"Bearer {KEY}"] * 2
        shown = " ".join([end.error, repr(session), repr(session.info), caplog.text])
    assert "bad key Bearer [hidden]" in end.error
    assert KEY not in shown


def test_the_key_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("NPC_ENGINE_API_KEY", f" {KEY}\n")
    with session_on() as (server, session, _):
        run(session)
        assert server.keys == [f"Bearer {KEY}"] * 2


def test_a_redirect_takes_no_key_anywhere():
    with stub_server() as other:
        move = refuse(302, Location=f"{other.url}/chat/completions")
        with session_on(move, api_key=KEY) as (_, session, _):
            assert "redirects are not followed" in run(session)[1].error
        assert other.paths == []
