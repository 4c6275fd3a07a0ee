"""The Llama and Nemotron decoders written out: few operations a layer, weights in packed forms.

On a CPU a third of a decode step of a small model goes into the modules around the arithmetic, and
`transformers` has no packed weights for one row and for eight. This computes what the model of
`transformers` computes; a test holds the two together. Imports torch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import embedding, layer_norm, silu

from npc_engine.model import attention
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

    def __init__(self, model: Any, pool: SlotPool) -> None:  # noqa: ANN401 - any class
        """Take over the weights of a `LlamaForCausalLM` or `NemotronForCausalLM`.

        Args:
            model: In eval mode. Its weights are shared where they stay as they are.
            pool: Where keys and values lie.

        Raises:
            ValueError: `supports(model)` is false.
        """
        if not supports(model):
            raise ValueError(f"no decoder is written out for {type(model).__name__}")
        config = model.config
        self._pool = pool
        self._heads = config.num_attention_heads
        self._kv_heads = config.num_key_value_heads
        self._head_dim = _head_dim(config)
        self._activation = _gated if config.model_type == "llama" else _squared
        self._rotary = model.model.rotary_emb
        self._dtype = model.dtype
        self._embedding = model.model.embed_tokens.weight
        self._layers = [_taken_over(layer) for layer in model.model.layers]
        self._norm = _norm_of(model.model.norm)
        self._head = Linear(model.lm_head.weight.detach())

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
        turn = self._turns(step)
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

    def _turns(self, step: Step) -> tuple[Tensor, Tensor]:
        """Cosines and sines (new, 1, rotary dims) of the positions; rotary embedding is Su et al.

        https://arxiv.org/abs/2104.09864, in the half-split form of `transformers`.
        """
        like = torch.empty(0, dtype=torch.float32, device=step.device)
        cosines, sines = self._rotary(like, step.positions[None])
        return cosines[0, :, None], sines[0, :, None]


def _taken_over(layer: Any) -> _Layer:  # noqa: ANN401 - any class
    attend, mlp = layer.self_attn, layer.mlp
    up = [mlp.gate_proj, mlp.up_proj] if hasattr(mlp, "gate_proj") else [mlp.up_proj]
    return _Layer(
        norm=_norm_of(layer.input_layernorm),
        qkv=_joined([attend.q_proj, attend.k_proj, attend.v_proj]),
        out=_joined([attend.o_proj]),
        mlp_norm=_norm_of(layer.post_attention_layernorm),
        up=_joined(up),
        down=_joined([mlp.down_proj]),
    )


def supports(model: Any) -> bool:  # noqa: ANN401 - any class
    """Whether this model's decoder is written out here, biases and all."""
    config = model.config
    if config.model_type not in {"llama", "nemotron"}:
        return False
    has_bias = getattr(config, "attention_bias", False) or getattr(config, "mlp_bias", False)
    activation = "silu" if config.model_type == "llama" else "relu2"
    rope = getattr(config, "rope_parameters", None) or {}
    is_plain_rope = rope.get("rope_type", "default") == "default"
    return not has_bias and config.hidden_act == activation and is_plain_rope


def _head_dim(config: Any) -> int:  # noqa: ANN401 - any class
    return int(
        getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    )


def _joined(parts: list[Any]) -> Linear:
    """One matrix for what reads the same input; the parts' own weights become views of it."""
    if len(parts) == 1:
        return Linear(parts[0].weight.detach())
    whole = torch.cat([part.weight.detach() for part in parts])
    offset = 0
    for part in parts:
        size = part.weight.shape[0]
        part.weight.data = whole[offset : offset + size]
        offset += size
    return Linear(whole)


def _norm_of(module: Any) -> Norm:  # noqa: ANN401 - any class
    """RMSNorm (https://arxiv.org/abs/1910.07467), or a LayerNorm whose gain is stored minus one."""
    weight = module.weight.detach().float()
    if hasattr(module, "variance_epsilon"):
        root = weight.shape[0] ** 0.5
        floor = torch.tensor(module.variance_epsilon * weight.shape[0], device=weight.device)

        def rms_norm(x: Tensor) -> Tensor:
            length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
            scale: Tensor = torch.rsqrt(torch.addcmul(floor, length, length)).mul_(root)
            normed: Tensor = x * scale * weight
            return normed

        return rms_norm
    gain, bias, epsilon = weight + 1, module.bias.detach().float(), module.eps
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
