"""Replays a recording: the same inputs and the same words of the model into a new engine.

Needs no model. What must come out equal: every prompt, every line, every entry of the save.
"""

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from npc_engine.content.library import Library
from npc_engine.engine.clock import SystemClock
from npc_engine.engine.deadlines import Deadlines
from npc_engine.engine.engine import Engine
from npc_engine.engine.recording_header import file_digests, where_chats_stand
from npc_engine.engine.recording_read import Recording, read_recording
from npc_engine.engine.replay_inputs import ReplayedInputs
from npc_engine.engine.replay_order import PATIENCE_S
from npc_engine.engine.replay_project import ReplayedProject
from npc_engine.engine.replay_report import ReplayReport, changed, with_files
from npc_engine.engine.replay_session import ReplaySession, recorded_info
from npc_engine.engine.replayer import Replayer
from npc_engine.errors import CommandError, RecordingError
from npc_engine.memory.store import SaveStore
from npc_engine.model.known_tokenizer import known_tokenizer
from npc_engine.model.plain_tokenizer import PlainTokenizer
from npc_engine.prompt.profile import PromptProfile
from npc_engine.protocols import ModelSession, Tokenizer

_LOOK_S = 0.2
_ASTRAY_S = 2.0
"""So long a line is waited for after something went another way: it may never have begun."""
_WRITING_S = 600.0
"""Patience while a model writes everything again."""


def replay_file(
    path: Path,
    *,
    world: Path | None = None,
    characters: Path | None = None,
    again: Callable[[], ModelSession] | None = None,
    patience_s: float = PATIENCE_S,
) -> ReplayReport:
    """Replay a recording and compare.

    Args:
        path: The recording.
        world: The world file; by default where the run had it.
        characters: The folder with the sheets; by default where the run had it.
        again: Opens a model that writes every reply once more, to be compared token by token.
            Equal tokens are promised only on the same device, and where the replies of the run were
            written one at a time.
        patience_s: So long nothing may happen before a turn counts as stuck.

    Raises:
        RecordingError: The recording cannot be read, or the copy of its save is missing.
        CommandError: World or sheets are not where they were.
        ContentError: World or sheets are wrong now.
        LoadError: The tokenizer of the recorded model is not here.
    """
    recording = read_recording(path)
    world_path = world or _found(recording, "world")
    library = Library.open(characters or _found(recording, "characters"), world_path.parent)
    replayer = Replayer(recording, patience_s=_WRITING_S if again else patience_s)
    model = again() if again else None
    session = ReplaySession(recording, _tokenizer(recording), _differ(replayer), model)
    with tempfile.TemporaryDirectory(prefix="npc-replay-") as folder:
        project = ReplayedProject(recording, library, world_path, Path(folder) / "project")
        files = _changed_files(recording, project)
        replayer.on_reload = project.reload
        store = SaveStore.open(_start(recording, Path(folder)), replayer.clock(SystemClock()))
        engine = _engine(recording, project, store, session, replayer)
        with engine:
            _run(recording, engine, replayer, _WRITING_S if again else patience_s)
            _compare_save(recording, store, replayer)
            replayer.differences.is_closed = True
            replayer.order.give_up()
    found = replayer.differences.sorted()
    return ReplayReport(
        recording=str(path),
        turns=recording.num_turns,
        replayed=replayer.num_ended,
        is_whole=recording.is_whole,
        changed_files=files,
        differences=tuple(with_files(one, files) for one in found),
        again=model.info.name if model else "",
    )


def _changed_files(recording: Recording, project: ReplayedProject) -> tuple[str, ...]:
    now = file_digests(project.library, project.world)
    return changed(list(recording.header["files"].items()), list(now.items()))


def _engine(
    recording: Recording,
    project: ReplayedProject,
    store: SaveStore,
    session: ReplaySession,
    replayer: Replayer,
) -> Engine:
    header = recording.header
    profile = header["profile"]
    try:
        return Engine(
            project.library,
            project.library.world(project.world).id,
            store,
            session,
            seed=header["seed"],
            clock=replayer.clock(SystemClock()),
            prewarm=False,
            candidates=header["candidates"],
            choose_within_s=header["choose_within_s"],
            profile=None if profile is None else PromptProfile(**profile),
            deadlines={who: Deadlines(**times) for who, times in header["deadlines"].items()},
            max_lines=header["max_lines"],
            actions_per_turn=header["actions_per_turn"],
            grounding=header["grounding"],
            journal=replayer,
        )
    except BaseException:
        store.close()
        raise


