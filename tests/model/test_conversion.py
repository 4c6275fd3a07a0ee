"""GGUF and pickled weights become safetensors that hold the same numbers."""

import json
import os
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from npc_engine.errors import LoadError
from npc_engine.model import conversion
from npc_engine.model.conversion import convert_gguf, convert_pickles
from npc_engine.model.decoder_weights import DecoderWeights
from npc_engine.model.gguf_source import _BLOCK_NAMES, _NAMES
from npc_engine.model.loading import load
from npc_engine.model.tokenizer import ChatTokenizer
from tests.models_for_tests import CHATML, load_tiny

GGUF_BLOCKS = {theirs: ours for ours, theirs in _BLOCK_NAMES.items()}
GGUF_NAMES = {theirs: ours for ours, theirs in _NAMES.items()}


def quiet(step: str, share: float | None) -> None:
    pass


def gguf_name(name: str) -> str:
    if name in GGUF_NAMES:
        return GGUF_NAMES[name]
    _, _, layer, rest = name.split(".", 3)
    part, kind = rest.rsplit(".", 1)
    return f"blk.{layer}.{GGUF_BLOCKS[part]}.{kind}"


def interleaved(values: np.ndarray, heads: int) -> np.ndarray:
    """How llama.cpp orders the rows of queries and keys."""
    halves = values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:])
    return halves.swapaxes(1, 2).reshape(values.shape)


