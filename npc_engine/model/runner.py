"""One forward pass of a loaded model over new ids of one conversation.

Owns nothing but the model: keys and values lie in the `KvCache` it is given. Imports torch.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache

from npc_engine.model import attention
from npc_engine.model.kv_cache import KvCache

# Models whose attention is plain causal attention over all positions, whatever their settings say.
_PLAIN_ATTENTION = frozenset({"llama", "nemotron", "qwen2", "qwen3"})


class Runner:
    """Feeds ids to a `transformers` causal language model, and counts how often."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - any class of transformers
        """Take a model in eval mode; its attention function is replaced where that is exact."""
        self._model = model
        config = model.config
        self._own_attention = config.model_type in _PLAIN_ATTENTION and not getattr(
            config, "use_sliding_window", False
        )
        if self._own_attention:
            attention.register()
            model.set_attn_implementation(attention.NAME)
        self.num_layers = int(config.num_hidden_layers)
        self.device: torch.device = next(model.parameters()).device
        self.num_forwards = 0

    def new_cache(self) -> KvCache:
        """An empty cache that fits this model."""
        return KvCache(self.num_layers)

    def feed(self, cache: KvCache, ids: Sequence[int]) -> Tensor:
        """Read ids behind what the cache holds; scores (vocab,) float32 after the last of them.

        When the model breaks, the cache is put back to whole positions and the error passes on.
        """
        self.num_forwards += 1
        start = len(cache.ids)
        positions = torch.arange(start, start + len(ids), device=self.device)[None]
        # Any mask of four dimensions is handed through untouched; our attention reads none.
        mask = torch.ones(1, 1, 1, 1, device=self.device) if self._own_attention else None
        try:
            with torch.inference_mode():
                output = self._model(
                    input_ids=torch.tensor([list(ids)], device=self.device),
                    position_ids=positions,
                    attention_mask=mask,
                    past_key_values=Cache(layers=[*cache.layers]),
                    use_cache=True,
                    logits_to_keep=1,
                )
                scores: Tensor = output.logits[0, -1].float()
        except BaseException:
            cache.mend()
            raise
        cache.fed(ids)
        return scores

    def fork(self, cache: KvCache, length: int, reserve_tokens: int) -> KvCache:
        """A copy of the beginning of a cache."""
        with torch.inference_mode():
            return cache.fork(length, reserve_tokens)