def _run(recording: Recording, engine: Engine, replayer: Replayer, patience_s: float) -> None:
    """Go through inputs and ends of lines in their order."""
    inputs = ReplayedInputs(engine, replayer, str(recording.path))
    for at, row in recording.steps:
        if row["k"] == "ended":
            if not _has_ended(replayer, row["line"], patience_s):
                replayer.differ(
                    "line", "it did not end", row["npc"], at, actor=f"line:{row['line']}"
                )
                replayer.order.give_up()
                break
            engine.tick(None)
        elif row["k"] == "input" and row["n"] not in recording.refused:
            inputs.hand_in(at, row)
        elif row["k"] == "met":
            inputs.meet(at, row)
    inputs.close(patience_s)
    replayer.order.wait_until_over()
    replayer.wait_until_idle(patience_s)
    engine.tick(None)


def _has_ended(replayer: Replayer, line_id: int, patience_s: float) -> bool:
    """Wait for the end of a line; not for long once something went another way."""
    end = time.monotonic() + patience_s
    while not replayer.has_ended(line_id, _LOOK_S):
        if replayer.order.is_given_up:
            return replayer.has_ended(line_id, _ASTRAY_S)
        if time.monotonic() > end:
            return False
    return True


def _compare_save(recording: Recording, store: SaveStore, replayer: Replayer) -> None:
    if recording.is_whole:
        replayer.compare_missing_acts()
    missing = sorted(recording.entries.keys() - replayer.entries)
    if missing:
        replayer.differ("entry", f"entry {missing[0]} was not made again", actor="save")
    if recording.is_whole and not replayer.differences.sorted():
        now = where_chats_stand(store)
        if _as_lists(now) != recording.chats:
            replayer.differ("save", f"chats: recorded {recording.chats}, now {now}", actor="save")


def _as_lists(value: object) -> object:
    return [_as_lists(each) for each in value] if isinstance(value, list | tuple) else value


def _found(recording: Recording, name: str) -> Path:
    """A file or folder of the run, seen from here or from where it ran."""
    path = Path(recording.header[name])
    for place in (path, Path(recording.header["folder"]) / path):
        if place.exists():
            return place
    raise CommandError(
        f"{recording.path}: found no {path}, where the run had it; expected the project; "
        f"say where it is with --{name}"
    )


def _start(recording: Recording, folder: Path) -> Path | None:
    """A copy of the save with which the run began, to be played in; None for a new one."""
    name = recording.header["start"]
    if not name:
        return None
    kept = recording.path.with_name(Path(name).name)
    if not kept.is_file():
        raise RecordingError(
            str(recording.path),
            1,
            f"no {kept.name} beside it",
            "the copy of the save with which the run began",
            "keep both files in one folder",
        )
    return Path(shutil.copy(kept, folder / "replay.db"))


def _tokenizer(recording: Recording) -> Tokenizer:
    row = recording.model
    if row is None:
        return PlainTokenizer()
    info = recorded_info(recording)
    return known_tokenizer(
        info.name,
        row["fingerprint"],
        folder=info.extra.get("folder", ""),
        window_tokens=row["window_tokens"],
        takes_contexts=row["takes_contexts"],
    )


def _differ(replayer: Replayer) -> Callable[[int, str, str, str], None]:
    """How a session tells of a request that is another one."""

    def differ(at: int, request_id: str, kind: str, what: str) -> None:
        line = request_id.removeprefix("line-").split(".")[0]
        actor = f"line:{line}" if request_id.startswith("line-") else request_id
        if kind == "tokens":
            replayer.differ("tokens", what, at=at, actor=actor)
        elif kind == "prompt":
            replayer.differ("prompt", what, at=at, actor=actor)
        else:
            replayer.differ("reply", what, at=at, actor=actor)

    return differ
