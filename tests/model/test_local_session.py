"""What only a real model shows: token equality with `generate`, caches, priorities, faults."""

import json
import threading
import time

import pytest
import torch

from npc_engine.messages import Sampling
from npc_engine.protocols import GenerationEnd, TokenDelta
from tests.model.stage_model import LONG, generated, local, rendered, reply_ids, request
from tests.models_for_tests import load_tiny, open_tiny


@pytest.fixture
def session(tiny_folder):
    made = open_tiny(tiny_folder, prefill_chunk_tokens=16)
    yield made
    made.close()


def test_greedy_equals_generate(session, tiny):
    ids = rendered(session.tokenizer, LONG)
    assert len(ids) > 3 * 16
    assert reply_ids(session, request(ids)) == generated(tiny, ids, 24)


def test_greedy_equals_generate_when_most_of_the_prompt_is_reused(session, tiny):
    first = rendered(session.tokenizer, LONG)
    reply = reply_ids(session, request(first, conversation="mira"))
    second = (*first, *reply, *rendered(session.tokenizer, "And now?"))
    assert reply_ids(session, request(second, conversation="mira")) == generated(tiny, second, 24)
    assert session.stats()["reused_tokens"] == len(first) + len(reply) - 1


def test_greedy_equals_generate_after_the_cache_was_cropped(session, tiny):
    tokenizer = session.tokenizer
    reply_ids(session, request(rendered(tokenizer, LONG, "Aye.", "No?"), conversation="mira"))
    other = rendered(tokenizer, LONG, "Nay.", "Yes?")
    assert reply_ids(session, request(other, conversation="mira")) == generated(tiny, other, 24)
    assert 0 < session.stats()["reused_tokens"] < len(other)


def test_greedy_equals_generate_when_another_conversation_lends_its_beginning(session, tiny):
    tokenizer = session.tokenizer
    reply_ids(session, request(rendered(tokenizer, LONG + "Mira?"), conversation="mira"))
    other = rendered(tokenizer, LONG + "Aldric?")
    assert reply_ids(session, request(other, conversation="aldric")) == generated(tiny, other, 24)
    assert session.stats()["reused_tokens"] > 16


def test_after_a_cancel_the_cache_holds_what_was_fed(session, tiny):
    ids = rendered(session.tokenizer, LONG)
    stream = session.stream(request(ids, conversation="mira", max_tokens=120))
    said = [next(stream).token_id for _ in range(3)]
    session.cancel("r")
    said += [event.token_id for event in stream if isinstance(event, TokenDelta)]
    again = (*ids, *said)
    answer = list(session.stream(request(again, "next", conversation="mira")))
    assert answer[-1].usage.reused_tokens == len(again) - 1
    assert [e.token_id for e in answer[:-1]] == generated(tiny, again, 24)


def test_an_end_id_is_neither_delivered_nor_kept(tiny_folder):
    model, tokenizer = load_tiny(tiny_folder)
    ids = rendered(tokenizer, LONG)
    whole = generated((model, tokenizer), ids, 24)
    position = next(at for at in range(3, 24) if whole[at] not in whole[:at])
    tokenizer.end_ids = tokenizer.end_ids | {whole[position]}
    session = local(model, tokenizer)
    events = list(session.stream(request(ids, conversation="mira")))
    assert events[-1].reason == "done"
    assert [event.token_id for event in events[:-1]] == whole[:position]
    end = list(session.stream(request((*ids, *whole[:position], 20), conversation="mira")))[-1]
    assert end.usage.reused_tokens == len(ids) + position
    session.close()


def test_the_repetition_penalty_leaves_words_of_the_prompt_alone(session):
    free = Sampling(temperature=0, repetition_penalty=1)
    held = Sampling(temperature=0, repetition_penalty=50)
    seen = 0
    for start in range(10, 60):
        ids = (*rendered(session.tokenizer, LONG), *range(start, start + 120))
        likeliest = reply_ids(session, request(ids, sampling=free, max_tokens=4))
        if not likeliest or likeliest[0] not in ids[-256:]:
            continue
        seen += 1
        penalised = reply_ids(session, request(ids, sampling=held, max_tokens=12))
        assert penalised[0] == likeliest[0]
        assert len(set(penalised)) == len(penalised)
    assert seen > 3


def test_different_seeds_give_different_replies(session):
    ids = rendered(session.tokenizer, LONG)
    warm = Sampling(temperature=2, top_k=0, top_p=1, min_p=0)
    replies = {
        tuple(reply_ids(session, request(ids, f"r{seed}", sampling=warm, seed=seed)))
        for seed in range(4)
    }
    assert len(replies) > 1


def test_a_player_goes_before_a_background_reply_that_then_goes_on_unharmed(session, tiny):
    ids, other = rendered(session.tokenizer, LONG), rendered(session.tokenizer, "Any work?")
    expected = generated(tiny, ids, 100)
    folding = session.stream(request(ids, "fold", priority="background", max_tokens=100))
    begun = next(folding)
    session.warm("aldric", other)
    spoken = reply_ids(session, request(other, "player", priority="player"))
    forwards_then = session.stats()["forwards"]
    rest = list(folding)
    assert spoken == generated(tiny, other, 24)
    assert [begun.token_id, *(event.token_id for event in rest[:-1])] == expected
    assert rest[-1].reason == "length"
    assert session.stats()["forwards"] > forwards_then


