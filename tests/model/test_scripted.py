import pytest

from npc_engine.model import Reply, ScriptedSession
from npc_engine.protocols import GenerationRequest, TokenDelta


def ask(session, text: str = "hi", **options):
    request = GenerationRequest("r", session.tokenizer.encode(text), **options)
    events = list(session.stream(request))
    said = "".join(event.text for event in events if isinstance(event, TokenDelta))
    return said + events[-1].tail, events[-1]


def test_replies_come_in_order_and_begin_again():
    session = ScriptedSession(["One.", "Two."])
    assert [ask(session)[0] for _ in range(3)] == ["One.", "Two.", "One."]


def test_a_function_decides_by_the_request():
    session = ScriptedSession(lambda request: f"Seed {request.seed}.")
    assert [ask(session, seed=seed)[0] for seed in (3, 4)] == ["Seed 3.", "Seed 4."]


def test_requests_and_warm_ups_are_recorded():
    session = ScriptedSession(["One."])
    ask(session, "hello", seed=9)
    session.warm("mira", [1, 2])
    assert [(r.seed, session.tokenizer.decode(r.prompt_ids)) for r in session.requests] == [
        (9, "hello")
    ]
    assert session.warmed == [("mira", (1, 2))]


def test_a_fault_can_strike_in_the_middle():
    reply = Reply("One two three.", fault="raise", fault_after_tokens=2, error="gone")
    text, end = ask(ScriptedSession([reply]))
    assert (text, end.reason, end.error, end.usage.reply_tokens) == ("One two", "failed", "gone", 2)


def test_an_endless_reply_ends_by_length():
    _, end = ask(ScriptedSession([Reply("la ", fault="endless")]), max_tokens=50)
    assert (end.reason, end.usage.reply_tokens) == ("length", 50)


def test_a_hanging_reply_waits_for_its_cancel():
    session = ScriptedSession([Reply("One two", fault="hang", fault_after_tokens=1)])
    stream = session.stream(GenerationRequest("r", (300,)))
    assert next(stream).text == "One"
    session.cancel("r")
    assert [event.reason for event in stream] == ["cancelled"]


def test_a_script_that_breaks_fails_the_request():
    def broken(request):
        raise KeyError("no reply for this")

    _, end = ask(ScriptedSession(broken))
    assert end.reason == "failed"
    assert "no reply for this" in end.error


@pytest.mark.parametrize("reason", ["done", "stopped", "length", "failed"])
def test_a_reply_can_be_told_how_to_end(reason):
    text, end = ask(ScriptedSession([Reply("Aye.", reason=reason)]))
    assert (text, end.reason) == ("Aye.", reason)
