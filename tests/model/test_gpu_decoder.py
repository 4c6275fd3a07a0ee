"""The decoder for a GPU, run on the CPU by the plain form of its kernels."""

import gc
import weakref

import pytest
import torch

from npc_engine.model import attention
from npc_engine.model.cuda import graphs, plain_kernels
from npc_engine.model.cuda.decoder import CudaDecoder
from npc_engine.model.cuda.graphs import SIZES, DecodeInputs, sizes_for
from npc_engine.model.cuda.step_attention import attend_step, tiles_of_step
from npc_engine.model.cuda.tiles import Piece, cut
from npc_engine.model.decoder_weights import weights_of
from npc_engine.model.runner import Runner
from npc_engine.model.step import Segment, Step
from npc_engine.model.transformers_body import TransformersBody
from tests.model.gpu_stage import attention_case, passes, pool_for, read
from tests.model.stage_model import LONG, generated, rendered
from tests.models_for_tests import load_tiny

CPU = torch.device("cpu")


def decoder_of(model, pool, form="plain") -> CudaDecoder:
    with torch.inference_mode():
        return CudaDecoder(weights_of(model), pool, CPU, form=form)


def test_scores_are_those_of_transformers(tiny_folder):
    expected_model, _ = load_tiny(tiny_folder)
    model, _ = load_tiny(tiny_folder)
    expected_pool, pool = pool_for(model), pool_for(model)
    expected, found = TransformersBody(expected_model, expected_pool), decoder_of(model, pool)
    for news in passes(model):
        wanted = read(expected_pool, expected.scores, news)
        torch.testing.assert_close(read(pool, found.scores, news), wanted, rtol=1e-4, atol=1e-4)


def test_only_wanted_scores_are_computed(tiny_folder):
    model, _ = load_tiny(tiny_folder)
    whole_pool, pool = pool_for(model), pool_for(model)
    decoder, other = decoder_of(model, whole_pool), decoder_of(model, pool)
    news = next(passes(model))
    whole = read(whole_pool, decoder.scores, news)
    part = read(pool, other.scores, news, wants=lambda slot: slot != 2)
    torch.testing.assert_close(part, whole[[0, 2]])


def test_a_padded_pass_gives_the_scores_of_the_rows_that_are_there(tiny_folder):
    model, _ = load_tiny(tiny_folder)
    expected_pool, pool = pool_for(model), pool_for(model)
    expected, found = decoder_of(model, expected_pool), decoder_of(model, pool)
    inputs = DecodeInputs(found, 8)

    def padded(step: Step) -> torch.Tensor:
        if step.num_new != step.num_singles:
            return found.scores(step)
        inputs.fill(step)
        assert len(inputs.run()) == 8
        return inputs.run()[: step.num_new]  # writing twice changes nothing

    for news in passes(model):
        wanted = read(expected_pool, expected.scores, news)
        torch.testing.assert_close(read(pool, padded, news), wanted, rtol=1e-5, atol=1e-5)
    held, wanted = (
        pool.layer(1, *[torch.empty(0)] * 2),
        expected_pool.layer(1, *[torch.empty(0)] * 2),
    )
    torch.testing.assert_close(held, wanted, rtol=1e-5, atol=1e-5)


@pytest.fixture
def record(monkeypatch):
    """Recordings of passes, replayed by computing them again into the same tensor."""
    replayed = []

    def recorded(decoder, size, memory):
        inputs = DecodeInputs(decoder, size)
        scores = inputs.run()

        def replay():
            replayed.append(size)
            scores.copy_(inputs.run())

        return graphs._Recording(inputs, replay, scores)

    monkeypatch.setattr(graphs, "_recorded", recorded)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: None)
    return replayed


@pytest.mark.parametrize(("num_rows", "size"), [(1, 1), (2, 2), (3, 4), (8, 8), (13, 16), (33, 0)])
def test_a_pass_is_replayed_in_the_next_recorded_size(llama_folder, record, num_rows, size):
    model, _ = load_tiny(llama_folder)
    expected_pool, pool = pool_for(model, 33), pool_for(model, 33)
    expected, found = decoder_of(model, expected_pool), decoder_of(model, pool)
    body = graphs.DecodeGraphs(found)
    for token_id in (30, 60):
        news = [(slot, (token_id + slot,)) for slot in range(num_rows)]
        wanted = read(expected_pool, expected.scores, news)
        torch.testing.assert_close(read(pool, body.scores, news), wanted, rtol=1e-4, atol=1e-4)
    assert record == ([size] * 2 if size else [])


def test_a_pass_with_a_piece_of_a_prompt_is_not_replayed(llama_folder, record):
    model, _ = load_tiny(llama_folder)
    pool = pool_for(model)
    body = graphs.DecodeGraphs(decoder_of(model, pool))
    assert read(pool, body.scores, [(0, (30,)), (1, (31, 32))]).shape[0] == 2
    assert record == []


def test_scores_outlive_the_next_pass_and_unwanted_ones_are_left_out(llama_folder, record):
    model, _ = load_tiny(llama_folder)
    pool = pool_for(model)
    body = graphs.DecodeGraphs(decoder_of(model, pool))
    news = [(0, (30,)), (1, (31,)), (2, (32,))]
    kept = read(pool, body.scores, news, wants=lambda slot: slot != 1)
    before = kept.clone()
    read(pool, body.scores, [(0, (70,))])
    assert kept.shape[0] == 2
    assert torch.equal(kept, before)


