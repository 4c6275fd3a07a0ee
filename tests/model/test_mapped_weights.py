"""Weights read from files without transformers are those that transformers reads."""

import gc
import json
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaForCausalLM, NemotronForCausalLM

from npc_engine.errors import LoadError
from npc_engine.model import open_session
from npc_engine.model.decoder_shape import is_causal_model, shape_of
from npc_engine.model.decoder_weights import DecoderWeights, joined, model_shape, weights_of
from npc_engine.model.loading import load, load_model
from npc_engine.model.mapped_weights import read_weights
from tests.model.stage_model import LONG, generated, rendered, reply_ids, request
from tests.model.test_decoder import model_of

CPU = torch.device("cpu")


def config_in(folder) -> dict:
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))


def read(folder, dtype=torch.float32) -> DecoderWeights | None:
    return read_weights(folder, shape_of(config_in(folder)), CPU, dtype)


def tensors_of(weights: DecoderWeights) -> list[torch.Tensor]:
    norms, found = [weights.norm], [weights.embedding, weights.head, weights.frequencies]
    for layer in weights.layers:
        norms += (layer.norm, layer.mlp_norm)
        found += (*layer.qkv, layer.out, *layer.up, layer.down)
        found += () if layer.qkv_bias is None else (layer.qkv_bias,)
    return found + [part for norm in norms for part in (norm.weight, norm.bias) if part is not None]


def assert_same(found: DecoderWeights, wanted: DecoderWeights) -> None:
    assert found.shape == wanted.shape
    pairs = zip(tensors_of(found), tensors_of(wanted), strict=True)
    assert all(torch.equal(ours, theirs) and ours.dtype == theirs.dtype for ours, theirs in pairs)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_every_weight_is_the_one_transformers_reads(tiny_folder, dtype):
    model = load_model(tiny_folder, device="cpu", dtype=dtype)
    found = load(tiny_folder, device="cpu", dtype=dtype)
    assert_same(found, weights_of(model))
    assert found.num_parameters == sum(weight.numel() for weight in model.parameters())


@pytest.mark.parametrize("stored", [torch.bfloat16, torch.float16])
def test_weights_stored_in_another_type_are_converted_as_transformers_does(
    llama_folder, tmp_path, stored
):
    folder = shutil.copytree(llama_folder, tmp_path / "model")
    path = folder / "model.safetensors"
    weights = {name: weight.to(stored) for name, weight in load_file(path).items()}
    save_file(weights, path, metadata={"format": "pt"})
    model = load_model(folder, device="cpu", dtype="float32")
    assert_same(load(folder, device="cpu", dtype="float32"), weights_of(model))


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("llama", {"tie_word_embeddings": True}),
        ("llama", {"num_key_value_heads": 6, "rms_norm_eps": 1e-3}),
        ("llama", {"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}}),
        ("nemotron", {"partial_rotary_factor": 0.25, "head_dim": 24}),
        ("nemotron", {"tie_word_embeddings": True}),
        ("qwen2", {"tie_word_embeddings": True}),
        ("qwen2", {"rope_parameters": {"rope_type": "default", "rope_theta": 1e6}}),
    ],
)
def test_variants_are_read_and_turned_as_transformers_does(tmp_path, family, changes):
    model = model_of(family, **changes)
    model.save_pretrained(tmp_path)
    found = load(tmp_path, device="cpu", dtype="float32")
    assert isinstance(found, DecoderWeights)
    tied = found.head.data_ptr() == found.embedding.data_ptr()
    assert tied == changes.get("tie_word_embeddings", False)
    assert found.num_parameters == sum(weight.numel() for weight in model.parameters())
    assert_same(found, weights_of(model))
    at = torch.arange(300)
    theirs = model.model.rotary_emb(torch.empty(0), at[None])
    assert all(map(torch.equal, found.turns(at), (turn[0] for turn in theirs)))


def test_weights_in_several_files_are_read(llama_folder, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(llama_folder, folder)
    load_model(llama_folder, device="cpu", dtype="float32").save_pretrained(
        folder, max_shard_size="100KB"
    )
    (folder / "model.safetensors").unlink()
    assert len(list(folder.glob("*.safetensors"))) > 2
    assert_same(read(folder), read(llama_folder))


def test_what_lies_side_by_side_in_the_file_is_joined_without_a_copy(llama_folder):
    layer = read(llama_folder).layers[0]
    gate, up = layer.up
    assert joined((gate, up)).data_ptr() == gate.data_ptr()
    for parts in (layer.up, layer.qkv, layer.up[::-1], (gate[:, :8], up[:, :8])):
        assert torch.equal(joined(parts), torch.cat(parts))


# -- what is left to transformers -----------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"model_type": "qwen3"},
        {"use_sliding_window": True},
        {"hidden_act": "gelu"},
        {"attention_bias": True},
        {"mlp_bias": True},
        {"quantization_config": {"quant_method": "gptq"}},
        {"auto_map": {"AutoModelForCausalLM": "model.Llama"}},
        {"layer_types": ["full_attention", "sliding_attention"]},
        {"layer_types": "full_attention"},
        {"rope_scaling": {"type": "linear", "factor": 2.0}},
        {"rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0}},
        {"rope_parameters": {"full_attention": {"rope_theta": 1e4}}},
        {"rope_parameters": "plain"},
        {"rope_parameters": None},
        {"partial_rotary_factor": 0.5},
        {"rms_norm_eps": None},
        {"hidden_size": "large"},
        {"hidden_size": 50},
        {"num_attention_heads": 0},
        {"num_attention_heads": True},
        {"num_key_value_heads": 4},
        {"head_dim": 7},
        {"vocab_size": -3},
        {"num_hidden_layers": 2.0},
    ],
)
def test_a_configuration_that_is_not_plain_is_left_to_transformers(llama_folder, changes):
    config = config_in(llama_folder)
    assert shape_of(config) is not None
    assert shape_of({**config, **changes}) is None


