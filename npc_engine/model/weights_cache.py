"""Converted models on disk: written whole or not at all, and checked before they are used.

Knows folders, sizes and checksums; no tensors. A folder is built under another name and then
renamed, so a crash or a second process never leaves half a model.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npc_engine.errors import LoadError

CACHE_VARIABLE = "NPC_ENGINE_CACHE"
_MANIFEST = "manifest.json"
_VERSION = 1
_WHOLE_FILE_BYTES = 1 << 30
"""Files up to this size are checked byte by byte, larger ones in evenly spaced samples."""
_SAMPLE_BYTES = 1 << 16
_NUM_SAMPLES = 256


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One converted model."""

    key: str
    path: Path
    num_bytes: int
    source: str


class WeightsCache:
    """All converted models of this user.

    The folder is `cache_dir`, else the environment variable `NPC_ENGINE_CACHE`, else the usual
    place for caches of this operating system.
    """

    def __init__(self, cache_dir: Path | None = None) -> None:
        """Choose the folder; nothing is created yet."""
        chosen = os.environ.get(CACHE_VARIABLE)
        usual = Path(chosen) if chosen else _usual_folder()
        self.root = (cache_dir or usual) / "models"

    def find(self, key: str) -> Path | None:
        """The folder of a model if it is there and whole; a damaged one is taken away."""
        path = self.root / key
        if not path.is_dir():
            return None
        if _is_whole(path):
            return path
        with _disk_errors(path):
            self._take_away(path)
        return None

    def build(self, key: str, source: str, write: Callable[[Path], None]) -> Path:
        """Fill a new folder by `write` and put it in place.

        If another process was faster, its folder is used and this one dropped.

        Raises:
            LoadError: The disk is full or the folder cannot be written; nothing is left behind.
        """
        path = self.root / key
        with _disk_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            building = Path(tempfile.mkdtemp(prefix=f".{key}-", dir=self.root))
        try:
            with _disk_errors(self.root):
                write(building)
                _write_manifest(building, source)
            try:
                building.rename(path)
            except OSError as error:
                if not (path.is_dir() and _is_whole(path)):
                    raise LoadError(f"{path}: cannot be put in place: {error}") from error
        finally:
            shutil.rmtree(building, ignore_errors=True)
        return path

    def entries(self) -> tuple[CacheEntry, ...]:
        """All converted models, by name."""
        if not self.root.is_dir():
            return ()
        found = []
        for path in sorted(self.root.iterdir()):
            if path.is_dir() and not path.name.startswith("."):
                size = sum(file.stat().st_size for file in path.iterdir() if file.is_file())
                source = str((_read_manifest(path) or {}).get("source", "unknown"))
                found.append(CacheEntry(path.name, path, size, source))
        return tuple(found)

    def remove(self, key: str) -> int:
        """Delete a model; the bytes that were freed, 0 if it was not there."""
        for entry in self.entries():
            if entry.key == key:
                with _disk_errors(entry.path):
                    self._take_away(entry.path)
                return entry.num_bytes
        return 0

    def _take_away(self, path: Path) -> None:
        """Rename first, so that nobody opens a folder that is being deleted."""
        aside = Path(tempfile.mkdtemp(prefix=".gone-", dir=self.root))
        path.rename(aside / path.name)
        shutil.rmtree(aside, ignore_errors=True)


def checksum(path: Path) -> str:
    """SHA-256 of a file, or of samples of it and its size when it is larger than 1 GiB."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= _WHOLE_FILE_BYTES:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256(str(size).encode("ascii"))
        for index in range(_NUM_SAMPLES):
            file.seek((size - _SAMPLE_BYTES) * index // (_NUM_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))
        return f"sampled-{digest.hexdigest()}"


def _write_manifest(folder: Path, source: str) -> None:
    files = {
        file.name: {"bytes": file.stat().st_size, "checksum": checksum(file)}
        for file in sorted(folder.iterdir())
    }
    manifest = {"version": _VERSION, "source": source, "files": files}
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None


def _is_whole(folder: Path) -> bool:
    """Whether every file is there with the size and checksum it was written with."""
    manifest = _read_manifest(folder)
    if manifest is None or manifest.get("version") != _VERSION:
        return False
    try:
        files: dict[str, dict[str, Any]] = manifest["files"]
        return bool(files) and all(
            (folder / name).stat().st_size == facts["bytes"]
            and checksum(folder / name) == facts["checksum"]
            for name, facts in files.items()
        )
    except (OSError, KeyError, TypeError, AttributeError):
        return False


@contextmanager
def _disk_errors(place: Path) -> Iterator[None]:
    """Say where and what to do when the disk refuses."""
    try:
        yield
    except OSError as error:
        raise LoadError(
            f"{error.filename or place}: {error.strerror or error}; the model cache could not be "
            f"changed; free some space or set {CACHE_VARIABLE} to a folder that can be written to"
        ) from error


def _usual_folder() -> Path:
    """Where this system keeps caches."""
    import platformdirs  # here, so that the model runs without it where a folder is named

    return platformdirs.user_cache_path("npc_engine")
