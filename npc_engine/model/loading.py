"""A ready model folder to a model in memory: which class, which device, which precision.

Imports torch and the one class of transformers it needs, inside functions. Never runs code that
comes with a model.
"""

import importlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from npc_engine.errors import LoadError
from npc_engine.model.linear import MAX_INT8_ROWS, Kernels, available
from npc_engine.model.scripted import EncodingTokenizer
from npc_engine.model.tokenizer import read_json
from npc_engine.model.weight_files import check_complete, check_weight_files

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

_DTYPES = ("bfloat16", "float32")
_KNOWN_LAYERS = frozenset({"full_attention", "sliding_attention"})
_TRIAL_TOKENS = 32
# Rows up to which a packed form is quicker than the next one, on a processor with AVX512-VNNI.
_INT4_ROWS = 8
_INT4_ROWS_BESIDE_INT8 = 2
_ANY_ROWS = 1 << 30
_MAX_PACKED_TWICE = 1_000_000_000
"""Weights up to which two packed forms are kept; larger models would take too much memory."""
_SAMPLE = (
    "The north bridge fell in the spring flood, and the ferry takes one cart at a time. Any work "
    "for a sword arm, smith? I walked past the forge this morning and saw nine carts waiting.\n"
    '"Mind the sparks," she said. "What do you need? Thirty silver, not a copper less."'
)


