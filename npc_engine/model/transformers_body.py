"""One pass through an unmodified `transformers` model, over the rows of a slot pool.

Where the model's attention is plain causal attention, all segments go through it side by side;
other models read one segment after the other with their own attention. Imports transformers.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.cache_utils import Cache, CacheLayerMixin

from npc_engine.model import attention
from npc_engine.model.slots import SlotPool
from npc_engine.model.step import Reading, Segment, Step

_NAME = "npc_engine_slots"
# Models whose attention is plain causal attention over all positions, whatever their settings say.
_PLAIN_ATTENTION = frozenset({"llama", "nemotron", "qwen2", "qwen3"})


class TransformersBody:
    """Runs steps through any causal language model of `transformers`."""

    def __init__(self, model: Any, pool: SlotPool) -> None:  # noqa: ANN401 - any class
        """Take a model in eval mode; its attention function is replaced where that is exact."""
        self._model = model
        self._pool = pool
        config = model.config
        self._flat = config.model_type in _PLAIN_ATTENTION and not getattr(
            config, "use_sliding_window", False
        )
        self._layers = [_FlatLayer(pool, index) for index in range(config.num_hidden_layers)]
        if self._flat:
            AttentionInterface.register(_NAME, _flat_attention)
            model.set_attn_implementation(_NAME)
            for decoder_layer, layer in zip(model.model.layers, self._layers, strict=True):
                decoder_layer.self_attn.npc_engine_layer = layer

    def scores(self, step: Step) -> Tensor:
        """Scores (scored, vocab) float32 after each segment that wants them."""
        if self._flat:
            return self._all_at_once(step)
        found = [
            self._alone(segment, reading, step.device)
            for segment, reading in zip(step.segments, step.readings, strict=True)
        ]
        wanted = [
            scores
            for scores, segment in zip(found, step.segments, strict=True)
            if segment.wants_scores
        ]
        return torch.cat(wanted) if wanted else torch.empty(0, device=step.device)

    def _all_at_once(self, step: Step) -> Tensor:
        for layer in self._layers:
            layer.step = step
        places = step.scored
        output = self._model(
            input_ids=step.ids[None],
            position_ids=step.positions[None],
            # Any mask of four dimensions is handed through untouched; ours is not read.
            attention_mask=torch.ones(1, 1, 1, 1, device=step.device),
            past_key_values=Cache(layers=[*self._layers]),
            use_cache=True,
            logits_to_keep=torch.tensor(places or [step.num_new - 1], device=step.device),
        )
        scores: Tensor = output.logits[0].float()
        return scores[: len(places)]

    def _alone(self, segment: Segment, reading: Reading, device: torch.device) -> Tensor:
        layers = [_RowLayer(self._pool, index, reading) for index in range(len(self._layers))]
        output = self._model(
            input_ids=torch.tensor([segment.ids], device=device),
            position_ids=torch.arange(reading.start, reading.end, device=device)[None],
            past_key_values=Cache(layers=[*layers]),
            use_cache=True,
            logits_to_keep=max(1, segment.num_scores),
        )
        scores: Tensor = output.logits[0].float()
        return scores


def _flat_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **kwargs: object,
) -> tuple[Tensor, None]:
    """Attention of all segments, in the form `transformers` calls it.

    Args:
        module: The attention of one layer; carries that layer's `_FlatLayer`, because nothing else
            reaches this function in every family.
        query: (1, heads, new, head_dim).
        key: The layer's rows, (slots, kv_heads, window, head_dim).
        value: As `key`.
        attention_mask: Not read.
        scaling: Factor on the scores.
        dropout: Not read.
        kwargs: Not read.

    Returns:
        (1, new, heads, head_dim), and no weights.
    """
    layer = module.npc_engine_layer
    assert isinstance(layer, _FlatLayer)
    out = attention.attend(query[0].transpose(0, 1), key, value, layer.step, scaling)
    return out[None], None


class _PoolLayer(CacheLayerMixin):
    """What `transformers` wants to know of a layer whose rows lie in a pool."""

    is_compileable = False
    is_croppable = True
    is_sliding = False
    supports_early_init = False
    is_initialized = True

    def __init__(self, pool: SlotPool, index: int) -> None:
        self._pool = pool
        self._index = index

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing to do: the pool makes its rows by itself."""

    def get_max_length(self) -> int:
        """Positions of a row."""
        return self._pool.window_tokens


class _FlatLayer(_PoolLayer):
    """Writes new positions of all segments; gives the whole pool, which our attention reads."""

    step: Step

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Take (1, kv_heads, new, head_dim)."""
        keys, values = key_states[0].transpose(0, 1), value_states[0].transpose(0, 1)
        attention.write(self._pool, self._index, keys, values, self.step)
        return self._pool.layer(self._index, keys, values)

    def get_seq_length(self) -> int:
        """Positions are given with every call, so none are counted here."""
        return 0

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """No mask is built."""
        return 1, 0


class _RowLayer(_PoolLayer):
    """One row, for models with an attention of their own."""

    def __init__(self, pool: SlotPool, index: int, reading: Reading) -> None:
        super().__init__(pool, index)
        self._reading = reading

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Take (1, kv_heads, new, head_dim); give all positions of the row, as views."""
        slot, start, end = self._reading.slot, self._reading.start, self._reading.end
        keys, values = key_states[0].transpose(0, 1), value_states[0].transpose(0, 1)
        all_keys, all_values = self._pool.layer(self._index, keys, values)
        all_keys[slot, :, start:end] = key_states[0]
        all_values[slot, :, start:end] = value_states[0]
        return all_keys[slot : slot + 1, :, :end], all_values[slot : slot + 1, :, :end]

    def get_seq_length(self) -> int:
        """Positions held before this pass."""
        return self._reading.start

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Keys a mask must cover, and their offset."""
        return self._reading.start + query_length, 0
