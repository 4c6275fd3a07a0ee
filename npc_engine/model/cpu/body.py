"""The decoder of a small Llama or Qwen2 on a CPU: written tokens compiled, prompts through torch.

Imports torch and numba.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding

from npc_engine.model.cpu import many_rows
from npc_engine.model.cpu.kernels import Bytes, Floats, Places, product
from npc_engine.model.cpu.one_row import Weights, read_one
from npc_engine.model.decoder import Decoder
from npc_engine.model.decoder_weights import (
    DecoderWeights,
    LayerWeights,
    NormWeights,
    model_shape,
)
from npc_engine.model.linear import MAX_INT8_ROWS, Int8, round_to_bytes
from npc_engine.model.slots import SlotPool
from npc_engine.model.step import Reading, Segment, Step

_MIN_ROWS = 3
"""Conversations from which one pass over the weights for all beats one for each."""
_MIN_ROWS_OF_MANY_WEIGHTS = 2
_MANY_WEIGHTS = 1_000_000_000
"""Measured with 135 million and 1.8 billion weights; the latter take 93 ms for two, one by one, and
58 ms for four together."""


class CompiledBody:
    """Runs steps; single tokens here, longer pieces in the decoder it stands on."""

    def __init__(
        self,
        plain: DecoderWeights,
        pool: SlotPool,
        decoder: Decoder,
        weights: Weights,
    ) -> None:
        """Take a Llama or Qwen2 in bfloat16 on the CPU.

        Args:
            plain: Its weights as they are.
            pool: Where keys and values lie; its rows are made here.
            decoder: Over the same weights and pool, with its int8 weights packed if there are any.
            weights: `bytes_of` the plain ones.
        """
        self._decoder = decoder
        self._pool = pool
        self._heads = plain.shape.num_attention_heads
        self._embedding = plain.embedding
        is_large = plain.num_parameters > _MANY_WEIGHTS
        self._min_rows = _MIN_ROWS_OF_MANY_WEIGHTS if is_large else _MIN_ROWS
        self._weights = weights
        self._batch = _Batch(decoder, self._weights)
        turns = plain.turns(torch.arange(pool.window_tokens))
        half = plain.shape.rotary_dims // 2
        self._cosines, self._sines = (turn[:, :half].contiguous().numpy() for turn in turns)
        keys, values = pool.stacked()
        self._keys, self._values = (t.view(torch.uint16).numpy() for t in (keys, values))
        self._compile()

    def scores(self, step: Step) -> Tensor:
        """Scores (scored, vocab) float32 after each segment that wants them."""
        singles = step.segments[: step.num_singles]
        if not singles:
            return self._decoder.scores(step)
        hidden = self._read(step)
        wanted = [index for index, segment in enumerate(singles) if segment.wants_scores]
        found = self._scores_of(hidden[wanted])
        rest = step.segments[step.num_singles :]
        if not rest:
            return found
        return torch.cat((found, self._decoder.scores(Step(rest, step.device))))

    def _read(self, step: Step) -> Floats:
        """What the last norm gives for the single tokens; (singles, hidden)."""
        count = step.num_singles
        hidden = embedding(step.ids[:count], self._embedding).float().numpy()
        if self._min_rows <= count <= MAX_INT8_ROWS and self._batch.is_possible:
            self._read_together(step.singles, hidden)
        else:
            for reading, vector in zip(step.singles, hidden, strict=True):
                self._read_alone(reading, vector)
        return hidden

    def _read_alone(self, reading: Reading, hidden: Floats) -> None:
        read_one(
            hidden,
            self._heads,
            reading.slot,
            reading.start,
            self._cosines[reading.start],
            self._sines[reading.start],
            self._keys,
            self._values,
            self._weights,
        )

    def _read_together(self, readings: tuple[Reading, ...], hidden: Floats) -> None:
        slots = np.array([reading.slot for reading in readings])
        positions = np.array([reading.start for reading in readings])
        turns = (self._cosines, self._sines)
        for index in range(len(self._keys)):
            rows = (self._keys[index], self._values[index])
            self._batch.layer(index, hidden, self._heads, slots, positions, turns, rows)
        self._batch.finish(hidden)

    def _scores_of(self, hidden: Floats) -> Tensor:
        """The head; (count, vocab) float32."""
        if len(hidden) >= self._min_rows and self._batch.head is not None:
            return self._batch.head(torch.from_numpy(hidden))
        found = np.empty((len(hidden), len(self._weights.head)), np.float32)
        for vector, scores in zip(hidden, found, strict=True):
            product(self._weights.head, self._weights.head_scale, vector, scores)
        return torch.from_numpy(found)

    def _compile(self) -> None:
        """Run every kernel once: compiles on the first start of a machine, loads on later ones."""
        slots = self._pool.slots[:_MIN_ROWS]
        segments = [Segment(slot, (0,), wants_scores=True) for slot in slots]
        self.scores(Step(segments, torch.device("cpu")))
        self.scores(Step(segments[:1], torch.device("cpu")))


class _Batch:
    """One layer after the other for several tokens, with torch's products on bytes."""

    def __init__(self, decoder: Decoder, weights: Weights) -> None:
        self._weights = weights
        layers = decoder.int8_layers()
        self._layers = [tuple(map(_Product, layer)) for layer in layers] if layers else None
        self.head = decoder.int8_head()

    @property
    def is_possible(self) -> bool:
        """Whether the int8 products are there."""
        return self._layers is not None

    def layer(
        self,
        index: int,
        hidden: Floats,
        heads: int,
        slots: Places,
        positions: Places,
        turns: tuple[Floats, Floats],
        rows: tuple[Any, Any],
    ) -> None:
        """Take (count, hidden) through one layer, in place."""
        assert self._layers is not None
        weights, count = self._weights, len(hidden)
        qkv, out, up, down = self._layers[index]
        largest = np.empty(count, np.float32)
        many_rows.norm_rows(
            hidden, weights.norm[index], weights.epsilon, *qkv.inputs(count), largest
        )
        mixed = qkv(count)
        many_rows.attend_rows(
            mixed,
            weights.qkv_bias[index],
            heads,
            slots,
            positions,
            *turns,
            *rows,
            *out.inputs(count),
            largest,
        )
        many_rows.add_rows(hidden, out(count), largest)
        many_rows.norm_rows(
            hidden, weights.mlp_norm[index], weights.epsilon, *up.inputs(count), largest
        )
        wide = up(count)
        many_rows.gate_rows(wide, *down.inputs(count), largest)
        many_rows.add_rows(hidden, down(count), largest)

    def finish(self, hidden: Floats) -> None:
        """The last norm, in place."""
        plain = np.ones(hidden.shape[1], np.float32)
        largest = np.empty(len(hidden), np.float32)
        normed = np.empty_like(hidden)
        weights = self._weights
        many_rows.norm_rows(hidden, weights.last_norm, weights.epsilon, plain, normed, largest)
        np.multiply(normed, largest[:, None], out=hidden)


