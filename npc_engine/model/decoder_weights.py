"""The weights of a Llama, Nemotron or Qwen2, in the one form that our decoders take.

They come from the files of a folder, see `mapped_weights`, or from a loaded model of
`transformers`. Imports torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from npc_engine.model.decoder_shape import DecoderShape, shape_of


@dataclass(frozen=True, slots=True)
class NormWeights:
    """RMSNorm (https://arxiv.org/abs/1910.07467), or a LayerNorm whose gain is stored minus one."""

    weight: Tensor
    bias: Tensor | None
    """None for RMSNorm."""


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One layer; matrices are (out, in), and those of one tuple read the same input."""

    norm: NormWeights
    qkv: tuple[Tensor, ...]
    qkv_bias: Tensor | None
    """Of queries, keys and values behind each other; None where there is none."""
    out: Tensor
    mlp_norm: NormWeights
    up: tuple[Tensor, ...]
    """The gate first, where there is one."""
    down: Tensor


@dataclass(frozen=True, slots=True)
class DecoderWeights:
    """All weights, in one type on one device."""

    shape: DecoderShape
    embedding: Tensor
    """(vocab, hidden)"""
    layers: tuple[LayerWeights, ...]
    norm: NormWeights
    head: Tensor
    """(vocab, hidden); the embeddings, where they are tied."""
    frequencies: Tensor
    """(rotary dims / 2,) float32: the angle by which one position turns each pair."""

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self.embedding.dtype

    @property
    def device(self) -> torch.device:
        """Where they lie."""
        return self.embedding.device

    @property
    def num_parameters(self) -> int:
        """Shared ones once."""
        norms, matrices = [self.norm], [self.embedding]
        if self.head.data_ptr() != self.embedding.data_ptr():
            matrices.append(self.head)
        for layer in self.layers:
            norms += (layer.norm, layer.mlp_norm)
            matrices += (*layer.qkv, layer.out, *layer.up, layer.down)
        vectors = [part for norm in norms for part in (norm.weight, norm.bias)]
        vectors += [layer.qkv_bias for layer in self.layers]
        return sum(part.numel() for part in (*vectors, *matrices) if part is not None)

    def turns(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines (positions, rotary dims) float32; rotary embedding is Su et al.

        https://arxiv.org/abs/2104.09864, in the half-split form of `transformers`.
        """
        angles = positions[:, None].float() * self.frequencies
        both = torch.cat((angles, angles), dim=-1)
        return both.cos(), both.sin()


def frequencies_of(shape: DecoderShape) -> Tensor:
    """Rotary frequencies on the CPU, by the operations of `transformers` in their order."""
    powers = torch.arange(0, shape.rotary_dims, 2, dtype=torch.float) / shape.rotary_dims
    return 1.0 / (shape.rope_theta**powers)


def model_shape(model: Any) -> DecoderShape | None:  # noqa: ANN401 - any class
    """The shape of weights or of a loaded model; None if no decoder here computes it."""
    if isinstance(model, DecoderWeights):
        return model.shape
    return shape_of(model.config.to_dict())


def sizes_of(model: Any) -> Any:  # noqa: ANN401 - any class
    """Numbers of layers and heads of any model, under the names of config.json."""
    return model.shape if isinstance(model, DecoderWeights) else model.config.get_text_config()


def weights_of(model: Any) -> DecoderWeights:  # noqa: ANN401 - any class
    """The weights of a loaded model of `transformers`, or what is in this form already.

    What reads the same input is laid side by side; the model's own weights become views of it, so
    that it still computes what it did.

    Raises:
        ValueError: `model_shape` is None.
    """
    if isinstance(model, DecoderWeights):
        return model
    shape = model_shape(model)
    if shape is None:
        raise ValueError(f"no decoder is written out for {type(model).__name__}")
    return DecoderWeights(
        shape,
        model.model.embed_tokens.weight.detach(),
        tuple(_layer(layer, shape) for layer in model.model.layers),
        _norm(model.model.norm),
        model.lm_head.weight.detach(),
        frequencies_of(shape).to(model.device),
    )


def joined(parts: Sequence[Tensor]) -> Tensor:
    """Matrices below each other; a view where they lie so in memory, else a copy."""
    first = parts[0]
    storage, place = first.untyped_storage().data_ptr(), first.storage_offset()
    for part in parts:
        is_next = part.storage_offset() == place and part.is_contiguous()
        if part.untyped_storage().data_ptr() != storage or not is_next:
            return torch.cat(tuple(parts))
        place += part.numel()
    rows = sum(part.shape[0] for part in parts)
    return first.as_strided((rows, first.shape[1]), first.stride())


def _layer(layer: Any, shape: DecoderShape) -> LayerWeights:  # noqa: ANN401 - any class
    attend, mlp = layer.self_attn, layer.mlp
    readers = [attend.q_proj, attend.k_proj, attend.v_proj]
    biases = [module.bias.detach() for module in readers] if shape.has_qkv_biases else []
    return LayerWeights(
        norm=_norm(layer.input_layernorm),
        qkv=_side_by_side(readers),
        qkv_bias=torch.cat(biases) if biases else None,
        out=attend.o_proj.weight.detach(),
        mlp_norm=_norm(layer.post_attention_layernorm),
        up=_side_by_side([mlp.gate_proj, mlp.up_proj] if shape.is_gated else [mlp.up_proj]),
        down=mlp.down_proj.weight.detach(),
    )


def _side_by_side(modules: list[Any]) -> tuple[Tensor, ...]:
    whole = joined([module.weight.detach() for module in modules])
    parts = torch.split(whole, [module.weight.shape[0] for module in modules])
    for module, part in zip(modules, parts, strict=True):
        module.weight.data = part
    return parts


def _norm(module: Any) -> NormWeights:  # noqa: ANN401 - any class
    bias = getattr(module, "bias", None)
    return NormWeights(module.weight.detach(), None if bias is None else bias.detach())