def test_background_work_waits_while_a_player_is_served(tiny_folder):
    model, tokenizer = load_tiny(tiny_folder)
    session = local(model, tokenizer)
    gate, reached = threading.Event(), threading.Event()
    passes: list[list[int]] = []

    def note(_, __, kwargs):
        passes.append(kwargs["position_ids"][0].tolist())
        reached.set()
        gate.wait(10)

    model.register_forward_pre_hook(note, with_kwargs=True)
    ids, other = rendered(tokenizer, LONG), rendered(tokenizer, "Any work?")
    background = session.stream(request(ids, "fold", priority="background", max_tokens=5))
    assert reached.wait(10)
    player = session.stream(request(other, "player", max_tokens=4))
    gate.set()
    assert list(player)[-1].reason == list(background)[-1].reason == "length"
    end = len(other)
    assert passes[1:5] == [list(range(end)), [end], [end + 1], [end + 2]]
    session.close()


def test_warming_reads_a_prompt_in_spare_time(session):
    ids = rendered(session.tokenizer, LONG)
    session.warm("mira", ids)
    deadline = time.monotonic() + 20
    while session.stats()["conversations"] == 0 and time.monotonic() < deadline:
        time.sleep(0.005)
    end = list(session.stream(request(ids, conversation="mira")))[-1]
    assert end.usage.reused_tokens == len(ids) - 1
    assert session.stats()["requests"] == 1


def test_a_request_takes_over_what_a_warm_up_has_read_so_far(session, tiny):
    ids = rendered(session.tokenizer, LONG)
    session.warm("mira", ids)
    events = list(session.stream(request(ids, conversation="mira")))
    assert [event.token_id for event in events[:-1]] == generated(tiny, ids, 24)
    assert session.stats()["live_requests"] == 0


def test_a_fault_in_the_model_fails_one_reply_and_spares_the_next(tiny_folder, tiny, caplog):
    model, tokenizer = load_tiny(tiny_folder)
    session = local(model, tokenizer)
    ids = rendered(tokenizer, LONG)

    def break_down(*_):
        raise RuntimeError("the second layer broke")

    hook = model.model.layers[1].register_forward_pre_hook(break_down)
    end = list(session.stream(request(ids, conversation="mira")))[-1]
    hook.remove()
    assert (end.reason, end.error) == ("failed", "the second layer broke")
    assert "the second layer broke" in caplog.text
    assert reply_ids(session, request(ids, conversation="mira")) == generated(tiny, ids, 24)
    session.close()


def test_scores_that_are_not_numbers_fail_the_reply(tiny_folder, caplog):
    model, tokenizer = load_tiny(tiny_folder)
    session = local(model, tokenizer)
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    end = list(session.stream(request(rendered(tokenizer, "Hi"))))[-1]
    assert end.reason == "failed"
    assert "not numbers" in end.error
    assert "not numbers" in caplog.text
    session.close()


def test_two_requests_with_one_id_do_not_disturb_each_other(session):
    ids = rendered(session.tokenizer, LONG)
    first = session.stream(request(ids, max_tokens=100))
    next(first)
    second = list(session.stream(request(ids, max_tokens=5)))
    assert isinstance(second[0], GenerationEnd)
    assert "already running" in second[0].error
    assert list(first)[-1].reason == "length"


def test_the_longest_unused_conversation_goes_first_when_memory_is_short(tiny_folder):
    model, tokenizer = load_tiny(tiny_folder)
    config = model.config
    position = (
        2 * 4 * config.num_key_value_heads * (config.hidden_size // config.num_attention_heads)
    )
    # Prompts without a common beginning, so that none is lent by another conversation.
    prompts = {name: tokenizer.encode(f"{name} {LONG}") for name in "abc"}
    held = config.num_hidden_layers * position * max(len(ids) for ids in prompts.values())
    session = local(model, tokenizer, cache_bytes=2 * held)

    def reused(name: str) -> int:
        asked = request(prompts[name], conversation=name, max_tokens=1)
        return list(session.stream(asked))[-1].usage.reused_tokens

    assert [reused(name) for name in "abc"] == [0, 0, 0]
    assert reused("c") == len(prompts["c"]) - 1
    assert reused("b") == len(prompts["b"]) - 1
    assert reused("a") == 0
    session.close()
    assert session.stats()["evictions"] == 2


def test_dropping_a_session_ends_its_thread(tiny_folder):
    session = open_tiny(tiny_folder)
    thread = session._engine._thread
    del session
    thread.join(10)
    assert not thread.is_alive()


def test_config_of_the_tiny_model_is_the_real_family(nemotron_folder):
    config = json.loads((nemotron_folder / "config.json").read_text(encoding="utf-8"))
    assert config["model_type"] == "nemotron"
    assert config["num_attention_heads"] == 3 * config["num_key_value_heads"]


def test_the_number_of_threads_is_kept_whatever_others_set_later(llama_folder):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    session = open_tiny(llama_folder, threads=1)
    runner, found = session._engine._runner, []
    run = runner.run

    def watched(segments):
        found.append(torch.get_num_threads())
        return run(segments)

    runner.run = watched
    torch.set_num_threads(3)
    try:
        reply_ids(session, request((20, 21, 22), max_tokens=2))
    finally:
        torch.set_num_threads(before)
        session.close()
    assert set(found) == {1}