class _Product:
    """One of torch's products on bytes, its buffers as arrays; making these takes a while."""

    def __init__(self, form: Int8) -> None:
        self._form = form
        self._smooth: Floats = form.smooth.numpy()
        self._rows: Floats = form.rows(MAX_INT8_ROWS).numpy()

    def inputs(self, count: int) -> tuple[Floats, Floats]:
        """Smoothing factors and rows to be filled."""
        return self._smooth, self._rows[:count]

    def __call__(self, count: int) -> Floats:
        """The product of rows that were filled."""
        found: Floats = self._form.product(count).numpy()
        return found


def supports(model: Any) -> bool:  # noqa: ANN401 - any class
    """Whether this model can run here: a Llama or Qwen2 in bfloat16 on the CPU."""
    shape = model_shape(model)
    is_plain = shape is not None and shape.model_type in {"llama", "qwen2"}
    return bool(is_plain and model.dtype == torch.bfloat16 and model.device.type == "cpu")


@torch.inference_mode()
def bytes_of(plain: DecoderWeights) -> Weights:
    """All weights as bytes; releases the interpreter's lock most of the time."""
    layers = plain.layers
    return Weights(
        _gains([layer.norm for layer in layers]),
        *_stacked([layer.qkv for layer in layers]),
        _biases(layers),
        *_stacked([(layer.out,) for layer in layers]),
        _gains([layer.mlp_norm for layer in layers]),
        *_stacked([layer.up for layer in layers]),
        *_stacked([(layer.down,) for layer in layers]),
        _gains([plain.norm])[0],
        np.float32(plain.shape.norm_eps),
        *(part[0] for part in _stacked([(plain.head,)])),
    )


def _gains(norms: list[NormWeights]) -> Floats:
    return np.stack([norm.weight.float().numpy() for norm in norms])


def _biases(layers: Sequence[LayerWeights]) -> Floats:
    """(layers, outputs of qkv); zeros where there are none, so that there is one kernel for all."""
    none = torch.zeros(sum(part.shape[0] for part in layers[0].qkv))
    biases = [none if layer.qkv_bias is None else layer.qkv_bias.float() for layer in layers]
    return torch.stack(biases).numpy()


def _stacked(groups: Sequence[Sequence[Tensor]]) -> tuple[Bytes, Floats]:
    """Weights of all layers rounded to bytes, those of one layer below each other; their scales."""
    rows = sum(part.shape[0] for part in groups[0])
    rounded = torch.empty((len(groups), rows, groups[0][0].shape[1]), dtype=torch.int8)
    scales = torch.empty((len(groups), rows))
    for group, bytes_out, scales_out in zip(groups, rounded, scales, strict=True):
        sizes = [part.shape[0] for part in group]
        for part, *out in zip(group, bytes_out.split(sizes), scales_out.split(sizes), strict=True):
            round_to_bytes(part, *out)
    return rounded.numpy(), scales.numpy()
