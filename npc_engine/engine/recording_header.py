"""What a recording says of itself first: with which files, settings and save the run began."""

import hashlib
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from npc_engine.content.library import Library
from npc_engine.engine.engine_options import EngineSettings
from npc_engine.engine.recorded_files import project_files
from npc_engine.engine.recording_file import FORMAT, Item
from npc_engine.memory.entries import Entry
from npc_engine.memory.store import SaveStore
from npc_engine.prompt.plan import Plan

_DISTRIBUTION = "npc-engine-local"


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What an engine was opened with, as far as replies depend on it."""

    world: Path
    characters: Path
    engine: EngineSettings


def header_of(settings: RunSettings, library: Library, store: SaveStore, path: Path) -> Item:
    """The first row of the recording at `path`; copies a save that is not new beside it."""
    world_id = library.world(settings.world).id
    engine = settings.engine
    candidates = engine.candidates
    start = start_path(path)
    has_start = bool(store.chats()) or bool(store.snapshots())
    if has_start:
        start.unlink(missing_ok=True)
        store.copy_to(start)
    return {
        "k": "recording",
        "format": FORMAT,
        "version": package_version(),
        "world": str(settings.world),
        "characters": str(settings.characters),
        "folder": str(Path.cwd()),
        "world_id": world_id,
        "files": file_digests(library, settings.world),
        "seed": engine.seed,
        "candidates": candidates if isinstance(candidates, int) else dict(candidates),
        "choose_within_s": engine.choose_within_s,
        "profile": None if engine.profile is None else asdict(engine.profile),
        "deadlines": {who: asdict(times) for who, times in (engine.deadlines or {}).items()},
        "max_lines": engine.max_lines,
        "actions_per_turn": engine.actions_per_turn,
        "grounding": engine.grounding,
        "start": start.name if has_start else "",
    }


def start_path(recording: Path) -> Path:
    """Where the copy of the save lies with which a run began."""
    return recording.with_name(f"{recording.stem}.start.db")


def package_version() -> str:
    """Of this package; `unknown` where it is not installed."""
    try:
        return version(_DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


def file_digests(library: Library, world: Path) -> dict[str, str]:
    """Short digests of the world's file, its lore and the sheets of its cast, by name."""
    return {
        name: _digest(path.read_bytes()) for name, path in project_files(library, world).items()
    }


def section_digests(plan: Plan) -> dict[str, str]:
    """A short digest of each section's text, in the order of the prompt."""
    texts: dict[str, str] = {}
    for section in plan.sections:
        texts[section.name] = texts.get(section.name, "") + "\0" + section.text
    return {name: _digest(text.encode("utf-8", "replace"))[:8] for name, text in texts.items()}


def ids_digest(token_ids: tuple[int, ...]) -> str:
    """A short digest of token ids; equal to `Plan.digest` for those of a plan."""
    return _digest(",".join(map(str, token_ids)).encode())


def entry_digest(entry: Entry) -> str:
    """A short digest of all of an entry: place, stamps and payload."""
    place = f"{entry.chat_id}:{entry.parent_id}:{entry.at!r}:{entry.day}:{entry.minute}:"
    return _digest((place + entry.payload.model_dump_json()).encode("utf-8", "replace"))


def where_chats_stand(store: SaveStore) -> list[Any]:
    """Every chat with the end of its path, and the names of the snapshots."""
    chats = [[chat.id, chat.npc, chat.title, chat.leaf_id] for chat in store.chats()]
    return [sorted(chats), list(store.snapshots())]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
