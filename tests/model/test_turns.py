"""Who waits for whom, and how requests end."""

import pytest

from npc_engine.protocols import GenerationEnd
from tests.model.stage_model import (
    CHUNK,
    LONG,
    Passes,
    ask_all,
    end_of,
    generated,
    paused,
    prompts_of,
    rendered,
    request,
    settled,
    tokens_of,
)


def test_more_requests_than_rows_all_end(open_session, tiny):
    session = open_session(num_rows=3)
    prompts = prompts_of(session)
    passes = Passes(session)
    answered = ask_all(session, max_tokens=8)
    assert [tokens_of(events) for events in answered] == [
        generated(tiny, ids, 8) for ids in prompts
    ]
    assert max(len(read) for read in passes.read) == 3


def test_the_most_urgent_gets_the_next_row(open_session):
    session = open_session(num_rows=2)
    asked = [
        request(prompts_of(session, 1)[0], "first", max_tokens=6),
        request(prompts_of(session, 1)[0], "second", max_tokens=20),
        request(rendered(session.tokenizer, "Hm."), "ambient", priority="ambient", max_tokens=2),
        request(rendered(session.tokenizer, "Aye?"), "patient", max_tokens=2),
        request(rendered(session.tokenizer, "Now!"), "hasty", max_tokens=2, deadline_s=60),
    ]
    passes = Passes(session)
    with paused(session):
        streams = [session.stream(one) for one in (*asked[:2], *asked[2:4])]
    passes.before(2, lambda: streams.append(session.stream(asked[4])))
    assert {list(stream)[-1].reason for stream in streams[:4]} == {"length"}
    assert list(streams[4])[-1].reason == "length"
    begun = {name: passes.of(name)[0][0] for name in ("hasty", "patient", "ambient")}
    assert begun["hasty"] < begun["patient"] < begun["ambient"]


def test_with_two_rows_a_player_never_waits_behind_background_work(open_session, tiny):
    session = open_session(num_rows=2, prefill_chunk_tokens=CHUNK)
    ids, hi = rendered(session.tokenizer, LONG), rendered(session.tokenizer, "Hi")
    passes = Passes(session)
    with paused(session):
        folds = [
            session.stream(request(ids, name, priority="background", max_tokens=60))
            for name in ("fold", "check", "test")
        ]
    arrived: list[int] = []
    for at in (4, 30, 60):
        passes.before(at, lambda at=at: arrived.append(session.stream(request(hi, f"p{at}"))))
    ends = [list(stream)[-1] for stream in folds]
    assert {end.reason for end in ends} == {"length"}
    for at, stream in zip((4, 30, 60), arrived, strict=True):
        assert tokens_of(stream) == generated(tiny, hi, 24)
        taken = [number for number, _ in passes.of(f"p{at}")]
        # In the very next pass, and in every pass until it is done.
        assert taken == list(range(at + 1, at + 1 + len(taken)))


def test_background_work_goes_on_in_one_pass_of_twenty(open_session):
    session = open_session(prefill_chunk_tokens=CHUNK)
    ids, hi = rendered(session.tokenizer, LONG[:60]), rendered(session.tokenizer, "Hi")
    passes = Passes(session)
    with paused(session):
        fold = session.stream(request(ids, "fold", priority="background", max_tokens=30))
        player = session.stream(request(hi, "player", max_tokens=100))
    assert list(player)[-1].reason == list(fold)[-1].reason == "length"
    last = passes.of("player")[-1][0]
    beside = [number for number, _ in passes.of("fold") if number <= last]
    assert beside == [number for number in range(last + 1) if number % 20 == 19]
    assert len(beside) >= 4


def test_reprioritising_moves_a_reply_behind_and_before_others(open_session, tiny):
    session = open_session(prefill_chunk_tokens=CHUNK)
    ids, hi = rendered(session.tokenizer, LONG), rendered(session.tokenizer, "Hi")
    passes = Passes(session)
    with paused(session):
        one = session.stream(request(ids, "one", priority="background", max_tokens=40))
        two = session.stream(request(hi, "two", max_tokens=40))
    passes.before(8, lambda: session.reprioritise("one", "player"))
    passes.before(8, lambda: session.reprioritise("two", "background"))
    passes.before(8, lambda: session.reprioritise("nobody", "player"))
    assert tokens_of(one) == generated(tiny, ids, 40)
    assert tokens_of(two) == generated(tiny, hi, 40)
    assert [number for number, _ in passes.of("two")][:9] == list(range(9))
    ones = [number for number, _ in passes.of("one")]
    assert ones == list(range(9, 9 + len(ones)))
    between = [number for number, _ in passes.of("two") if 9 <= number <= ones[-1]]
    assert all(number % 20 == 19 for number in between)