def write_gguf(folder: Path, target: Path, **changes: str) -> Path:
    """A GGUF of a model folder, in float32, as llama.cpp's converter writes it."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    kind = changes.get("kind", config["model_type"])
    writer = gguf.GGUFWriter(target, kind)
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_context_length(config["max_position_embeddings"])
    if kind != "nemotron":
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    else:
        writer.add_layer_norm_eps(config["norm_eps"])
        head_dim = config["hidden_size"] // config["num_attention_heads"]
        writer.add_rope_dimension_count(head_dim // 2)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_scaling_type(gguf.RopeScalingType(changes.get("scaling", "none")))
    data = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    tokens = sorted(data["model"]["vocab"], key=data["model"]["vocab"].get)
    special = {token["content"] for token in data["added_tokens"]}
    writer.add_tokenizer_model(changes.get("tokenizer", "gpt2"))
    writer.add_tokenizer_pre(changes.get("cut", "gpt-2"))
    writer.add_token_list([*tokens, "[PAD1]"])
    writer.add_token_types([*(3 if token in special else 1 for token in tokens), 5])
    writer.add_token_merges([" ".join(merge) for merge in data["model"]["merges"]])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(CHATML)
    for name, tensor in load_file(folder / "model.safetensors").items():
        values = tensor.float().numpy()
        if kind == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):
            key = "num_attention_heads" if "q_proj" in name else "num_key_value_heads"
            values = interleaved(values, config[key])
        if kind == "nemotron" and name.endswith("norm.weight"):
            values = values + 1
        writer.add_tensor(gguf_name(name), np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


@pytest.fixture
def out(tmp_path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def assert_same_weights(out: Path, original: Path) -> None:
    ours, theirs = load_file(out / "model.safetensors"), load_file(original / "model.safetensors")
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        assert values.dtype == torch.bfloat16
        wanted = theirs[name].float()
        torch.testing.assert_close(values.float(), wanted, rtol=2**-8, atol=1e-6, msg=name)


def test_a_llama_gguf_becomes_the_model_it_was_made_from(llama_folder, tmp_path, out):
    convert_gguf(write_gguf(llama_folder, tmp_path / "tiny.gguf"), out, quiet)
    assert_same_weights(out, llama_folder)
    model, tokenizer = load_tiny(out)
    first, _ = load_tiny(llama_folder)
    ids = torch.tensor([tokenizer.encode("Any work for a sword arm, then?")])
    with torch.inference_mode():
        torch.testing.assert_close(model(ids).logits, first(ids).logits, rtol=0.05, atol=0.5)
    assert model.config.tie_word_embeddings == first.config.tie_word_embeddings


def test_a_qwen2_gguf_keeps_its_biases_and_the_order_of_its_rows(qwen2_folder, tmp_path, out):
    convert_gguf(write_gguf(qwen2_folder, tmp_path / "tiny.gguf"), out, quiet)
    assert_same_weights(out, qwen2_folder)
    found, wanted = (load(folder, device="cpu", dtype="float32") for folder in (out, qwen2_folder))
    assert isinstance(found, DecoderWeights)
    assert replace(found.shape, norm_eps=wanted.shape.norm_eps) == wanted.shape  # kept in float32
    assert found.shape.norm_eps == pytest.approx(wanted.shape.norm_eps)


def test_a_qwen2_tokenizer_composes_accents_as_its_own_does(qwen2_folder, tmp_path, out):
    convert_gguf(write_gguf(qwen2_folder, tmp_path / "tiny.gguf", cut="qwen2"), out, quiet)
    tokenizer = ChatTokenizer.from_folder(out)
    assert tokenizer.encode("cafe\u0301") == tokenizer.encode("caf\u00e9")
    assert tokenizer.family == "chatml"


def test_ids_that_fill_up_the_vocabulary_are_no_words(llama_folder, tmp_path, out):
    convert_gguf(write_gguf(llama_folder, tmp_path / "tiny.gguf"), out, quiet)
    made, original = ChatTokenizer.from_folder(out), ChatTokenizer.from_folder(llama_folder)
    assert made.vocab_size == original.vocab_size
    assert made.decode((original.vocab_size,)) == ""


def test_a_gguf_with_scaled_positions_is_refused(qwen2_folder, tmp_path, out):
    path = write_gguf(qwen2_folder, tmp_path / "tiny.gguf", scaling="yarn")
    with pytest.raises(LoadError, match="scaled rotary positions"):
        convert_gguf(path, out, quiet)


def test_a_nemotron_gguf_loses_the_one_that_was_added_to_its_norms(nemotron_folder, tmp_path, out):
    source = tmp_path / "source"
    source.mkdir()
    path = write_gguf(nemotron_folder, source / "tiny.gguf", tokenizer="llama")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        text = (nemotron_folder / name).read_text(encoding="utf-8")
        (source / name).write_text(text, encoding="utf-8")
    convert_gguf(path, out, quiet)
    assert_same_weights(out, nemotron_folder)
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    assert config["partial_rotary_factor"] == 0.5
    assert load_tiny(out)[1].family == "nemotron"


def test_the_tokenizer_of_a_nemotron_gguf_is_never_used(nemotron_folder, tmp_path, out):
    path = write_gguf(nemotron_folder, tmp_path / "tiny.gguf", tokenizer="llama")
    with pytest.raises(LoadError, match=r"put tokenizer\.json .* beside it"):
        convert_gguf(path, out, quiet)


@pytest.mark.parametrize("text", ["Any work?\n\n  Thirty silver!", "naïve 漢字 🧙", "<|im_end|>x"])
def test_the_tokenizer_of_a_gguf_gives_the_ids_of_the_original(llama_folder, tmp_path, out, text):
    convert_gguf(write_gguf(llama_folder, tmp_path / "tiny.gguf"), out, quiet)
    made, original = ChatTokenizer.from_folder(out), ChatTokenizer.from_folder(llama_folder)
    assert made.encode(text) == original.encode(text)
    assert made.end_ids == original.end_ids


def test_progress_reaches_the_end(llama_folder, tmp_path, out):
    shares: list[float] = []
    path = write_gguf(llama_folder, tmp_path / "tiny.gguf")
    convert_gguf(path, out, lambda step, share: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_gguf_that_was_cut_short_is_refused(llama_folder, tmp_path, out):
    path = write_gguf(llama_folder, tmp_path / "tiny.gguf")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(LoadError, match="cut short"):
        convert_gguf(path, out, quiet)


def test_another_kind_of_gguf_is_named(llama_folder, tmp_path, out):
    writer = gguf.GGUFWriter(tmp_path / "other.gguf", "mamba")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(LoadError, match="'mamba'"):
        convert_gguf(tmp_path / "other.gguf", out, quiet)


def pickled(folder: Path, target: Path) -> Path:
    target.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        text = (folder / name).read_text(encoding="utf-8")
        (target / name).write_text(text, encoding="utf-8")
    torch.save(load_file(folder / "model.safetensors"), target / "pytorch_model.bin")
    return target


def test_pickled_weights_are_rewritten_exactly(nemotron_folder, tmp_path, out):
    convert_pickles(pickled(nemotron_folder, tmp_path / "pickled"), out, quiet)
    ours, theirs = (load_file(f / "model.safetensors") for f in (out, nemotron_folder))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_large_weights_are_written_in_parts_that_load(nemotron_folder, tmp_path, out, monkeypatch):
    monkeypatch.setattr(conversion, "_SHARD_BYTES", 100_000)
    convert_pickles(pickled(nemotron_folder, tmp_path / "pickled"), out, quiet)
    assert len(list(out.glob("model-*-of-*.safetensors"))) > 2
    model, tokenizer = load_tiny(out)
    first, _ = load_tiny(nemotron_folder)
    ids = torch.tensor([tokenizer.encode("Any work?")])
    with torch.inference_mode():
        assert torch.equal(model(ids).logits, first(ids).logits)


class _Runs:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_pickle_that_would_run_code_is_refused_and_runs_nothing(llama_folder, tmp_path, out):
    folder = pickled(llama_folder, tmp_path / "pickled")
    torch.save({"weight": _Runs(tmp_path / "ran")}, folder / "pytorch_model.bin")
    with pytest.raises(LoadError, match="plain weights"):
        convert_pickles(folder, out, quiet)
    assert not (tmp_path / "ran").exists()
