"""Packed weights: how far from the weights they are, and which form is chosen."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from npc_engine.errors import LoadError
from npc_engine.model import device_room
from npc_engine.model.cuda import plain_kernels
from npc_engine.model.cuda.packing import pack_int4, pack_int8, sliced, unpack
from npc_engine.model.cuda.products import PackedProduct, product_of
from npc_engine.model.kernel_choice import may_pack_twice
from npc_engine.model.weight_forms import WeightCounts, choose_form, counts_of, is_packable

GIB = 1 << 30
NEMOTRON = WeightCounts(layers=2_617_645_056, head=786_432_000, embeddings=786_432_000)


def weight_of(outs: int, ins: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(outs, ins, generator=torch.Generator().manual_seed(seed))


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 100))
def test_int8_is_off_by_half_a_step_at_most(outs, ins, seed):
    weight = weight_of(outs, ins, seed)
    steps = weight.abs().amax(1, keepdim=True) / 127
    assert ((unpack(pack_int8(weight), torch.float32) - weight).abs() <= 0.501 * steps).all()


@given(st.sampled_from([32, 64, 96, 128, 192, 384]), st.integers(0, 100))
def test_int4_is_off_by_little_more_than_half_a_step(ins, seed):
    weight = weight_of(3, ins, seed)
    packed = pack_int4(weight)
    groups = weight.view(3, -1, packed.group)
    steps = (groups.amax(-1, keepdim=True) - groups.amin(-1, keepdim=True)) / 15
    off = (unpack(packed, torch.float32).view(groups.shape) - groups).abs()
    assert (off <= 0.65 * steps).all()  # scale and lowest weight are bfloat16


def test_codes_take_half_a_byte_and_scales_a_thirty_second_of_one():
    packed = pack_int4(weight_of(64, 256))
    assert packed.shape == (64, 256)
    assert packed.num_bytes == 64 * 256 * (0.5 + 4 / 128)


def test_weights_that_are_all_zero_stay_zero():
    for pack in (pack_int8, pack_int4):
        assert not unpack(pack(torch.zeros(2, 64)), torch.float32).any()


def test_inputs_that_fill_no_group_are_refused():
    with pytest.raises(ValueError, match="multiple of 32"):
        pack_int4(torch.zeros(2, 48))


def test_weights_that_fill_no_group_get_a_byte_each():
    product = product_of(weight_of(4, 48), "int4", plain_kernels, torch.device("cpu"))
    assert product.num_bytes == 4 * 48 + 4 * 4


def test_some_outputs_can_be_taken():
    packed = pack_int4(weight_of(8, 64))
    whole = unpack(packed, torch.float32)
    assert torch.equal(unpack(sliced(packed, 2, 5), torch.float32), whole[2:5])


@pytest.mark.parametrize("form", ["plain", "int8", "int4"])
def test_a_product_can_be_added_in_place(form):
    x, weight = torch.ones(3, 64), weight_of(8, 64)
    product = product_of(weight, form, plain_kernels, torch.device("cpu"))
    total = torch.ones(3, 8)
    product.add_to(total, x)
    torch.testing.assert_close(total, product(x) + 1)
    tolerance = {"plain": 1e-4, "int8": 0.2, "int4": 4.0}[form]
    torch.testing.assert_close(product(x), x @ weight.T, rtol=0, atol=tolerance)


def test_a_product_of_many_outputs_is_computed_in_pieces(monkeypatch):
    packed = pack_int8(weight_of(50, 32))
    x = torch.ones(2, 32)
    whole = PackedProduct(packed, plain_kernels)(x)
    monkeypatch.setattr("npc_engine.model.cuda.products._PIECE", 16)
    torch.testing.assert_close(PackedProduct(packed, plain_kernels)(x), whole)


@pytest.mark.parametrize(
    ("free_gib", "form"),
    [(80, "plain"), (9.4, "plain"), (9.2, "int8"), (4.7, "int8"), (4.6, "int4")],
)
def test_the_first_form_that_fits_is_chosen(free_gib, form):
    assert choose_form(NEMOTRON, int(free_gib * GIB)) == form


def test_a_gpu_that_is_too_small_is_named_with_what_to_do():
    with pytest.raises(LoadError, match=r"found 3.0 GB free; needs 3.5 GB; close .*'smollm2'"):
        choose_form(NEMOTRON, 3 * GIB)


def test_a_model_without_packed_forms_needs_room_as_it_is():
    with pytest.raises(LoadError, match=r"needs 9.3 GB"):
        choose_form(NEMOTRON, 9 * GIB, forms=("plain",))
    with pytest.raises(LoadError, match=r"needs 17.1 GB"):
        choose_form(NEMOTRON, 9 * GIB, plain_bytes=4, forms=("plain",))


def test_counts_come_from_the_sizes_of_the_files(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(bytes(2 * 5000))
    config = {"vocab_size": 100, "hidden_size": 10, "tie_word_embeddings": False}
    assert counts_of(config, tmp_path) == WeightCounts(3000, 1000, 1000)
    tied = {**config, "tie_word_embeddings": True, "dtype": "float32"}
    assert counts_of(tied, tmp_path) == WeightCounts(1500, 1000, 0)


def test_only_decoders_that_are_written_out_are_packable():
    assert is_packable({"model_type": "nemotron"})
    assert is_packable({"model_type": "llama", "rope_scaling": {"rope_type": "default"}})
    assert not is_packable({"model_type": "llama", "rope_scaling": {"rope_type": "llama3"}})
    assert not is_packable({"model_type": "llama", "attention_bias": True})
    assert is_packable({"model_type": "qwen2", "use_sliding_window": False})
    assert not is_packable({"model_type": "qwen2", "use_sliding_window": True})
    assert not is_packable({"model_type": "qwen3"})


def test_two_packed_forms_of_a_large_model_need_memory_for_them():
    assert may_pack_twice(135_000_000, 2 * GIB)
    assert may_pack_twice(1_000_000_000, 2 * GIB)
    assert may_pack_twice(1_777_088_000, 15 * GIB)
    assert not may_pack_twice(1_777_088_000, 8 * GIB)
    assert device_room.machine_bytes() > GIB // 4


def test_conversations_move_to_a_quarter_of_the_memory_at_most():
    assert device_room.default_host_bytes("cpu", 64 * GIB) == 0
    assert device_room.default_host_bytes("cuda", 64 * GIB) == 4 * GIB
    assert device_room.default_host_bytes("cuda:0", 8 * GIB) == 2 * GIB
    assert 0 < device_room.default_host_bytes("cuda") <= 4 * GIB


def test_off_a_gpu_no_form_is_chosen(tmp_path):
    assert device_room.gpu_form(tmp_path, "cpu", "bfloat16") == "plain"


@pytest.fixture
def gpu_of(monkeypatch, tmp_path):
    """A GPU with so much free memory, and the folder of a model of 4,000,000,000 weights."""

    def pretend(free_gib, **config):
        free_bytes = int(free_gib * GIB)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free_bytes, 80 * GIB))
        sizes = {"model_type": "llama", "vocab_size": 100_000, "hidden_size": 5000}
        (tmp_path / "config.json").write_text(json.dumps({**sizes, **config}), encoding="utf-8")
        with (tmp_path / "model.safetensors").open("wb") as file:
            file.truncate(8_000_000_000)
        return tmp_path

    return pretend


@pytest.mark.parametrize(
    ("free_gib", "weights", "form"),
    [(10, "auto", "plain"), (8, "auto", "int8"), (4, "auto", "int4"), (80, "int4", "int4")],
)
def test_a_form_is_chosen_from_the_free_memory_unless_one_is_asked_for(
    gpu_of, free_gib, weights, form
):
    assert device_room.gpu_form(gpu_of(free_gib), "cuda", "bfloat16", weights) == form


def test_a_form_that_was_asked_for_must_fit(gpu_of):
    with pytest.raises(LoadError, match="GPU too small: found 4.0 GB free; needs 9.0 GB"):
        device_room.gpu_form(gpu_of(4), "cuda", "bfloat16", "plain")


def test_a_model_that_cannot_be_packed_is_taken_as_it_is(gpu_of):
    folder = gpu_of(20, model_type="qwen3")
    assert device_room.gpu_form(folder, "cuda", "bfloat16", "int8") == "plain"
