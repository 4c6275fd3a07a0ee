"""How much room a device has: for weights, for conversations, for the tokens of one pass.

Imports torch inside functions.
"""

import ctypes
import os
import sys
from pathlib import Path

from npc_engine.model.tokenizer import read_json
from npc_engine.model.weight_forms import FORMS, Form, choose_form, counts_of, is_packable

_MIN_CACHE_BYTES = 1 << 30
_MAX_HOST_BYTES = 4 << 30


def default_cache_bytes(device: str, weights_to_come_bytes: int = 0) -> int:
    """Memory for idle conversations: 1 GiB, or on a GPU 60 % of what the weights leave if more.

    Args:
        device: Such as `cpu` or `cuda`.
        weights_to_come_bytes: Memory of weights that are not on the GPU yet.
    """
    import torch

    if not device.startswith("cuda"):
        return _MIN_CACHE_BYTES
    free_bytes, _ = torch.cuda.mem_get_info(device)
    return max(_MIN_CACHE_BYTES, int((free_bytes - weights_to_come_bytes) * 0.6))


def default_host_bytes(device: str, memory_bytes: int | None = None) -> int:
    """Ordinary memory for conversations that a GPU has no room for: 4 GiB, or a quarter if less.

    Args:
        device: Such as `cpu` or `cuda`; on a CPU there is nothing to move to.
        memory_bytes: Of this machine; by default `machine_bytes`.
    """
    if not device.startswith("cuda"):
        return 0
    return min(_MAX_HOST_BYTES, (memory_bytes or machine_bytes()) // 4)


def machine_bytes() -> int:
    """Memory of this machine; 8 GiB where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 2 * _MAX_HOST_BYTES


def default_pass_tokens(device: str) -> tuple[int, int]:
    """Prompt tokens read in one pass: when nobody is answered, and beside somebody who is.

    On an H100 128 more tokens cost no more than the weights that are read anyway (arithmetic, not
    measured); 1,024 keep a pass short enough for a cancel.
    """
    return (1024, 128) if device.startswith("cuda") else (256, 32)


def gpu_form(folder: Path, device: str, dtype: str, weights: str = "auto") -> Form:
    """The form of the weights to load onto a GPU; `plain` for any other device.

    Args:
        folder: config.json and safetensors.
        device: Such as `cpu` or `cuda`.
        dtype: `bfloat16` or `float32`.
        weights: `auto` for what fits into the free memory, or a form.

    Raises:
        LoadError: The GPU is too small.
    """
    import torch

    if not device.startswith("cuda"):
        return "plain"
    config = read_json(folder / "config.json")
    forms = FORMS if is_packable(config) else FORMS[:1]
    if weights != "auto":
        # What cannot be packed is refused, with the reason, once the model is loaded.
        forms = tuple(form for form in forms if form == weights) or FORMS[:1]
    free_bytes, _ = torch.cuda.mem_get_info(device)
    plain_bytes = 4 if dtype == "float32" else 2
    return choose_form(counts_of(config, folder), free_bytes, plain_bytes=plain_bytes, forms=forms)


def packed_bytes(folder: Path, form: Form) -> int:
    """Memory that a packed form of a folder's weights takes on a GPU."""
    return counts_of(read_json(folder / "config.json"), folder).num_bytes(form, 2)


def give_back() -> None:
    """Return freed memory to the system where the C library keeps it; packing leaves 150 MB."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
