"""The Llama, Nemotron and Qwen2 decoders in few kernels a layer, for an NVIDIA GPU.

Takes the same steps and gives the same scores as `TransformersBody`. What is carried from layer to
layer has the type of the weights, as in `transformers`: in bfloat16 every sum is rounded once, and
the products add to it directly. Imports torch.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import embedding, layer_norm, rms_norm

from npc_engine.model.cuda.kernels import Kernels, kernels_for, on
from npc_engine.model.cuda.products import PlainProduct, Product, product_of
from npc_engine.model.cuda.step_attention import StepTiles, attend_step, tiles_of_step
from npc_engine.model.cuda.tiles import Tiles
from npc_engine.model.decoder_weights import DecoderWeights, LayerWeights, NormWeights, joined
from npc_engine.model.slots import SlotPool
from npc_engine.model.step import Step
from npc_engine.model.weight_forms import Form

PRODUCT_KINDS = ("qkv", "out", "up", "down")
OWN_PRODUCT_ROWS = frozenset({1})
"""Numbers of rows for which our product with plain weights is used; `benchmarks.gpu` measures both.
One row is no work for a matrix unit: it should read the weights and nothing else."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One decoder layer; `up` holds the gate as well where there is one."""

    norm: Callable[[Tensor], Tensor]
    qkv: Product
    qkv_bias: Tensor | None
    out: Product
    mlp_norm: Callable[[Tensor], Tensor]
    up: Product
    down: Product

    @property
    def products(self) -> tuple[Product, ...]:
        """All of them, in the order of `PRODUCT_KINDS`."""
        return self.qkv, self.out, self.up, self.down


@dataclass(frozen=True, slots=True)
class Places:
    """Where new ids go, on the device."""

    slots: Tensor
    """(new,) int32; -1 for an id of nobody."""
    positions: Tensor
    """(new,) int32."""
    tiles: StepTiles


