"""The compiled decoder against the model of transformers, and its arithmetic against numpy's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from npc_engine.model.cpu import body
from npc_engine.model.cpu.attention import attend, room_for_scores
from npc_engine.model.cpu.body import supports
from npc_engine.model.cpu.kernels import gate, product, rms_norm
from npc_engine.model.cpu.many_rows import lay_out
from npc_engine.model.cpu.numbers import exponential, from_bfloat16, to_bfloat16
from npc_engine.model.linear import Kernels, available
from npc_engine.model.loading import load_model
from npc_engine.model.runner import Packing, Runner
from npc_engine.model.step import Segment

INT8_ROWS = 64 if "int8" in available() else 0
SAMPLE = tuple(range(20, 60))


def runner_of(folder, packing: Packing | None) -> Runner:
    model = load_model(folder, device="cpu", dtype="bfloat16")
    return Runner(model, num_slots=9, window_tokens=256, packing=packing)


@pytest.fixture(scope="module", params=["llama", "qwen2"])
def folder(request, llama_folder, qwen2_folder):
    return llama_folder if request.param == "llama" else qwen2_folder


@pytest.fixture(scope="module")
def compiled(folder) -> Runner:
    return runner_of(folder, Packing(Kernels(int8_rows=INT8_ROWS, compiled=True), SAMPLE))


@pytest.fixture(scope="module")
def reference(folder) -> Runner:
    return runner_of(folder, None)


def feed(runner: Runner, pieces: dict[int, tuple[int, ...]]) -> dict[int, torch.Tensor]:
    """Read pieces into rows in one pass; the scores by row."""
    slots = runner.pool.slots
    segments = [Segment(slots[row], ids, wants_scores=True) for row, ids in pieces.items()]
    return {segment.slot.index: scores for segment, scores in runner.run(segments)}


def prompts(count: int) -> dict[int, tuple[int, ...]]:
    return {row: tuple(range(10 + row, 30 + 5 * row)) for row in range(count)}


def begin(*runners: Runner, rows: int) -> None:
    for runner in runners:
        for slot in runner.pool.slots:
            slot.crop(0)
        if rows:
            feed(runner, prompts(rows))


def close(found: torch.Tensor, wanted: torch.Tensor) -> bool:
    """Within what bytes for weights and inputs cost; scores of the tiny model spread over tens."""
    return float((found - wanted).abs().max()) < 0.12 * float(wanted.std()) + 0.05


@pytest.mark.parametrize("rows", [1, 2, 3, 8])
def test_single_tokens_give_the_scores_of_transformers(compiled, reference, rows):
    begin(compiled, reference, rows=rows)
    for token_id in (40, 50, 60):
        pieces = {row: (token_id + row,) for row in range(rows)}
        found, wanted = feed(compiled, pieces), feed(reference, pieces)
        assert all(close(found[row], wanted[row]) for row in range(rows))


def test_a_prompt_beside_single_tokens_gives_the_scores_of_transformers(compiled, reference):
    begin(compiled, reference, rows=3)
    pieces = {0: (40,), 1: (41,), 2: (42,), 5: tuple(range(60, 95))}
    found, wanted = feed(compiled, pieces), feed(reference, pieces)
    assert set(found) == set(wanted) == {0, 1, 2, 5}
    assert all(close(found[row], wanted[row]) for row in pieces)


@pytest.mark.parametrize("scored", [{0, 1}, {5}, set()])
def test_only_the_scores_that_are_wanted_come_back(compiled, reference, scored):
    begin(compiled, reference, rows=2)
    pieces = {0: (40,), 1: (41,), 5: tuple(range(60, 95))}
    found = []
    for runner in (compiled, reference):
        slots = runner.pool.slots
        segments = [Segment(slots[row], ids, row in scored) for row, ids in pieces.items()]
        found.append({part.slot.index: scores for part, scores in runner.run(segments)})
    assert set(found[0]) == set(found[1]) == scored
    assert all(close(found[0][row], found[1][row]) for row in scored)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_scores_after_each_id_are_those_of_ids_one_by_one(compiled, reference, size):
    begin(compiled, reference, rows=2)
    ids = tuple(range(60, 60 + size))
    slots = compiled.pool.slots
    found = compiled.run(
        [Segment(slots[0], (40,), wants_scores=True), Segment(slots[1], ids, True, each=True)]
    )
    scores = next(rows for segment, rows in found if segment.each)
    wanted = [feed(reference, {1: (token_id,)})[1] for token_id in ids]
    assert scores.shape[0] == size
    assert all(close(row, one) for row, one in zip(scores, wanted, strict=True))


def test_what_was_written_one_by_one_can_be_read_by_the_prompt_path(compiled, reference):
    begin(compiled, reference, rows=1)
    for token_id in range(40, 50):
        feed(compiled, {0: (token_id,)})
        feed(reference, {0: (token_id,)})
    piece = {0: (70, 71, 72)}
    assert close(feed(compiled, piece)[0], feed(reference, piece)[0])


@pytest.mark.skipif(INT8_ROWS == 0, reason="no int8 operator on this processor")
def test_two_rows_of_a_large_model_are_read_together(folder, reference, monkeypatch):
    monkeypatch.setattr(body, "_MANY_WEIGHTS", 0)
    packing = Packing(Kernels(int8_rows=INT8_ROWS, compiled=True), SAMPLE)
    large = runner_of(folder, packing)
    together = []
    read = large.body._read_together
    monkeypatch.setattr(large.body, "_read_together", lambda *given: together.append(read(*given)))
    begin(large, reference, rows=2)
    pieces = {0: (40,), 1: (41,)}
    found, wanted = feed(large, pieces), feed(reference, pieces)
    assert all(close(found[row], wanted[row]) for row in pieces)
    feed(large, {0: (50,)})
    assert len(together) == 1


@pytest.mark.skipif(INT8_ROWS == 0, reason="no int8 operator on this processor")
def test_a_row_of_a_batch_is_the_same_bits_whoever_else_is_in_it(compiled):
    begin(compiled, rows=8)
    eight = feed(compiled, {row: (40 + row,) for row in range(8)})
    for slot in compiled.pool.slots[:8]:
        slot.crop(len(slot.ids) - 1)
    three = feed(compiled, {row: (40 + row,) for row in (1, 4, 6)})
    assert all(torch.equal(three[row], eight[row]) for row in three)


@pytest.mark.skipif(INT8_ROWS == 0, reason="no int8 operator on this processor")
def test_more_rows_than_a_batch_holds_are_read_all_the_same(folder, reference):
    model = load_model(folder, device="cpu", dtype="bfloat16")
    packing = Packing(Kernels(int8_rows=INT8_ROWS, compiled=True), SAMPLE)
    wide = Runner(model, num_slots=66, window_tokens=64, packing=packing)
    found = feed(wide, {row: (40,) for row in range(66)})
    begin(reference, rows=0)
    wanted = feed(reference, {0: (40,)})[0]
    assert len(found) == 66
    assert all(close(scores, wanted) for scores in found.values())


def test_only_llama_and_qwen2_in_bfloat16_are_compiled(llama_folder, nemotron_folder, qwen2_folder):
    def of(folder, dtype: str) -> bool:
        return supports(load_model(folder, device="cpu", dtype=dtype))

    assert of(llama_folder, "bfloat16")
    assert of(qwen2_folder, "bfloat16")
    assert not of(llama_folder, "float32")
    assert not of(nemotron_folder, "bfloat16")


@settings(deadline=None)  # the first call compiles
@given(st.floats(-80, 80, width=32))
def test_the_exponential_is_close_to_the_true_one(x):
    assert exponential(np.float32(x)) == pytest.approx(np.exp(np.float64(x)), rel=1e-5)


def test_the_exponential_of_what_is_far_below_zero_is_nothing():
    assert exponential(np.float32(-1e30)) < 1e-37


@settings(deadline=None)  # the first call compiles
@given(st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False))
def test_bfloat16_is_rounded_as_torch_rounds_it(x):
    bits = to_bfloat16(np.float32(x))
    assert from_bfloat16(bits) == torch.tensor(x).to(torch.bfloat16).float().item()


def test_the_kernels_compute_what_their_names_say():
    random = np.random.default_rng(3)
    weight = random.integers(-127, 128, (12, 20)).astype(np.int8)
    scale, x = random.random(12, np.float32), random.random(20, np.float32)
    out = np.empty(12, np.float32)
    product(weight, scale, x, out)
    assert np.allclose(out, (weight * scale[:, None]) @ x, rtol=1e-5)
    normed = np.empty_like(x)
    rms_norm(x, scale[:1].repeat(20), np.float32(1e-5), normed)
    assert np.allclose(normed, x / np.sqrt((x * x).mean() + 1e-5) * scale[0], rtol=1e-5)
    gated = np.empty(10, np.float32)
    gate(x, gated)
    assert np.allclose(gated, x[:10] / (1 + np.exp(-x[:10])) * x[10:], rtol=1e-5)
    row, smooth = np.empty_like(x), random.random(20, np.float32)
    largest = lay_out(-x, smooth, row)
    assert np.abs(row).max() == 1
    assert np.allclose(row * largest, -x * smooth)


@pytest.mark.parametrize("head_dim", [8, 64, 80, 128])
@pytest.mark.parametrize("sharing", [1, 2, 3, 4])
@pytest.mark.parametrize("length", [1, 3, 4, 70])
def test_attention_is_the_softmax_of_the_products(head_dim, sharing, length):
    random = np.random.default_rng(length)
    query = random.standard_normal((2 * sharing, head_dim)).astype(np.float32)
    query /= np.sqrt(np.float32(head_dim))
    keys, values = (torch.randn(2, 96, head_dim).to(torch.bfloat16) for _ in range(2))
    out = np.empty(query.size, np.float32)
    bits = [part.view(torch.uint16).numpy() for part in (keys, values)]
    attend(query, *bits, length, room_for_scores(2 * sharing, 2, 96), out)
    held = [part[:, :length].float().repeat_interleave(sharing, 0) for part in (keys, values)]
    wanted = torch.softmax(torch.einsum("hd,htd->ht", torch.from_numpy(query), held[0]), -1)
    wanted = torch.einsum("ht,htd->hd", wanted, held[1])
    assert np.allclose(out, wanted.flatten().numpy(), atol=2e-5)
