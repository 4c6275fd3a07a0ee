"""The decoder written out gives the scores of the model of `transformers`, step for step."""

import copy

import pytest
import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    NemotronConfig,
    NemotronForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from npc_engine.model.decoder import Decoder
from npc_engine.model.decoder_weights import model_shape, weights_of
from npc_engine.model.linear import Kernels, available
from npc_engine.model.runner import Packing, Runner
from npc_engine.model.slots import SlotPool
from npc_engine.model.step import Segment
from npc_engine.model.transformers_body import TransformersBody
from tests.model.stage_model import LONG, generated, rendered
from tests.models_for_tests import load_tiny

SIZES = {"hidden_size": 96, "num_hidden_layers": 2, "num_attention_heads": 6}


def config_of(family: str, **changes):
    kind = {"llama": LlamaConfig, "nemotron": NemotronConfig, "qwen2": Qwen2Config}[family]
    sizes = {**SIZES, "vocab_size": 300, "intermediate_size": 128, "num_key_value_heads": 2}
    return kind(**{**sizes, "max_position_embeddings": 256, **changes})


def model_of(family: str, **changes):
    torch.manual_seed(0)
    kind = {
        "llama": LlamaForCausalLM,
        "nemotron": NemotronForCausalLM,
        "qwen2": Qwen2ForCausalLM,
    }[family]
    model = kind(config_of(family, **changes)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.mul_(4) if parameter.dim() > 1 else parameter.add_(
                torch.randn(parameter.shape) * (0.3 if "norm" in name else 0.1)
            )
    return model


def ids_of(seed: int, count: int) -> tuple[int, ...]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randint(3, 300, (count,), generator=generator).tolist())


# What each row reads in each pass: prompts, pieces of prompts, and single ids of several rows.
STEPS = (
    {0: 20},
    {0: 1, 3: 7},
    {0: 1, 3: 1, 1: 30},
    {0: 1, 1: 1, 2: 1, 3: 1, 4: 16},
    {0: 1, 1: 1, 2: 5, 3: 1, 4: 16},
    {0: 1, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1},
    {1: 60, 4: 2},
    {5: 1},
)


def scores_by_step(runner: Runner) -> list[torch.Tensor]:
    found = []
    for number, reads in enumerate(STEPS):
        segments = [
            Segment(runner.pool.slots[row], ids_of(100 * number + row, count), wants_scores=True)
            for row, count in reads.items()
        ]
        by_segment = {id(segment): scores for segment, scores in runner.run(segments)}
        found.append(torch.stack([by_segment[id(segment)] for segment in segments]))
    return found


VARIANTS = [
    ("llama", {}),
    ("llama", {"tie_word_embeddings": True, "num_key_value_heads": 6}),
    ("llama", {"head_dim": 32, "rms_norm_eps": 1e-3}),
    ("nemotron", {}),
    ("nemotron", {"partial_rotary_factor": 1.0, "norm_eps": 1e-3}),
    ("nemotron", {"num_key_value_heads": 1, "head_dim": 24}),
    ("qwen2", {}),
    ("qwen2", {"tie_word_embeddings": True, "num_key_value_heads": 1, "rms_norm_eps": 1e-3}),
    ("qwen2", {"rope_parameters": {"rope_type": "default", "rope_theta": 1e6}}),
]