@pytest.mark.parametrize("num_talks", [1, 3, 8])
def test_greedy_words_are_those_of_generate(tiny_folder, tiny, num_talks):
    model, tokenizer = load_tiny(tiny_folder)
    runner = Runner(model, num_slots=num_talks, window_tokens=256)
    runner.body = decoder_of(model, runner.pool)
    prompts = [rendered(tokenizer, LONG[7 * at :]) for at in range(num_talks)]
    replies = [[] for _ in prompts]
    news = [tuple(ids) for ids in prompts]
    for _ in range(12):
        segments = [
            Segment(slot, ids, wants_scores=True)
            for slot, ids in zip(runner.pool.slots, news, strict=True)
        ]
        for segment, scores in runner.run(segments):
            news[segment.slot.index] = (int(scores.argmax()),)
            replies[segment.slot.index] += news[segment.slot.index]
    for ids, reply in zip(prompts, replies, strict=True):
        expected = generated(tiny, ids, 12)
        assert reply[: len(expected)] == expected


def test_scores_after_each_id_are_those_of_transformers(tiny_folder):
    found = []
    for kind in (TransformersBody, decoder_of):
        model, tokenizer = load_tiny(tiny_folder)
        runner = Runner(model, num_slots=3, window_tokens=256)
        runner.body = kind(model, runner.pool)
        slots, ids = runner.pool.slots, rendered(tokenizer, LONG)
        runner.run([Segment(slot, ids[:9], wants_scores=False) for slot in slots])
        wanted = [
            Segment(slots[0], ids[9:16], wants_scores=True, each=True),
            Segment(slots[1], ids[9:10], wants_scores=True),
            Segment(slots[2], ids[9:10], wants_scores=True, each=True),
        ]
        found.append({part.slot.index: scores for part, scores in runner.run(wanted)})
    assert [found[1][row].dim() for row in range(3)] == [2, 1, 2]
    for row in range(3):
        torch.testing.assert_close(found[1][row], found[0][row], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found[1][0][0], found[1][1], rtol=1e-4, atol=1e-4)


def test_attention_is_that_of_the_cpu(tiny_folder):
    query, keys, values, _ = attention_case()
    slots = pool_for(load_tiny(tiny_folder)[0]).slots
    for slot, held in ((0, 90), (1, 0), (2, 3), (3, 1)):
        slots[slot].fed([7] * held)
    counts = ((0, 1), (2, 20), (1, 17), (3, 1))
    segments = [Segment(slots[slot], (7,) * count, wants_scores=True) for slot, count in counts]
    step = Step(segments, CPU)
    asked = query[: step.num_new]
    found = attend_step(asked, keys, values, tiles_of_step(step, CPU), 0.25, plain_kernels)
    torch.testing.assert_close(found, attention.attend(asked, keys, values, step, 0.25))


def test_a_position_of_nobody_gets_zeros_and_others_are_left_alone():
    query, keys, values, (singles, _) = attention_case()
    out = torch.full_like(query, 5)
    plain_kernels.attend(query, keys, values, singles, 0.25, out)
    assert not out[1].any()
    assert (out[4:] == 5).all()
    torch.testing.assert_close(out[2], values[0, :, 0].repeat_interleave(3, 0))


def test_a_piece_is_cut_without_gaps():
    parts = cut(Piece(slot=1, start=5, offset=9, count=37), 16)
    assert [(part.start, part.offset, part.count) for part in parts] == [
        (5, 9, 16),
        (21, 25, 16),
        (37, 41, 5),
    ]


@pytest.mark.parametrize("num_rows", range(1, 34))
def test_every_number_of_rows_has_a_recorded_size(num_rows):
    sizes = sizes_for(num_rows)
    assert max(sizes) >= min(num_rows, max(SIZES))
    assert all(size // 2 < num_rows for size in sizes)


@pytest.mark.parametrize(("form", "tolerance"), [("int8", 0.05), ("int4", 0.6)])
def test_packed_weights_give_nearly_the_same_scores(nemotron_folder, form, tolerance):
    plain_model, _ = load_tiny(nemotron_folder)
    model, _ = load_tiny(nemotron_folder)
    plain_pool, pool = pool_for(model), pool_for(model)
    plain, packed = decoder_of(plain_model, plain_pool), decoder_of(model, pool, form)
    assert packed.weight_bytes < (0.3 if form == "int8" else 0.25) * plain.weight_bytes
    for news in passes(model):
        wanted = read(plain_pool, plain.scores, news)
        found = read(pool, packed.scores, news)
        assert (found - wanted).norm() < tolerance * wanted.norm()


def test_nothing_is_left_of_weights_that_were_packed_but_embeddings(nemotron_folder):
    weights = weights_of(load_tiny(nemotron_folder)[0])
    parts = [weights.layers[0].down, *weights.layers[1].qkv, weights.layers[2].up[0]]
    gone = [weakref.ref(part) for part in parts]
    packed = decoder_of(weights, pool_for(weights), "int8")
    kept = weakref.ref(weights.embedding)
    del weights, parts
    gc.collect()
    assert [part() for part in gone] == [None] * len(gone)
    assert kept() is packed._embedding
