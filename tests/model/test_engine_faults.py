"""Faults in the engine room: each request still ends once, and the next one is answered."""

import pytest
import torch

from npc_engine.model import engine_thread
from npc_engine.model.slots import SlotPool
from tests.model.stage_model import (
    LONG,
    Passes,
    end_of,
    generated,
    local,
    paused,
    rendered,
    reply_ids,
    request,
    settled,
    tokens_of,
)


@pytest.fixture
def session(served):
    made = local(*served, num_rows=4)
    yield made
    made.close()


class Broken:
    """Raises when it is called for the first time, and then does what it stands for."""

    def __init__(self, real, error: Exception) -> None:
        self.real, self.error, self.calls = real, error, 0

    def __call__(self, *args, **kwargs):
        self.calls += 1
        if self.calls == 1:
            raise self.error
        return self.real(*args, **kwargs)


def test_a_pass_that_broke_is_run_again_for_each_alone(session, tiny, caplog):
    runner = session._engine._runner
    runner.run = Broken(runner.run, RuntimeError("a kernel broke"))
    prompts = [rendered(session.tokenizer, text) for text in ("Hi", "Any work?", LONG)]
    with paused(session):
        streams = [session.stream(request(ids, f"r{n}")) for n, ids in enumerate(prompts)]
    assert [tokens_of(stream) for stream in streams] == [
        generated(tiny, ids, 24) for ids in prompts
    ]
    assert "running each alone" in caplog.text


def test_of_many_only_the_one_that_breaks_fails(session, tiny, caplog):
    runner = session._engine._runner
    run, bad_ids = runner.run, rendered(session.tokenizer, "Break!")

    def picky(segments):
        if any(
            (*segment.slot.ids, *segment.ids)[: len(bad_ids)] == bad_ids for segment in segments
        ):
            raise RuntimeError("not this one")
        return run(segments)

    runner.run = picky
    ids = rendered(session.tokenizer, LONG)
    with paused(session):
        good, bad = session.stream(request(ids, "good")), session.stream(request(bad_ids, "bad"))
    assert tokens_of(good) == generated(tiny, ids, 24)
    (end,) = list(bad)
    assert (end.reason, end.error) == ("failed", "not this one")
    assert settled(session)["free_rows"] == 4


def test_memory_that_runs_out_is_taken_from_idle_conversations(session, tiny, caplog):
    ids = rendered(session.tokenizer, LONG)
    reply_ids(session, request(ids, conversation="idle"))
    runner = session._engine._runner
    runner.run = Broken(runner.run, torch.OutOfMemoryError("no room"))
    end = end_of(session, request(session.tokenizer.encode("Hm. " + LONG)))
    assert end.reason == "failed"
    assert end.error == "out of memory: no room; use fewer conversations at once or a smaller model"
    assert settled(session)["conversations"] == 0
    assert reply_ids(session, request(ids)) == generated(tiny, ids, 24)


def test_numbers_that_broke_once_are_not_kept(session, tiny, caplog):
    """Neither by the conversation, nor behind the end of the row beside a longer one."""
    ids = rendered(session.tokenizer, LONG)
    runner = session._engine._runner
    norm = runner.body._model.model.layers[0].input_layernorm
    hook = norm.register_forward_hook(lambda *args: args[-1] * float("nan"))
    end = end_of(session, request(ids, conversation="mira"))
    hook.remove()
    assert "not numbers" in end.error
    answer = list(session.stream(request(ids, conversation="mira")))
    assert answer[-1].usage.reused_tokens == 0
    assert tokens_of(answer) == generated(tiny, ids, 24)
    session.forget("mira")
    prompts = [rendered(session.tokenizer, text) for text in (LONG[:130], LONG)]
    with paused(session):
        streams = [session.stream(request(one, f"r{n}")) for n, one in enumerate(prompts)]
    assert [tokens_of(stream) for stream in streams] == [
        generated(tiny, one, 24) for one in prompts
    ]


@pytest.mark.parametrize("where", ["sample", "choose"])
def test_a_fault_of_the_engine_itself_ends_what_runs_and_nothing_else(
    session, tiny, monkeypatch, caplog, where
):
    broken = Broken(getattr(engine_thread, where), ValueError("a fault of our own"))
    monkeypatch.setattr(engine_thread, where, broken)
    ids = rendered(session.tokenizer, LONG)
    with paused(session):
        streams = [session.stream(request(ids, f"r{n}", conversation=f"n{n}")) for n in range(6)]
    for stream in streams:
        (end,) = list(stream)
        assert (end.reason, end.error) == ("failed", "a fault of our own")
    assert "a fault of our own" in caplog.text
    assert settled(session)["free_rows"] == 4
    answer = list(session.stream(request(ids, conversation="n0")))
    assert (answer[-1].usage.reused_tokens, tokens_of(answer)) == (0, generated(tiny, ids, 24))


def test_a_fork_that_breaks_ends_no_thread(session, tiny, monkeypatch, caplog):
    ids = rendered(session.tokenizer, LONG)
    reply_ids(session, request(ids, conversation="mira"))
    monkeypatch.setattr(SlotPool, "copy", Broken(SlotPool.copy, RuntimeError("no copy")))
    session.fork("mira", "fold")
    assert reply_ids(session, request(ids, conversation="mira")) == generated(tiny, ids, 24)
    assert "no copy" in caplog.text


def test_ids_beyond_the_vocabulary_fail_that_reply_alone(session, tiny, caplog):
    ids = rendered(session.tokenizer, LONG)
    passes = Passes(session)
    with paused(session):
        good, bad = session.stream(request(ids)), session.stream(request((*ids, 99_999), "bad"))
    assert tokens_of(good) == generated(tiny, ids, 24)
    assert list(bad)[-1].reason == "failed"
    assert passes.of("bad")
