"""A model of the exact shape of Nemotron-Mini with random weights, and a stub of its tokenizer.

Speed does not depend on the values of weights, so no download is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from npc_engine.messages import ModelInfo


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a Nemotron."""

    name: str
    layers: int
    hidden: int
    inner: int
    heads: int
    kv_heads: int
    vocab: int
    window_tokens: int

    @property
    def position_bytes(self) -> int:
        """Keys and values of one position in bfloat16."""
        return 2 * self.layers * self.kv_heads * (self.hidden // self.heads) * 2


NEMOTRON_MINI = Shape("Nemotron-Mini-4B, random weights", 32, 3072, 9216, 24, 8, 256_000, 4096)
TINY = Shape("tiny, random weights", 2, 96, 128, 6, 2, 600, 256)


def build(shape: Shape, device: str, dtype: str) -> Any:  # noqa: ANN401 - a class of transformers
    """The model in eval mode, its weights made on the device."""
    import torch
    from transformers import NemotronConfig, NemotronForCausalLM

    config = NemotronConfig(
        vocab_size=shape.vocab,
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=shape.window_tokens,
        bos_token_id=2,
        eos_token_id=3,
        pad_token_id=0,
    )
    config._attn_implementation = "sdpa"
    before = torch.get_default_dtype()
    torch.manual_seed(0)
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        with torch.device(device):
            model = NemotronForCausalLM(config)
    finally:
        torch.set_default_dtype(before)
    return model.eval()


def random_ids(shape: Shape, count: int, seed: int) -> tuple[int, ...]:
    """Ids that are no markers."""
    import torch

    chance = torch.Generator().manual_seed(seed)
    return tuple(torch.randint(20, shape.vocab, (count,), generator=chance).tolist())


def info_of(shape: Shape, device: str, dtype: str) -> ModelInfo:
    """What a session shows."""
    return ModelInfo(shape.name, "nemotron", shape.window_tokens, device, dtype)


class StubTokenizer:
    """As much of a tokenizer as a session needs to write: every id is a word, and none ends."""

    family = "nemotron"
    end_ids: frozenset[int] = frozenset()

    def decode(self, token_ids: Sequence[int]) -> str:
        """A word for each id."""
        return "".join(f"w{token_id} " for token_id in token_ids)