class CudaDecoder:
    """Runs steps that were laid out on the CPU."""

    def __init__(
        self,
        weights: DecoderWeights,
        pool: SlotPool,
        device: torch.device,
        *,
        form: Form = "plain",
        kernels: Kernels | None = None,
    ) -> None:
        """Take weights.

        Args:
            weights: On the device or, to be packed, on the CPU, where embeddings then stay. Packed
                weights are copies; let go of these, or they take their memory as well.
            pool: Where keys and values lie.
            device: Where to compute.
            form: Of the weights.
            kernels: Other ones than the device's own.
        """
        shape = weights.shape
        self.device = device
        self.kernels = kernels or kernels_for(device)
        self.dtype = weights.dtype
        self._pool = pool
        self._kv_heads = shape.num_key_value_heads
        self._head_dim = shape.head_dim
        self._all_heads = shape.num_attention_heads + 2 * self._kv_heads
        self._activation = self.kernels.gated if shape.is_gated else self.kernels.squared
        self._epsilon = shape.norm_eps
        at = torch.arange(pool.window_tokens, device=weights.device)
        self._turns = torch.stack(weights.turns(at)).to(device)
        """(2, window, rotary) float32: cosines and sines of every position."""
        self._embedding = weights.embedding
        self.layers = [self._layer(layer, form) for layer in weights.layers]
        self._norm = self._norm_of(weights.norm)
        # Four bits cost more in the head than in the layers.
        self.head = self._product((weights.head,), "int8" if form == "int4" else form)
        self.embeds_here = self._embedding.device.type == device.type
        """Whether the embeddings lie on the device."""
        if self.kernels.recordable:
            self.use_own_products(OWN_PRODUCT_ROWS)

    def _layer(self, weights: LayerWeights, form: Form) -> Layer:
        return Layer(
            norm=self._norm_of(weights.norm),
            qkv=self._product(weights.qkv, form),
            qkv_bias=None if weights.qkv_bias is None else weights.qkv_bias.to(self.device),
            out=self._product((weights.out,), form),
            mlp_norm=self._norm_of(weights.mlp_norm),
            up=self._product(weights.up, form),
            down=self._product((weights.down,), form),
        )

    def _product(self, parts: tuple[Tensor, ...], form: Form) -> Product:
        """One matrix for what reads the same input; a joined one is there for a moment only."""
        return product_of(joined(parts), form, self.kernels, self.device)

    def _norm_of(self, weights: NormWeights) -> Callable[[Tensor], Tensor]:
        epsilon = self._epsilon
        if weights.bias is None:
            factor = weights.weight.to(self.device, self.dtype)
            return lambda x: rms_norm(x, factor.shape, factor, epsilon)
        gain = (weights.weight + 1).to(self.device, self.dtype)
        bias = weights.bias.to(self.device, self.dtype)
        return lambda x: layer_norm(x, gain.shape, gain, bias, epsilon)

    @property
    def weight_bytes(self) -> int:
        """Memory of all weights but the embeddings: what one pass reads."""
        products = [product for layer in self.layers for product in layer.products]
        return sum(product.num_bytes for product in (*products, self.head))

    @property
    def plain_products(self) -> dict[str, list[PlainProduct]]:
        """Products with weights as they are, by kind."""
        kinds: dict[str, list[PlainProduct]] = {}
        for layer in self.layers:
            for name, product in zip(PRODUCT_KINDS, layer.products, strict=True):
                if isinstance(product, PlainProduct):
                    kinds.setdefault(name, []).append(product)
        if isinstance(self.head, PlainProduct):
            kinds["head"] = [self.head]
        return kinds

    def use_own_products(self, rows: frozenset[int]) -> None:
        """Multiply exactly these numbers of rows by our kernel, all others by torch's.

        Fixed and never timed at load: the two round differently, and the same seed should give the
        same words tomorrow.
        """
        for products in self.plain_products.values():
            for product in products:
                product.use(rows, self.kernels.plain_product)

    def scores(self, step: Step) -> Tensor:
        """Scores (scored, vocab) float32 after each segment that wants them."""
        with on(self.device):
            return self._scores(step)

    def _scores(self, step: Step) -> Tensor:
        readings = step.readings
        placed = [(r.slot, at) for r in readings for at in range(r.start, r.end)]
        slots, positions = torch.tensor(placed, dtype=torch.int32).T.to(self.device).contiguous()
        places = Places(slots, positions, tiles_of_step(step, self.device))
        hidden = self.read(self.embed(step.ids), places)
        scored = step.scored
        if not scored:
            return hidden[:0].float()
        if len(scored) < step.num_new:
            hidden = hidden[torch.tensor(scored).to(self.device)]
        return self.head(self._norm(hidden)).float()

    def decode(self, hidden: Tensor, slots: Tensor, positions: Tensor, tiles: Tiles) -> Tensor:
        """Scores (rows, vocab) after one new id in each of some rows; asks the device nothing.

        Args:
            hidden: (rows, hidden) embeddings; changed.
            slots: (rows,) int32.
            positions: (rows,) int32.
            tiles: One of one position for each row.
        """
        found = self.read(hidden, Places(slots, positions, StepTiles(tiles, None, ())))
        return self.head(self._norm(found))

    def embed(self, ids: Tensor) -> Tensor:
        """(new, hidden) on the device; looked up where the embeddings lie."""
        at = ids.to(self._embedding.device)
        return embedding(at, self._embedding).to(self.device, self.dtype)

    def read(self, hidden: Tensor, places: Places) -> Tensor:
        """What the last layer gives for each new id, (new, hidden); `hidden` is changed."""
        for index, layer in enumerate(self.layers):
            layer.out.add_to(hidden, self._attended(index, layer, layer.norm(hidden), places))
            layer.down.add_to(hidden, self._activation(layer.up(layer.mlp_norm(hidden))))
        return hidden

    def _attended(self, index: int, layer: Layer, x: Tensor, places: Places) -> Tensor:
        """Self-attention of one layer; (new, heads * head_dim)."""
        mixed = layer.qkv(x)
        if layer.qkv_bias is not None:
            mixed += layer.qkv_bias
        mixed = mixed.view(len(x), self._all_heads, self._head_dim)
        first_values = mixed[:, -self._kv_heads :]  # in the shape and type of new keys as well
        keys, values = self._pool.layer(index, first_values, first_values)
        query = self.kernels.turn_and_write(
            mixed, self._turns, keys, values, places.slots, places.positions
        )
        scale = float(self._head_dim**-0.5)
        out = attend_step(query, keys, values, places.tiles, scale, self.kernels)
        return out.view(len(x), -1)
