"""What a replay found: how many turns were equal, and where the first difference is."""

import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

DifferenceKind = Literal[
    "prompt", "reply", "line", "entry", "order", "save", "tokens", "input", "action"
]


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that came out otherwise than it was recorded."""

    kind: DifferenceKind
    at: int
    """Line of the recording; sorts differences by when they came."""
    line_id: int
    """Of which line of the player; 0 where it belongs to none."""
    npc: str
    what: str
    """For people: what was recorded and what came."""
    sections: tuple[str, ...] = ()
    """Sections of the prompt that differ, in the order of the prompt."""


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """The outcome of a replay."""

    recording: str
    turns: int
    """Lines that ended, in the recording."""
    replayed: int
    """Lines that ended again."""
    is_whole: bool
    """Whether the recording has its end; a killed process leaves one without."""
    changed_files: tuple[str, ...]
    """Files that are not what they were when the run began, by their names in the project."""
    differences: tuple[Difference, ...]
    """The first one of each line, in the order of the recording."""
    again: str = ""
    """The model that wrote once more; empty where none did."""

    @property
    def is_equal(self) -> bool:
        """Whether nothing differed."""
        return not self.differences and self.replayed == self.turns

    @property
    def exit_code(self) -> int:
        """0 where everything was equal, 1 where something differed."""
        return 0 if self.is_equal else 1


class Differences:
    """Collects the first difference of each actor. Safe from any thread."""

    def __init__(self) -> None:
        """None yet."""
        self._lock = threading.Lock()
        self._found: dict[str, Difference] = {}
        self.is_closed = False
        """Whether what comes now does not count any more, as the recording is over."""

    def add(self, actor: str, difference: Difference) -> None:
        """Keep a difference, unless the actor had one before."""
        with self._lock:
            if not self.is_closed:
                self._found.setdefault(actor, difference)

    def sorted(self) -> tuple[Difference, ...]:
        """All of them, the first first; what cannot be placed comes last."""
        with self._lock:
            found = tuple(self._found.values())
        return tuple(sorted(found, key=lambda one: (one.at or 1 << 60, one.line_id)))


def replay_text(report: ReplayReport) -> str:
    """What a person reads."""
    rows = [f"{report.recording}: {report.replayed} of {report.turns} turns replayed"]
    if not report.is_whole:
        rows.append("the recording has no end: the game was killed, or is still running")
    if report.again:
        rows.append(f"{report.again} wrote every reply again")
    rows += [f"changed since: {name}" for name in report.changed_files]
    if report.is_equal:
        rows.append("everything was equal")
        return "\n".join(rows)
    if not report.differences:
        rows.append("some turns did not come to their end")
        return "\n".join(rows)
    first = report.differences[0]
    rows.append(f"first difference: {_where(first)}")
    rows.append(f"  {first.what}")
    if first.sections:
        rows.append(f"  sections of the prompt that differ: {', '.join(first.sections)}")
    others = len(report.differences) - 1
    if others:
        rows.append(f"and {others} more, first {_where(report.differences[1])}")
    return "\n".join(rows)


def replay_json(report: ReplayReport) -> str:
    """The stable machine-readable form (docs/replay.md)."""
    data = {**asdict(report), "is_equal": report.is_equal}
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def changed(before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Names whose digests differ, or that only one side has; in the order of the first."""
    old, new = dict(before), dict(after)
    names = dict.fromkeys([*old, *new])
    return tuple(name for name in names if old.get(name) != new.get(name))


def with_files(difference: Difference, files: Sequence[str]) -> Difference:
    """The difference, with the files named that may be why."""
    if not files or difference.kind != "prompt":
        return difference
    return replace(difference, what=f"{difference.what}; changed files: {', '.join(files)}")


def _where(difference: Difference) -> str:
    if not difference.line_id:
        return f"{difference.kind}, row {difference.at}" if difference.at else difference.kind
    return f"line {difference.line_id}, {difference.npc}, {difference.kind} (row {difference.at})"
