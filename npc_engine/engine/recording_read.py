"""A recording as a replay needs it: what happened in its order, and what each actor met."""

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from npc_engine.engine.recorded_files import Changes
from npc_engine.engine.recording_file import Item, read_rows
from npc_engine.errors import RecordingError

STEPS = ("input", "ended", "met")
"""Kinds of rows that a replay goes through one by one."""


@dataclass(slots=True)
class Recording:
    """What a file holds. Whoever replays takes from the queues."""

    path: Path
    header: Item
    model: Item | None = None
    steps: list[tuple[int, Item]] = field(default_factory=list)
    """Inputs and ends of lines with their line of the file, in their order."""
    order: list[tuple[str, int]] = field(default_factory=list)
    """Who took something shared, and how often in a row."""
    is_whole: bool = False
    """Whether the run was closed; else it ended in the middle."""
    chats: list[Any] = field(default_factory=list)
    """How the save stood at the end of a whole one."""
    entries: dict[int, str] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    """Inputs that raised."""
    said: dict[int, int] = field(default_factory=dict)
    """Lines with the entry of the player's words."""
    begun: dict[str, bool] = field(default_factory=dict)
    clock: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    rounds: dict[str, deque[list[int]]] = field(default_factory=lambda: defaultdict(deque))
    met: dict[tuple[str, str], deque[Any]] = field(default_factory=lambda: defaultdict(deque))
    """What an actor found, by kind."""
    acts: dict[int, list[tuple[int, Item]]] = field(default_factory=lambda: defaultdict(list))
    """What became of actions, by line; 0 for what was taken back."""
    reloads: dict[str, Changes] = field(default_factory=dict)
    """Files that had changed when an input read them again."""
    unloaded: Counter[str] = field(default_factory=Counter)
    closing: dict[str, int] = field(default_factory=dict)
    """At which look an actor found that closing had begun."""
    told: dict[tuple[str, int], tuple[int, str]] = field(default_factory=dict)
    """When the turn of a handle was told to end: at which look, and why."""
    plans: dict[str, deque[tuple[int, Item]]] = field(default_factory=lambda: defaultdict(deque))
    replies: dict[str, deque[tuple[int, Item]]] = field(default_factory=lambda: defaultdict(deque))
    scores: dict[str, deque[tuple[int, Item]]] = field(default_factory=lambda: defaultdict(deque))

    @property
    def num_turns(self) -> int:
        """Lines that ended."""
        return sum(row["k"] == "ended" for _, row in self.steps)


def read_recording(path: Path) -> Recording:
    """Read a recording; what a killed process left of its last line is passed over.

    Raises:
        RecordingError: It cannot be read, is none, is damaged, or a later version wrote it.
    """
    rows, _ = read_rows(path)
    recording = Recording(path, rows[0])
    for number, row in enumerate(rows[1:], start=2):
        try:
            _take(recording, number, row)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise RecordingError(
                str(path),
                number,
                f'a row "{row["k"]}" that lacks something ({error})',
                "a row as a recorder writes it",
                "the recording was changed or damaged",
            ) from error
    return recording


def _take(recording: Recording, number: int, row: Item) -> None:
    """Put one row where it is looked for; kinds that are not known are passed over."""
    kind = row["k"]
    if kind in STEPS:
        recording.steps.append((number, _checked_step(row)))
    elif kind == "order":
        recording.order += [(str(actor), int(count)) for actor, count in row["of"]]
    elif kind == "entry":
        recording.entries[row["id"]] = row["digest"]
    elif kind in ("plan", "reply", "score"):
        _take_asked(recording, number, row)
    elif kind == "act":
        recording.acts[row["line"]].append((number, row))
    elif kind == "seen":
        _take_seen(recording, row)
    elif kind == "end":
        recording.is_whole, recording.chats = True, row["chats"]
    else:
        _take_mark(recording, row)


def _take_mark(recording: Recording, row: Item) -> None:
    kind = row["k"]
    if kind == "model":
        recording.model = row
    elif kind == "refused":
        recording.refused.add(row["n"])
    elif kind == "said":
        recording.said[row["line"]] = row["entry"]
    elif kind == "begin":
        recording.begun[row["of"]] = row["begun"]
    elif kind == "files":
        recording.reloads[row["of"]] = {
            str(name): (before, after) for name, (before, after) in row["files"].items()
        }
    elif kind == "closing":
        recording.closing[row["of"]] = row["look"]
    elif kind == "told":
        recording.told[row["of"], row["handle"]] = row["look"], row["why"]


def _take_asked(recording: Recording, number: int, row: Item) -> None:
    if row["k"] == "plan":
        recording.plans[row["of"]].append((number, row))
    elif row["k"] == "reply":
        recording.replies[row["id"]].append((number, row))
    else:
        recording.scores[row["id"]].append((number, row))


def _take_seen(recording: Recording, row: Item) -> None:
    actor = row["of"]
    recording.clock[actor].extend(row["clock"])
    recording.unloaded[actor] += row.get("unloaded", 0)
    recording.rounds[actor].extend(row.get("rounds", ()))
    for what, values in row.get("met", {}).items():
        recording.met[actor, what].extend(values)


def _checked_step(row: Item) -> Item:
    """The row, if it has what a replay reads of it."""
    wanted: Mapping[str, tuple[str, ...]] = {
        "input": ("n", "thread", "to", "do", "with"),
        "met": ("npc", "chat", "thread"),
        "ended": ("line", "npc", "text", "reason", "rung", "entry", "detail"),
    }
    for name in wanted[row["k"]]:
        row[name]
    if row["k"] == "input":
        args, options = row["with"]
        if not isinstance(args, list) or not isinstance(options, dict) or not row["to"]:
            raise ValueError("with")
    return row
