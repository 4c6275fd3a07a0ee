"""The Llama, Nemotron and Qwen2 decoders: few operations a layer, weights in packed forms.

On a CPU a third of a decode step of a small model goes into the modules around the arithmetic, and
`transformers` has no packed weights for one row and for eight. This computes what the model of
`transformers` computes; a test holds the two together. Imports torch.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import embedding, layer_norm, silu

from npc_engine.model import attention
from npc_engine.model.decoder_weights import DecoderWeights, LayerWeights, NormWeights, joined
from npc_engine.model.linear import Int8, Kernels, Linear
from npc_engine.model.slots import SlotPool
from npc_engine.model.step import Step

Norm = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class _Layer:
    """One decoder layer; `up` holds the gate as well where there is one."""

    norm: Norm
    qkv: Linear
    out: Linear
    mlp_norm: Norm
    up: Linear
    down: Linear


class Decoder:
    """Runs steps; takes the same steps and gives the same scores as `TransformersBody`."""

    def __init__(self, weights: DecoderWeights, pool: SlotPool) -> None:
        """Take weights, shared where they stay as they are, and where keys and values lie."""
        shape = weights.shape
        self._pool = pool
        self._heads = shape.num_attention_heads
        self._kv_heads = shape.num_key_value_heads
        self._head_dim = shape.head_dim
        self._activation = _gated if shape.is_gated else _squared
        self._turns = weights.turns
        self._dtype = weights.dtype
        self._embedding = weights.embedding
        epsilon = shape.norm_eps
        self._layers = [_layer_of(layer, epsilon) for layer in weights.layers]
        self._norm = _norm_of(weights.norm, epsilon)
        self._head = Linear(weights.head)

    def prepare_pool(self) -> None:
        """Make the rows of all layers at once."""
        self._pool.prepare(self._kv_heads, self._head_dim, self._dtype)

    def pack(self, kernels: Kernels, sample: Step) -> None:
        """Keep the weights in packed forms as well.

        Args:
            kernels: Which forms, and for how many rows.
            sample: Some ordinary text; packing looks at how large inputs get in it.
        """
        if not (kernels.int4_rows or kernels.int8_rows):
            return
        linears = [self._head]
        for layer in self._layers:
            linears += (layer.qkv, layer.out, layer.up, layer.down)
        for product in linears:
            product.watch()
        self._head(self._norm(self._read(sample)))
        # Four bits cost more in the head than in the layers, and save less there.
        self._head.pack(Kernels(int8_rows=max(kernels.int8_rows, kernels.int4_rows)))
        for product in linears[1:]:
            product.pack(kernels)

    def int8_layers(self) -> list[tuple[Int8, Int8, Int8, Int8]] | None:
        """The one-byte form of qkv, out, up and down of every layer; None if there is none."""
        found: list[tuple[Int8, Int8, Int8, Int8]] = []
        for layer in self._layers:
            qkv, out, up, down = layer.qkv.int8, layer.out.int8, layer.up.int8, layer.down.int8
            if qkv is None or out is None or up is None or down is None:
                return None
            found.append((qkv, out, up, down))
        return found

    def int8_head(self) -> Int8 | None:
        """The one-byte form of the head."""
        return self._head.int8

    def scores(self, step: Step) -> Tensor:
        """Scores (scored, vocab) float32 after each segment that wants them."""
        hidden, places = self._read(step), step.scored
        if not places:
            return hidden.new_empty(0, self._embedding.shape[0])
        if len(places) < step.num_new:
            hidden = hidden[places]
        return self._head(self._norm(hidden)).float()

    def _read(self, step: Step) -> Tensor:
        """What the last layer gives for each new id; (new, hidden) float32."""
        hidden = embedding(step.ids, self._embedding).float()  # (new, hidden)
        cosines, sines = self._turns(step.positions)
        turn = (cosines[:, None], sines[:, None])  # (new, 1, rotary dims)
        for index, layer in enumerate(self._layers):
            hidden += layer.out(self._attended(index, layer, layer.norm(hidden), turn, step))
            hidden += layer.down(self._activation(layer.up(layer.mlp_norm(hidden))))
        return hidden

    def _attended(
        self, index: int, layer: _Layer, x: Tensor, turn: tuple[Tensor, Tensor], step: Step
    ) -> Tensor:
        """Self-attention of one layer; (new, heads * head_dim)."""
        heads, kv_heads = self._heads, self._kv_heads
        mixed = layer.qkv(x).view(step.num_new, heads + 2 * kv_heads, self._head_dim)
        turned = _turned(mixed[:, : heads + kv_heads], *turn).to(self._dtype)
        keys, values = turned[:, heads:], mixed[:, heads + kv_heads :].to(self._dtype)
        attention.write(self._pool, index, keys, values, step)
        rows = self._pool.layer(index, keys, values)
        return attention.attend(turned[:, :heads], *rows, step).reshape(step.num_new, -1)


def _layer_of(weights: LayerWeights, epsilon: float) -> _Layer:
    return _Layer(
        norm=_norm_of(weights.norm, epsilon),
        qkv=Linear(joined(weights.qkv), weights.qkv_bias),
        out=Linear(weights.out),
        mlp_norm=_norm_of(weights.mlp_norm, epsilon),
        up=Linear(joined(weights.up)),
        down=Linear(weights.down),
    )


def _norm_of(weights: NormWeights, epsilon: float) -> Norm:
    weight = weights.weight.float()
    if weights.bias is None:
        root = weight.shape[0] ** 0.5
        floor = torch.tensor(epsilon * weight.shape[0], device=weight.device)

        def rms_norm(x: Tensor) -> Tensor:
            length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
            scale: Tensor = torch.rsqrt(torch.addcmul(floor, length, length)).mul_(root)
            normed: Tensor = x * scale * weight
            return normed

        return rms_norm
    gain, bias = weight + 1, weights.bias.float()
    return lambda x: layer_norm(x, gain.shape, gain, bias, epsilon)


def _turned(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Rotate (new, heads, head_dim) by position; dims beyond the rotary ones stay as they are."""
    size = cosines.shape[-1]
    half = size // 2
    part = x[..., :size]
    swapped = torch.cat((-part[..., half:], part[..., :half]), dim=-1)
    turned = torch.addcmul(part * cosines, swapped, sines)
    return turned if size == x.shape[-1] else torch.cat((turned, x[..., size:]), dim=-1)


def _gated(x: Tensor) -> Tensor:
    """SwiGLU: the first half of x gates the second."""
    gate, up = x.chunk(2, dim=-1)
    return silu(gate).mul_(up)


def _squared(x: Tensor) -> Tensor:
    """The square of what is above zero."""
    return x.relu().square_()