def test_a_deadline_that_passed_ends_a_reply_with_what_was_written(open_session):
    session = open_session()
    ids = rendered(session.tokenizer, LONG)
    passes = Passes(session)
    job = []

    def is_late():
        job.extend(session._engine._jobs)
        job[0]._handed_in_at -= 100

    passes.before(10, is_late)
    events = list(session.stream(request(ids, deadline_s=60, max_tokens=100)))
    assert (events[-1].reason, events[-1].error) == ("cancelled", "its deadline passed")
    assert len(events) - 1 == events[-1].usage.reply_tokens == 11
    assert len(passes) == 11


def test_one_who_is_late_at_once_reads_nothing(open_session):
    session = open_session()
    passes = Passes(session)
    end = end_of(session, request(rendered(session.tokenizer, LONG), deadline_s=0))
    assert (end.reason, end.error) == ("cancelled", "its deadline passed")
    assert (end.usage.prompt_tokens, end.usage.steps, len(passes)) == (0, 0, 0)


@pytest.mark.parametrize("heard", [0, 3, 7])
def test_after_a_cancel_the_next_request_reuses_the_prompt_and_what_was_heard(
    open_session, tiny, heard
):
    session = open_session()
    ids = rendered(session.tokenizer, LONG)
    passes = Passes(session)
    passes.before(9, lambda: session.cancel("r", heard_tokens=heard))
    events = list(session.stream(request(ids, conversation="mira", max_tokens=100)))
    said = tokens_of(events)
    assert (events[-1].reason, len(said)) == ("cancelled", 10)
    # The whole reply is in the prompt, yet only what was heard is still there.
    again = (*ids, *said, *rendered(session.tokenizer, "Go on."))
    answer = list(session.stream(request(again, "next", conversation="mira")))
    assert answer[-1].usage.reused_tokens == len(ids) + heard
    assert tokens_of(answer) == generated(tiny, again, 24)


def test_leaving_after_a_cancel_keeps_what_was_heard(open_session, tiny):
    session = open_session()
    ids = rendered(session.tokenizer, LONG)
    passes = Passes(session)
    with paused(session):
        stream = session.stream(request(ids, conversation="mira", max_tokens=100))
    passes.before(9, lambda: session.cancel("r", heard_tokens=2))
    passes.before(9, stream.close)
    settled(session)
    again = (*ids, *generated(tiny, ids, 10), *ids[:4])
    usage = end_of(session, request(again, "next", conversation="mira")).usage
    assert usage.reused_tokens == len(ids) + 2


def test_a_cancel_frees_the_row_within_one_pass(open_session):
    session = open_session(num_rows=2, prefill_chunk_tokens=CHUNK)
    ids, hi = rendered(session.tokenizer, LONG), rendered(session.tokenizer, "Hi")
    passes = Passes(session)
    with paused(session):
        first = session.stream(request(ids, "first", max_tokens=100))
        second = session.stream(request(ids, "second", max_tokens=100))
        third = session.stream(request(hi, "third", max_tokens=5))
    passes.before(20, lambda: session.cancel("first"))
    assert list(first)[-1].reason == "cancelled"
    assert list(third)[-1].reason == list(second)[-1].reason == "length"
    assert passes.of("first")[-1][0] == 20
    assert passes.of("third")[0][0] == 21


def test_a_cancel_while_the_prompt_is_read_counts_what_was_read(open_session):
    session = open_session(prefill_chunk_tokens=CHUNK)
    ids = rendered(session.tokenizer, LONG)
    passes = Passes(session)
    passes.before(1, lambda: session.cancel("r"))
    end = end_of(session, request(ids, conversation="mira"))
    assert (end.reason, end.usage.reply_tokens) == ("cancelled", 0)
    assert end.usage.prefilled_tokens == end.usage.prompt_tokens == 2 * CHUNK
    assert end_of(session, request(ids, conversation="mira")).usage.reused_tokens == 2 * CHUNK


def test_rows_are_all_free_again_in_the_end(open_session):
    session = open_session(num_rows=5)
    prompts = prompts_of(session)
    with paused(session):
        streams = [
            session.stream(request(ids, f"r{n}", conversation=f"npc{n}", max_tokens=10 + n))
            for n, ids in enumerate(prompts)
        ]
    session.cancel("r3")
    streams[4].close()
    session.forget("npc5")
    session.warm("npc6", prompts[0])
    for stream in streams:
        list(stream)
    stats = settled(session)
    assert stats["free_rows"] == 5
    assert stats["conversations"] <= 5
    assert stats["live_requests"] == 0


def test_each_request_gets_one_final_event(open_session):
    session = open_session(num_rows=2, prefill_chunk_tokens=CHUNK)
    passes = Passes(session)
    passes.before(6, lambda: session.cancel("r1", heard_tokens=1))
    passes.before(6, lambda: session.cancel("r1"))
    passes.before(9, lambda: session.reprioritise("r0", "background"))
    passes.before(12, session.close)
    for events in ask_all(session, max_tokens=50):
        assert [isinstance(event, GenerationEnd) for event in events] == (
            [False] * (len(events) - 1) + [True]
        )
        assert events[-1].reason == "cancelled"
    assert len(passes) == 13
