"""Which packed forms of the weights to keep on this machine. Imports torch."""

import logging
from typing import Any

import torch

from npc_engine.errors import LoadError
from npc_engine.model.decoder_weights import DecoderWeights
from npc_engine.model.device_room import machine_bytes
from npc_engine.model.kernel_files import drop_stale_kernels
from npc_engine.model.linear import MAX_INT8_ROWS, Kernels, available
from npc_engine.model.scripted import EncodingTokenizer

logger = logging.getLogger(__name__)

# Rows up to which a packed form is quicker than the next one, on a processor with AVX512-VNNI.
_INT4_ROWS = 8
_INT4_ROWS_BESIDE_INT8 = 2
_ANY_ROWS = 1 << 30
_ALWAYS_PACKED_TWICE = 1_000_000_000
"""Weights up to which two packed forms are kept; more where a quarter of the memory holds both."""
_SAMPLE = (
    "The north bridge fell in the spring flood, and the ferry takes one cart at a time. Any work "
    "for a sword arm, smith? I walked past the forge this morning and saw nine carts waiting.\n"
    '"Mind the sparks," she said. "What do you need? Thirty silver, not a copper less."'
)


def kernels_for(weights: str, model: Any) -> Kernels | None:  # noqa: ANN401 - any class
    """The packed forms to keep of a loaded model; None to compute as `transformers` does.

    Args:
        weights: `auto`, `plain`, `int8` or `int4`; see `open_session`.
        model: `DecoderWeights`, or a loaded model of `transformers`.

    Raises:
        LoadError: A form was asked for that this machine has no operators for.
    """
    forms = available()
    if weights in {"int8", "int4"} and (weights not in forms or model.device.type != "cpu"):
        raise LoadError(
            f"weights: found {weights!r}; this processor and torch {torch.__version__} offer "
            f"{', '.join(sorted(forms))} on a CPU; leave it at 'auto'"
        )
    if model.device.type != "cpu":
        return None
    if weights == "int8":
        return Kernels(int8_rows=_ANY_ROWS)
    if weights == "int4":
        return Kernels(int4_rows=_ANY_ROWS)
    if weights == "plain" or model.dtype != torch.bfloat16:
        return Kernels()
    int8_rows = MAX_INT8_ROWS if "int8" in forms else 0
    if not may_pack_twice(num_parameters(model), machine_bytes()):
        return Kernels(int4_rows=_INT4_ROWS if "int4" in forms else 0)
    if can_compile(model):
        return Kernels(int8_rows=int8_rows, compiled=True)
    int4_rows = _INT4_ROWS_BESIDE_INT8 if int8_rows else _INT4_ROWS
    return Kernels(int4_rows=int4_rows if "int4" in forms else 0, int8_rows=int8_rows)


def may_pack_twice(count: int, memory_bytes: int) -> bool:
    """Whether two forms of a byte each are kept of so many weights, with so much memory."""
    return count <= _ALWAYS_PACKED_TWICE or 2 * count <= memory_bytes // 4


def can_compile(model: Any) -> bool:  # noqa: ANN401 - any class
    """Whether single tokens of a model can run in compiled kernels on this machine."""
    drop_stale_kernels()
    try:
        from npc_engine.model.cpu.body import supports
    except Exception as error:  # noqa: BLE001 - numba is missing, broken, or cannot keep files
        logger.warning("written tokens are not compiled (%s); this is slower, not wrong", error)
        return False
    return supports(model)


def described(kernels: Kernels | None) -> str:
    """The forms in words, for people."""
    if kernels is None or kernels == Kernels():
        return "plain"
    parts = ["bytes, compiled, for one row"] if kernels.compiled else []
    parts += [f"int4 up to {kernels.int4_rows} rows"] if kernels.int4_rows else []
    parts += [f"int8 up to {kernels.int8_rows}"] if kernels.int8_rows else []
    return ", ".join(parts)


def sample_ids(tokenizer: EncodingTokenizer) -> tuple[int, ...]:
    """The text that packed weights are fitted to."""
    return tokenizer.encode(_SAMPLE)


def num_parameters(model: Any) -> int:  # noqa: ANN401 - any class
    """Weights of a model, shared ones once."""
    if isinstance(model, DecoderWeights):
        return model.num_parameters
    return sum(int(parameter.numel()) for parameter in model.parameters())