@pytest.mark.parametrize(("family", "changes"), VARIANTS)
def test_scores_are_those_of_transformers_for_any_mixed_steps(family, changes):
    model = model_of(family, **changes)
    runners = [
        Runner(copy.deepcopy(model), num_slots=6, window_tokens=256, packing=packing)
        for packing in (None, Packing(Kernels()))
    ]
    assert [type(runner.body) for runner in runners] == [TransformersBody, Decoder]
    for theirs, ours in zip(*map(scores_by_step, runners), strict=True):
        assert theirs.abs().max() > 0.5
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("packing", [None, Packing(Kernels())])
def test_a_row_reads_the_same_whatever_is_read_beside_it(packing):
    model = model_of("llama")
    runner = Runner(model, num_slots=6, window_tokens=256, packing=packing)
    together = scores_by_step(runner)
    for row in range(6):
        alone = Runner(copy.deepcopy(model), num_slots=6, window_tokens=256, packing=packing)
        for number, reads in enumerate(STEPS):
            if row in reads:
                ids = ids_of(100 * number + row, reads[row])
                ((_, scores),) = alone.run([Segment(alone.pool.slots[row], ids, True)])
                place = list(reads).index(row)
                torch.testing.assert_close(together[number][place], scores, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("packing", [None, Packing(Kernels())])
def test_only_those_that_want_scores_get_them_in_their_own_order(packing):
    runner = Runner(model_of("llama"), num_slots=4, window_tokens=64, packing=packing)
    slots = runner.pool.slots
    segments = [
        Segment(slots[3], ids_of(1, 9), True),
        Segment(slots[1], ids_of(2, 5), False),
        Segment(slots[2], ids_of(3, 1), True),
        Segment(slots[0], ids_of(4, 1), False),
    ]
    found = runner.run(segments)
    assert {id(segment) for segment, _ in found} == {id(segments[0]), id(segments[2])}
    assert [len(slot.ids) for slot in slots] == [1, 5, 1, 9]
    assert runner.run([Segment(slots[1], ids_of(5, 4), False)]) == []
    assert runner.num_forwards == 2


@pytest.mark.parametrize("family", ["llama", "nemotron", "qwen2"])
def test_the_weights_of_the_model_stay_usable_after_they_were_joined(family):
    model = model_of(family)
    before = copy.deepcopy(model)
    Runner(model, num_slots=2, window_tokens=64, packing=Packing(Kernels()))
    ids = torch.tensor([ids_of(1, 20)])
    with torch.no_grad():
        assert torch.equal(model(ids).logits, before(ids).logits)
    for name, weight in before.state_dict().items():
        assert torch.equal(model.state_dict()[name], weight), name


def test_joined_weights_are_held_once():
    model = model_of("llama")
    decoder = Decoder(weights_of(model), SlotPool(2, 2, 64))
    attend = model.model.layers[0].self_attn
    whole = decoder._layers[0].qkv._weight
    assert attend.q_proj.weight.data_ptr() == whole.data_ptr()
    parts = [attend.q_proj.weight, attend.k_proj.weight, attend.v_proj.weight]
    assert {part.untyped_storage().data_ptr() for part in parts} == {
        whole.untyped_storage().data_ptr()
    }


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("llama", {"attention_bias": True}),
        ("llama", {"mlp_bias": True}),
        ("nemotron", {"attention_bias": True}),
        ("nemotron", {"mlp_bias": True}),
        ("llama", {"hidden_act": "gelu"}),
        ("nemotron", {"hidden_act": "silu"}),
        ("llama", {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}}),
        ("qwen2", {"use_sliding_window": True, "sliding_window": 12, "max_window_layers": 1}),
    ],
)
def test_what_is_not_written_out_is_left_to_transformers(family, changes):
    model = model_of(family, **changes)
    assert model_shape(model) is None
    with pytest.raises(ValueError, match=type(model).__name__):
        weights_of(model)
    runner = Runner(model, num_slots=2, window_tokens=64, packing=Packing(Kernels()))
    assert isinstance(runner.body, TransformersBody)


def test_other_families_are_left_to_transformers():
    config = Qwen3Config(**SIZES, vocab_size=300, intermediate_size=128, num_key_value_heads=2)
    assert model_shape(Qwen3ForCausalLM(config)) is None


@pytest.mark.skipif("int8" not in available(), reason="no int8 operator here")
@pytest.mark.parametrize("kernels", [Kernels(int8_rows=64), Kernels(int4_rows=2, int8_rows=64)])
def test_packed_weights_change_scores_a_little(tiny_folder, kernels):
    found = []
    for packing in (Packing(Kernels()), Packing(kernels, ids_of(7, 60))):
        model, _ = load_tiny(tiny_folder)
        runner = Runner(model, num_slots=6, window_tokens=256, packing=packing)
        assert not runner.pool.slots[0].ids
        found.append(torch.cat(scores_by_step(runner)))
    plain, packed = found
    assert bool(torch.isfinite(packed).all())
    share = float((packed - plain).norm() / plain.norm())
    assert 0 < share < (0.25 if kernels.int4_rows else 0.1)


@pytest.mark.skipif("int8" not in available(), reason="no int8 operator here")
def test_text_read_for_packing_is_forgotten(tiny_folder, tiny):
    model, tokenizer = load_tiny(tiny_folder)
    packing = Packing(Kernels(int8_rows=1), ids_of(7, 100))
    runner = Runner(model, num_slots=1, window_tokens=256, packing=packing)
    ids = rendered(tokenizer, LONG)
    ((_, scores),) = runner.run([Segment(runner.pool.slots[0], ids, True)])
    assert [int(scores.argmax())] == generated(tiny, ids, 1)
