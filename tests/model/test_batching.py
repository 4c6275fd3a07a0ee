"""Many conversations in one pass, each in the words of `generate`."""

from dataclasses import replace

import pytest

from npc_engine.messages import Sampling
from tests.model.stage_model import (
    BESIDE,
    CHUNK,
    LONG,
    Passes,
    generated,
    prompts_of,
    rendered,
    reply_ids,
    request,
    settled,
    together,
    tokens_of,
)


@pytest.mark.parametrize("count", [1, 3, 8])
def test_ragged_conversations_at_once_say_what_generate_says(open_session, tiny, count):
    session = open_session(prefill_chunk_tokens=CHUNK, beside_tokens=BESIDE)
    prompts = prompts_of(session, count)
    lengths = [24 - 2 * number for number in range(count)]
    asked = [
        request(ids, f"r{n}", max_tokens=size)
        for n, (ids, size) in enumerate(zip(prompts, lengths, strict=True))
    ]
    replies = [tokens_of(events) for events in together(session, asked)]
    assert replies == [
        generated(tiny, ids, size) for ids, size in zip(prompts, lengths, strict=True)
    ]


def test_one_who_comes_later_changes_nobodys_words(open_session, tiny):
    session = open_session(prefill_chunk_tokens=CHUNK, beside_tokens=BESIDE)
    first, second, third = prompts_of(session, 3)
    passes = Passes(session)
    later = {}
    passes.before(9, lambda: later.update(b=session.stream(request(second, "b"))))
    passes.before(14, lambda: later.update(c=session.stream(request(third, "c"))))
    assert reply_ids(session, request(first, "a", max_tokens=40)) == generated(tiny, first, 40)
    assert tokens_of(later["b"]) == generated(tiny, second, 24)
    assert tokens_of(later["c"]) == generated(tiny, third, 24)
    assert max(len(read) for read in passes.read) == 3


def test_after_a_crop_three_at_once_say_what_generate_says(open_session, tiny):
    session = open_session(prefill_chunk_tokens=CHUNK)
    names = ("mira", "aldric", "joan")
    before = [rendered(session.tokenizer, name + LONG[:90], "Aye.", "No?") for name in names]
    after = [rendered(session.tokenizer, name + LONG[:90], "Nay.", LONG[:60]) for name in names]
    for prompts in (before, after):
        asked = [
            request(ids, name, conversation=name, max_tokens=12)
            for name, ids in zip(names, prompts, strict=True)
        ]
        answered = together(session, asked)
        assert [tokens_of(events) for events in answered] == [
            generated(tiny, ids, 12) for ids in prompts
        ]
    assert all(0 < events[-1].usage.reused_tokens < 80 for events in answered)


def test_a_fork_goes_on_from_what_its_source_has_read(open_session, tiny):
    session = open_session()
    ids = rendered(session.tokenizer, LONG)
    said = reply_ids(session, request(ids, conversation="mira", max_tokens=8))
    session.fork("mira", "fold")
    session.forget("mira")
    longer = (*ids, *said, *rendered(session.tokenizer, "Sum it up."))
    answer = list(session.stream(request(longer, conversation="fold")))
    assert answer[-1].usage.reused_tokens == len(ids) + len(said) - 1
    assert tokens_of(answer) == generated(tiny, longer, 24)


def test_a_fork_of_one_who_speaks_leaves_both_unharmed(open_session, tiny):
    session = open_session(prefill_chunk_tokens=CHUNK)
    ids = rendered(session.tokenizer, LONG)
    passes = Passes(session)
    passes.before(12, lambda: session.fork("mira", "fold"))
    assert reply_ids(session, request(ids, conversation="mira")) == generated(tiny, ids, 24)
    answer = list(session.stream(request(ids, conversation="fold")))
    assert answer[-1].usage.reused_tokens == len(ids) - 1
    assert tokens_of(answer) == generated(tiny, ids, 24)


@pytest.mark.parametrize("host_bytes", [0, 1 << 20])
def test_after_eviction_the_words_are_the_same(open_session, tiny, monkeypatch, host_bytes):
    monkeypatch.setattr("npc_engine.model.conversations._MIN_SPILL_TOKENS", 16)
    session = open_session(num_rows=2, host_bytes=host_bytes)
    # Without a common beginning, so that nothing is lent by another conversation.
    prompts = {name: session.tokenizer.encode(f"{name} {LONG}") for name in "abc"}
    for name, ids in prompts.items():
        assert reply_ids(session, request(ids, conversation=name)) == generated(tiny, ids, 24)
    said = generated(tiny, prompts["a"], 24)
    longer = (*prompts["a"], *said, *prompts["b"][:5])
    answer = list(session.stream(request(longer, conversation="a")))
    assert tokens_of(answer) == generated(tiny, longer, 24)
    kept = len(prompts["a"]) + len(said) - 1
    assert answer[-1].usage.reused_tokens == (kept if host_bytes else 0)
    assert settled(session)["restores"] == (1 if host_bytes else 0)


def test_seeds_decide_the_words_whoever_else_is_there(open_session):
    session = open_session(prefill_chunk_tokens=CHUNK, beside_tokens=BESIDE)
    warm = Sampling(temperature=1.5, top_k=0, top_p=1, min_p=0)
    asked = [
        request(ids, f"r{n}", sampling=replace(warm, top_k=n), seed=n)
        for n, ids in enumerate(prompts_of(session))
    ]
    alone = [reply_ids(session, one) for one in asked]
    assert [tokens_of(events) for events in together(session, asked)] == alone
