"""Reads a GGUF: its settings, and its weights under the names `transformers` uses.

Knows the llama, nemotron and qwen2 layouts, those that a decoder is written out for here. Uses the
`gguf` package and numpy; imports neither torch nor transformers.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from npc_engine.errors import LoadError
from npc_engine.model.decoder_shape import CLASSES

SUPPORTED = tuple(CLASSES)

_NAMES = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output_norm.bias": "model.norm.bias",
    "output.weight": "lm_head.weight",
}
_BLOCK_NAMES = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_BLOCK = re.compile(r"blk\.(\d+)\.(\w+)\.(weight|bias)")


@dataclass(frozen=True, slots=True)
class Gguf:
    """An open GGUF file."""

    path: Path
    settings: "Settings"
    """Its key-value pairs, read on demand."""
    tensors: tuple[Any, ...]

    @property
    def architecture(self) -> str:
        """Such as `llama` or `nemotron`."""
        return str(self.settings.get("general.architecture", ""))

    @property
    def template(self) -> str:
        """The chat template it carries; empty if none."""
        return str(self.settings.get("tokenizer.chat_template", ""))


# A value is whatever the file says: a number, a text or a list of them.
Value = Any


class Settings(Mapping[str, Value]):
    """Values of GGUF fields, converted when they are asked for: some hold 256,000 entries."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def __getitem__(self, key: str) -> Value:
        return self._fields[key].contents()

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def number(self, key: str) -> int:
        """A whole number that must be there."""
        if key not in self._fields:
            raise LoadError(f"the GGUF says nothing about {key}; download it again")
        return int(self[key])


def open_gguf(path: Path) -> Gguf:
    """Open a GGUF; weights stay on disk until they are read.

    Raises:
        LoadError: It is missing, cut short, or no GGUF.
    """
    import gguf

    try:
        reader = gguf.GGUFReader(path)
    except FileNotFoundError as error:
        raise LoadError(f"{path}: no such file") from error
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise LoadError(
            f"{path}: not a whole GGUF file ({error}); download it again, it may be cut short"
        ) from error
    return Gguf(path, Settings(reader.fields), tuple(reader.tensors))


def config_of(source: Gguf) -> dict[str, Any]:
    """What config.json would say.

    Raises:
        LoadError: An architecture that is not in `SUPPORTED`, or scaled positions.
    """
    kind = source.architecture
    if kind not in SUPPORTED:
        raise LoadError(f"{source.path}: architecture {kind!r}; expected one of {SUPPORTED}")
    get, number = source.settings.get, source.settings.number
    heads = number(f"{kind}.attention.head_count")
    hidden = number(f"{kind}.embedding_length")
    rotary = int(get(f"{kind}.rope.dimension_count", hidden // heads))
    names = {tensor.name for tensor in source.tensors}
    embedding = next(tensor for tensor in source.tensors if tensor.name == "token_embd.weight")
    theta = float(get(f"{kind}.rope.freq_base", 10000.0))
    config: dict[str, Any] = {
        "architectures": [CLASSES[kind]],
        "model_type": kind,
        "vocab_size": int(embedding.shape[1]),
        "hidden_size": hidden,
        "intermediate_size": number(f"{kind}.feed_forward_length"),
        "num_hidden_layers": number(f"{kind}.block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": int(get(f"{kind}.attention.head_count_kv", heads)),
        "head_dim": int(get(f"{kind}.attention.key_length", hidden // heads)),
        "max_position_embeddings": number(f"{kind}.context_length"),
        "rope_theta": theta,
        "tie_word_embeddings": "output.weight" not in names,
        "bos_token_id": get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": get("tokenizer.ggml.eos_token_id"),
        "pad_token_id": get("tokenizer.ggml.padding_token_id"),
    }
    if kind != "nemotron":
        config["rms_norm_eps"] = float(get(f"{kind}.attention.layer_norm_rms_epsilon", 1e-5))
        config["hidden_act"] = "silu"
        if "rope_freqs.weight" in names or get(f"{kind}.rope.scaling.type", "none") != "none":
            raise LoadError(
                f"{source.path}: uses scaled rotary positions, which only the original repository "
                "describes in full; use the model's folder or hub id instead of the GGUF"
            )
    else:
        config["norm_eps"] = float(get("nemotron.attention.layer_norm_epsilon", 1e-5))
        config["partial_rotary_factor"] = rotary / config["head_dim"]
        config["hidden_act"] = "relu2"
    return config


def weights_of(source: Gguf) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Every weight in float32, dequantised, under its `transformers` name.

    llama.cpp stores query and key rows of llama models in another order, and adds 1 to the norms
    of nemotron models; both are undone.
    """
    import gguf

    kind = source.architecture
    heads = int(source.settings[f"{kind}.attention.head_count"])
    kv_heads = int(source.settings.get(f"{kind}.attention.head_count_kv", heads))
    for tensor in source.tensors:
        name = _name_of(tensor.name)
        if name is None:
            continue
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if kind == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):
            values = _rows_in_order(values, heads if "q_proj" in name else kv_heads)
        if kind == "nemotron" and name.endswith("norm.weight"):
            values = values - 1
        yield name, np.ascontiguousarray(values)


def _name_of(name: str) -> str | None:
    """The `transformers` name of a tensor; None for what can be computed."""
    if name in _NAMES:
        return _NAMES[name]
    match = _BLOCK.fullmatch(name)
    if match and match[2] in _BLOCK_NAMES:
        return f"model.layers.{match[1]}.{_BLOCK_NAMES[match[2]]}.{match[3]}"
    if name.startswith("rope_freqs"):
        return None
    raise LoadError(f"unknown weight {name!r} in the GGUF; use the model's folder or hub id")


def _rows_in_order(values: npt.NDArray[np.float32], heads: int) -> npt.NDArray[np.float32]:
    """Undo the interleaving of the two rotary halves of each head."""
    half = values.shape[0] // heads // 2
    split = values.reshape(heads, half, 2, *values.shape[1:])
    return split.swapaxes(1, 2).reshape(values.shape)