def test_layers_may_be_listed_where_all_see_everything(tiny_folder):
    config = config_in(tiny_folder)
    listed = {**config, "layer_types": ["full_attention"] * config["num_hidden_layers"]}
    assert shape_of(listed) == shape_of(config) is not None


def test_positions_may_be_described_beside_the_sizes(tiny_folder):
    config = config_in(tiny_folder)
    rope = config.pop("rope_parameters")
    old = {**config, "rope_theta": rope["rope_theta"], "rope_scaling": None}
    if "partial_rotary_factor" in rope:
        old["partial_rotary_factor"] = rope["partial_rotary_factor"]
    assert shape_of(old) == shape_of(config_in(tiny_folder))


@pytest.mark.parametrize("architectures", [None, [], ["LlamaModel"], ["NemotronForCausalLM"]])
def test_a_class_without_a_head_for_words_is_left_to_transformers(llama_folder, architectures):
    config = config_in(llama_folder)
    assert is_causal_model(config)
    assert not is_causal_model({**config, "architectures": architectures})


def test_a_model_that_is_not_written_out_comes_from_transformers(tmp_path):
    rope = {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}
    model_of("llama", rope_parameters=rope).save_pretrained(tmp_path)
    found = load(tmp_path, device="cpu", dtype="float32")
    assert isinstance(found, LlamaForCausalLM)
    assert model_shape(found) is None


def add_inverse_frequencies(weights):
    weights["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(4)


def without_the_models_name(weights):
    for name in [name for name in weights if name.startswith("model.")]:
        weights[name.removeprefix("model.")] = weights.pop(name)


def test_a_qwen2_without_its_biases_is_left_to_transformers(qwen2_folder, tmp_path):
    folder = shutil.copytree(qwen2_folder, tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.self_attn.k_proj.bias"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert read(folder) is None
    with pytest.raises(LoadError, match="k_proj.bias"):
        load(folder, device="cpu", dtype="float32")


@pytest.mark.parametrize("change", [add_inverse_frequencies, without_the_models_name])
def test_files_with_other_names_are_left_to_transformers(nemotron_folder, tmp_path, change):
    folder = shutil.copytree(nemotron_folder, tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert read(folder) is None
    model = load(folder, device="cpu", dtype="float32")
    assert isinstance(model, NemotronForCausalLM)
    assert_same(weights_of(model), read(nemotron_folder))


@pytest.mark.parametrize("dtype", [torch.int8, torch.float64])
def test_weights_of_other_types_are_left_to_transformers(llama_folder, tmp_path, dtype):
    folder = shutil.copytree(llama_folder, tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"] = weights["model.norm.weight"].to(dtype)
    save_file(weights, folder / "model.safetensors")
    assert read(folder) is None


def test_weights_that_begin_at_odd_places_are_left_to_transformers(llama_folder, tmp_path):
    folder = shutil.copytree(llama_folder, tmp_path / "model")
    path = folder / "model.safetensors"
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    path.write_bytes((end - 7).to_bytes(8, "little") + content[8:end] + b" " + content[end:])
    assert read(folder) is None


# -- sessions -------------------------------------------------------------------------------------


def test_a_session_on_a_folder_says_what_generate_says(tiny_folder, tiny):
    session = open_session(str(tiny_folder), process="local", device="cpu", dtype="float32")
    ids = rendered(session.tokenizer, LONG)
    assert reply_ids(session, request(ids)) == generated(tiny, ids, 24)
    session.close()


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_session_of_a_model_that_is_written_out_never_imports_transformers(tiny_folder, dtype):
    code = (
        "import sys\n"
        "from npc_engine.model import open_session\n"
        "from npc_engine.protocols import GenerationRequest\n"
        f"session = open_session({str(tiny_folder)!r}, process='local', device='cpu', "
        f"dtype={dtype!r})\n"
        "end = list(session.stream(GenerationRequest('r', (20, 21, 22), max_tokens=3)))[-1]\n"
        "assert end.reason in {'length', 'done'}, end\n"
        "heavy = {'transformers', 'sympy', 'torch._dynamo'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == "[]"


def test_pythons_collector_runs_again_after_a_model_was_opened_or_refused(llama_folder, tmp_path):
    session = open_session(str(llama_folder), process="local", device="cpu", dtype="float32")
    session.close()
    assert gc.isenabled()
    folder = shutil.copytree(llama_folder, tmp_path / "model")
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(LoadError):
        open_session(str(folder), process="local")
    assert gc.isenabled()
