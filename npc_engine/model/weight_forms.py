"""Which form of a model's weights fits into the memory of a GPU.

Knows numbers of weights and bytes; imports no torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from npc_engine.errors import LoadError

Form = Literal["plain", "int8", "int4"]

FORMS: tuple[Form, ...] = ("plain", "int8", "int4")
_KEPT_FREE_BYTES = 3 << 29
"""1.5 GiB for conversations, scores and what torch itself needs."""
_INT4_BYTES = 0.5 + 4 / 128
"""A weight of half a byte, and two numbers of two bytes for each group of 128."""
_PACKABLE = frozenset({"llama", "nemotron", "qwen2"})
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class WeightCounts:
    """How many weights a model has, by what becomes of them when they are packed."""

    layers: int
    head: int
    """Of the output head, which never gets less than a byte a weight."""
    embeddings: int
    """Of embeddings the head does not share; they stay in ordinary memory beside packed weights."""

    def num_bytes(self, form: Form, plain_bytes: int) -> int:
        """Memory on the GPU.

        Args:
            form: Of the weights.
            plain_bytes: Of one weight as it is.
        """
        if form == "plain":
            return (self.layers + self.head + self.embeddings) * plain_bytes
        return int(self.layers * (1 if form == "int8" else _INT4_BYTES)) + self.head


def counts_of(config: Mapping[str, Any], folder: Path) -> WeightCounts:
    """The counts of a model folder, from the sizes of its files.

    Args:
        config: Its config.json.
        folder: Holds the safetensors, in two bytes a weight unless the config says float32.
    """
    stored = str(config.get("dtype") or config.get("torch_dtype") or "bfloat16")
    total_bytes = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    total = total_bytes // (4 if stored == "float32" else 2)
    head = int(config.get("vocab_size", 0)) * int(config.get("hidden_size", 0))
    embeddings = 0 if config.get("tie_word_embeddings") else head
    return WeightCounts(max(0, total - head - embeddings), head, embeddings)


def is_packable(config: Mapping[str, Any]) -> bool:
    """Whether this kind of model has packed forms on a GPU; as `shape_of` of what it becomes."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    is_plain_rope = rope.get("rope_type", rope.get("type", "default")) == "default"
    is_other = any(config.get(n) for n in ("attention_bias", "mlp_bias", "use_sliding_window"))
    return config.get("model_type") in _PACKABLE and is_plain_rope and not is_other


def choose_form(
    counts: WeightCounts,
    free_bytes: int,
    *,
    plain_bytes: int = 2,
    forms: Sequence[Form] = FORMS,
) -> Form:
    """The first form that fits and leaves 1.5 GiB: as it is, one byte a weight, half a byte.

    Args:
        counts: Of the model.
        free_bytes: Free memory of the GPU.
        plain_bytes: Of one weight as it is.
        forms: Those to be had, the best first.

    Raises:
        LoadError: None fits.
    """
    needs = {form: counts.num_bytes(form, plain_bytes) + _KEPT_FREE_BYTES for form in forms}
    for form in forms:
        if needs[form] <= free_bytes:
            return form
    raise LoadError(
        f"GPU too small: found {free_bytes / _GIB:.1f} GB free; "
        f"needs {min(needs.values()) / _GIB:.1f} GB; close what else uses the GPU, choose a "
        "smaller model such as 'smollm2', or compute on the processor with device 'cpu'"
    )