def default_device() -> str:
    """`cuda` where there is one, else `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def default_dtype(device: str) -> str:
    """bfloat16 where the processor multiplies it in hardware, else float32.

    Measured on two cores of an AMD EPYC with AVX512-BF16 and no AMX, SmolLM2-135M, one thread:
    reading 700 tokens 890 tokens/s in bfloat16 against 350 in float32, writing 34 against 23.
    """
    import torch

    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    capabilities = _cpu_capabilities(torch)
    fast = ("avx512_bf16", "amx_bf16", "amx_tile", "bf16", "arm_bf16", "sve_bf16")
    return "bfloat16" if any(capabilities.get(name) for name in fast) else "float32"


def default_threads() -> int:
    """All physical cores this process may use but one, which is left to the game; at least one.

    Threads of one operation wait for each other in a busy loop: with two threads beside another
    busy process the same model wrote 7 tokens/s instead of 23.
    """
    import torch

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    physical = _cpu_capabilities(torch).get("num_physical_cores") or usable
    return max(1, min(usable or 1, int(physical or 1)) - 1)


def _cpu_capabilities(torch: Any) -> dict[str, Any]:  # noqa: ANN401 - a module
    """What torch says about the processor; nothing before torch 2.12."""
    found = getattr(torch.cpu, "get_capabilities", None)
    return dict(found()) if found is not None else {}


def load_model(folder: Path, *, device: str, dtype: str, threads: int | None = None) -> Any:  # noqa: ANN401 - any class
    """The model in eval mode, checked by a short trial.

    Args:
        folder: config.json and safetensors.
        device: Such as `cpu` or `cuda`.
        dtype: `bfloat16` or `float32`.
        threads: Threads of the trial; None leaves torch's setting, which is put back in any case.

    Raises:
        LoadError: The kind of model is not supported, weights are missing, memory is too small, or
            the trial gives something other than numbers.
    """
    import torch
    from transformers.utils import logging as reports

    config = read_json(folder / "config.json")
    _check_layers(folder, config)
    check_weight_files(folder)
    kind = _model_class(folder, config)
    bars_were_on, said_before = reports.is_progress_bar_enabled(), reports.get_verbosity()
    reports.disable_progress_bar()
    reports.set_verbosity_error()  # what it reports of weights, `check_complete` says
    try:
        with using_threads(threads):
            model, report = kind.from_pretrained(
                folder,
                dtype=getattr(torch, dtype),
                local_files_only=True,
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
            check_complete(folder, config, report)
            model = model.to(device).eval()
            _try_out(folder, model)
    except LoadError:
        raise
    except torch.OutOfMemoryError as error:
        raise LoadError(
            f"{folder}: does not fit into the memory of {device}: {error}; close other programs, "
            "or use a smaller model or device='cpu'"
        ) from error
    except Exception as error:
        text = " ".join(str(error).split())[:300] or type(error).__name__
        raise LoadError(
            f"{folder}: cannot be loaded: {text}; expected config.json and weights of one model "
            "that transformers knows; get the model again or use another"
        ) from error
    finally:
        reports.set_verbosity(said_before)
        if bars_were_on:
            reports.enable_progress_bar()
    return model


def check_place(device: str, dtype: str) -> None:
    """Refuse a device that is not here and a precision that is not supported.

    Raises:
        LoadError: Says what there is.
    """
    import torch

    if dtype not in _DTYPES:
        raise LoadError(f"dtype: found {dtype!r}; expected one of {', '.join(_DTYPES)}")
    try:
        torch.empty(0, device=device)
    except Exception as error:
        text = " ".join(str(error).split())[:120]
        raise LoadError(
            f"device: found {device!r}, which cannot be used here ({text}); expected cpu, or cuda "
            "with a torch built for it; name no device to let it be chosen"
        ) from error


def _check_layers(folder: Path, config: dict[str, Any]) -> None:
    """Refuse models whose memory is not keys and values of every layer."""
    layers = set(config.get("layer_types") or ())
    if not layers <= _KNOWN_LAYERS or "num_hidden_layers" not in config:
        what = ", ".join(sorted(layers - _KNOWN_LAYERS)) or "parts that are not a language model"
        raise LoadError(
            f"{folder}: a model with {what} is not supported; use a text model with attention in "
            "every layer"
        )


def _model_class(folder: Path, config: dict[str, Any]) -> Any:  # noqa: ANN401 - any class
    """The class named in config.json; importing it alone is much quicker than all of `Auto…`."""
    kind = str(config.get("model_type", ""))
    names = config.get("architectures") or ()
    module = kind.replace("-", "_")
    if module.isidentifier() and names:
        try:
            found = importlib.import_module(f"transformers.models.{module}.modeling_{module}")
        except ImportError:
            found = None
        if found is not None and hasattr(found, str(names[0])):
            return getattr(found, str(names[0]))
    from transformers import AutoModelForCausalLM

    if config.get("auto_map"):
        raise LoadError(
            f"{folder}: this model needs code of its own, which is never run; use a model that "
            "transformers knows"
        )
    return AutoModelForCausalLM


def _try_out(folder: Path, model: Any) -> None:  # noqa: ANN401 - any class
    """Read a few tokens, which also prepares the kernels for the first reply."""
    import torch

    size = min(_TRIAL_TOKENS, int(model.config.vocab_size))
    with torch.inference_mode():
        output = model(torch.arange(size, device=model.device)[None], logits_to_keep=1)
    scores = getattr(output, "logits", None)
    if scores is None:
        raise LoadError(
            f"{folder}: {type(model).__name__} gives no scores for words; expected a model for "
            "causal language modelling; use a chat model"
        )
    if not bool(torch.isfinite(scores).all()):
        raise LoadError(
            f"{folder}: gives scores that are not numbers; the weights are damaged, or "
            f"{scores.dtype} is too narrow for it; get the model again, or try dtype='float32'"
        )


def kernels_for(weights: str, model: Any) -> Kernels | None:  # noqa: ANN401 - any class
    """The packed forms to keep of a loaded model; None to compute as `transformers` does.

    Args:
        weights: `auto`, `plain`, `int8` or `int4`; see `open_session`.
        model: The loaded model.

    Raises:
        LoadError: A form was asked for that this machine has no operators for.
    """
    import torch

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
    if num_parameters(model) > _MAX_PACKED_TWICE:
        return Kernels(int4_rows=_INT4_ROWS if "int4" in forms else 0)
    int8_rows = MAX_INT8_ROWS if "int8" in forms else 0
    if can_compile(model):
        return Kernels(int8_rows=int8_rows, compiled=True)
    int4_rows = _INT4_ROWS_BESIDE_INT8 if int8_rows else _INT4_ROWS
    return Kernels(int4_rows=int4_rows if "int4" in forms else 0, int8_rows=int8_rows)


def can_compile(model: Any) -> bool:  # noqa: ANN401 - any class
    """Whether single tokens of a model can run in compiled kernels on this machine."""
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


@contextmanager
def packing_errors(folder: Path) -> Iterator[None]:
    """Say in our own words what went wrong between loaded weights and a ready session."""
    try:
        yield
    except LoadError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())[:300] or type(error).__name__
        raise LoadError(
            f"{folder}: was loaded, but could not be made ready ({text}); close other programs if "
            "memory is short, or try weights='plain'"
        ) from error


@contextmanager
def using_threads(count: int | None) -> Iterator[None]:
    """Run tensor operations of this thread on so many threads; None leaves torch's setting."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def num_parameters(model: "torch.nn.Module") -> int:
    """Weights of a model, shared ones once."""
    return sum(parameter.numel() for parameter in model.parameters())
