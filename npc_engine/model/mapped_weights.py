"""The weights of a folder for the decoders of this package, without `transformers`.

Files are mapped, so that weights that stay as they are take memory of the system's file cache only.
Imports torch.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from npc_engine.model.decoder_shape import DecoderShape
from npc_engine.model.decoder_weights import (
    DecoderWeights,
    LayerWeights,
    NormWeights,
    frequencies_of,
    joined,
)

_TYPES = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32}
_MATRICES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def read_weights(
    folder: Path, shape: DecoderShape, device: torch.device, dtype: torch.dtype
) -> DecoderWeights | None:
    """The weights in a type on a device; None if the files are not exactly those of the shape.

    A weight that is missing, has another shape or belongs to no layer may still be right in a way
    that `transformers` knows, which otherwise says what is wrong.

    Args:
        folder: Holds safetensors that passed `check_weight_files`.
        shape: What config.json says.
        device: `cpu` or a GPU.
        dtype: To compute in.
    """
    found: dict[str, Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        weights = _mapped(path)
        if weights is None or weights.keys() & found.keys():
            return None
        found |= weights
    wanted = _wanted(shape)
    if {name: weight.shape for name, weight in found.items()} != wanted:
        return None
    return _Placing(found, device, dtype).all(shape)


def _mapped(path: Path) -> dict[str, Tensor] | None:
    """All weights of a file, over its mapped bytes; None for a type that is not read here."""
    size = path.stat().st_size
    with path.open("rb") as file:
        table_bytes = int.from_bytes(file.read(8), "little")
        table = json.loads(file.read(table_bytes))
    table.pop("__metadata__", None)
    whole = torch.from_file(str(path), shared=False, size=size, dtype=torch.uint8)
    found: dict[str, Tensor] = {}
    for name, entry in table.items():
        dtype = _TYPES.get(entry["dtype"])
        start, end = (8 + table_bytes + offset for offset in entry["data_offsets"])
        if dtype is None or start % dtype.itemsize:
            return None
        found[name] = whole[start:end].view(dtype).view(entry["shape"])
    return found


def _wanted(shape: DecoderShape) -> dict[str, tuple[int, ...]]:
    """Every weight that has to be there."""
    hidden, inner = shape.hidden_size, shape.intermediate_size
    heads = shape.num_attention_heads * shape.head_dim
    kv_heads = shape.num_key_value_heads * shape.head_dim
    sizes = ((heads, hidden), (kv_heads, hidden), (kv_heads, hidden), (hidden, heads),
             (inner, hidden), (inner, hidden), (hidden, inner))  # fmt: skip
    wanted: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (shape.vocab_size, hidden)}
    if not shape.tie_word_embeddings:
        wanted["lm_head.weight"] = (shape.vocab_size, hidden)
    wanted |= {f"model.norm.{part}": (hidden,) for part in shape.norm_parts}
    for number in range(shape.num_hidden_layers):
        layer = f"model.layers.{number}."
        for norm in ("input_layernorm", "post_attention_layernorm"):
            wanted |= {f"{layer}{norm}.{part}": (hidden,) for part in shape.norm_parts}
        for name, size in zip(_MATRICES, sizes, strict=True):
            if shape.is_gated or name != "gate_proj":
                block = "mlp" if name in _MATRICES[4:] else "self_attn"
                wanted[f"{layer}{block}.{name}.weight"] = size
            if shape.has_qkv_biases and name in _MATRICES[:3]:
                wanted[f"{layer}self_attn.{name}.bias"] = size[:1]
    return wanted


class _Placing:
    """Takes weights out of a dictionary and brings them to a device."""

    def __init__(self, found: dict[str, Tensor], device: torch.device, dtype: torch.dtype) -> None:
        self._found = found
        self._device = device
        self._dtype = dtype

    def all(self, shape: DecoderShape) -> DecoderWeights:
        """Everything of a shape."""
        embedding = self._one("model.embed_tokens.weight")
        return DecoderWeights(
            shape,
            embedding,
            tuple(self._layer(number, shape) for number in range(shape.num_hidden_layers)),
            self._norm("model.norm"),
            embedding if shape.tie_word_embeddings else self._one("lm_head.weight"),
            frequencies_of(shape).to(self._device),
        )

    def _layer(self, number: int, shape: DecoderShape) -> LayerWeights:
        attend, mlp = f"model.layers.{number}.self_attn", f"model.layers.{number}.mlp"
        up = ("gate_proj", "up_proj") if shape.is_gated else ("up_proj",)
        return LayerWeights(
            norm=self._norm(f"model.layers.{number}.input_layernorm"),
            qkv=self._several([f"{attend}.{name}.weight" for name in _MATRICES[:3]]),
            qkv_bias=torch.cat([self._one(f"{attend}.{name}.bias") for name in _MATRICES[:3]])
            if shape.has_qkv_biases
            else None,
            out=self._one(f"{attend}.o_proj.weight"),
            mlp_norm=self._norm(f"model.layers.{number}.post_attention_layernorm"),
            up=self._several([f"{mlp}.{name}.weight" for name in up]),
            down=self._one(f"{mlp}.down_proj.weight"),
        )

    def _norm(self, name: str) -> NormWeights:
        bias = f"{name}.bias"
        return NormWeights(
            self._one(f"{name}.weight"), self._one(bias) if bias in self._found else None
        )

    def _one(self, name: str) -> Tensor:
        return self._found[name].to(self._device, self._dtype)

    def _several(self, names: Sequence[str]) -> tuple[Tensor, ...]:
        """Brought to a GPU in one piece, so that they need not be joined there once more."""
        parts = tuple(self._found[name] for name in names)
        if self._device.type == "cpu":
            return tuple(part.to(self._dtype) for part in parts)
        whole = joined(parts).to(self._device, self._dtype)
        return torch.split(whole, [part.shape[0] for part in parts])
