"""The sizes of a decoder that is written out here, from config.json. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

Family = Literal["llama", "nemotron", "qwen2"]

_ACTIVATIONS = {"llama": "silu", "nemotron": "relu2", "qwen2": "silu"}
_EPSILONS = {"llama": "rms_norm_eps", "nemotron": "norm_eps", "qwen2": "rms_norm_eps"}
CLASSES: dict[str, str] = {
    "llama": "LlamaForCausalLM",
    "nemotron": "NemotronForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
}
"""The class of `transformers` of each family that is written out here."""
_SIZES = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
)
# What makes a model another one than its sizes say.
_CHANGES = ("attention_bias", "mlp_bias", "quantization_config", "auto_map", "use_sliding_window")
_ROPE = frozenset({"rope_type", "type", "rope_theta", "partial_rotary_factor"})


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """What config.json says of a decoder, under the names used there."""

    model_type: Family
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    rotary_dims: int
    """Of each head, those that are turned by position."""
    rope_theta: float
    norm_eps: float
    tie_word_embeddings: bool

    @property
    def is_gated(self) -> bool:
        """Whether the layers have a gate beside `up`."""
        return self.model_type != "nemotron"

    @property
    def norm_parts(self) -> tuple[str, ...]:
        """What a norm consists of."""
        return ("weight", "bias") if self.model_type == "nemotron" else ("weight",)

    @property
    def has_qkv_biases(self) -> bool:
        """Whether something is added to queries, keys and values; nothing else ever has a bias."""
        return self.model_type == "qwen2"


def shape_of(config: Mapping[str, Any]) -> DecoderShape | None:
    """The shape of a Llama, Nemotron or Qwen2 with its usual biases and plain rotary positions.

    Args:
        config: Of config.json, or of `to_dict` of a loaded configuration.

    Returns:
        None for everything else: what is missing, unknown or out of bounds is for `transformers`
        to judge.
    """
    kind = str(config.get("model_type"))
    if kind not in _ACTIVATIONS or not _is_plain(config):
        return None
    sizes: dict[str, Any] = {name: config.get(name) for name in _SIZES}
    heads, hidden, epsilon = sizes["num_attention_heads"], sizes["hidden_size"], _EPSILONS[kind]
    if not all(_is_count(size) for size in sizes.values()) or hidden % heads:
        return None
    kv_heads: Any = config.get("num_key_value_heads") or heads
    head_dim: Any = config.get("head_dim") or hidden // heads
    turned = _turned(config, kind)
    if not (_is_count(kv_heads) and _is_count(head_dim)) or heads % kv_heads or turned is None:
        return None
    rope_theta, share = turned
    rotary_dims = int(head_dim * share)
    if rotary_dims % 2 or rotary_dims > head_dim or not _is_number(config.get(epsilon)):
        return None
    if config.get("hidden_act") != _ACTIVATIONS[kind]:
        return None
    return DecoderShape(
        model_type=cast(Family, kind),
        **sizes,
        num_key_value_heads=kv_heads,
        head_dim=head_dim,
        rotary_dims=rotary_dims,
        rope_theta=rope_theta,
        norm_eps=config[epsilon],
        tie_word_embeddings=bool(config.get("tie_word_embeddings")),
    )


def is_causal_model(config: Mapping[str, Any]) -> bool:
    """Whether config.json names the class that has a head for words."""
    return config.get("architectures") == [CLASSES.get(str(config.get("model_type")))]


def _is_plain(config: Mapping[str, Any]) -> bool:
    """Whether nothing but sizes and positions makes it another model; all layers see everything."""
    layers = config.get("layer_types") or []
    sees_all = isinstance(layers, list) and set(layers) <= {"full_attention"}
    return sees_all and not any(config.get(name) for name in _CHANGES)


def _turned(config: Mapping[str, Any], kind: str) -> tuple[float, float] | None:
    """The base of rotary positions and the share of each head that they turn; None if not plain.

    Older files have both beside the sizes, newer ones in `rope_parameters`.
    """
    rope = config.get("rope_scaling") or config.get("rope_parameters") or {}
    if not isinstance(rope, Mapping) or not rope.keys() <= _ROPE:
        return None
    if rope.get("rope_type", rope.get("type", "default")) != "default":
        return None
    theta = rope.get("rope_theta", config.get("rope_theta"))
    share = rope.get("partial_rotary_factor", config.get("partial_rotary_factor"))
    if kind != "nemotron":
        # Their classes of `transformers` do not read it.
        share = 1.0 if share is None or share == 1 else None
    return (theta, share) if _is_number(theta) and _is_number(share) else None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
