"""The lines that have not ended for their listeners: how many there may be, who makes room."""

import threading
from collections.abc import Callable

from npc_engine.engine.line import Line
from npc_engine.errors import CommandError
from npc_engine.messages import Priority

MAX_LINES = 256
"""How many lines may be open at once; a game with more has forgotten to look at them."""
_REFUSED_PER_LINE = 4
"""So many refused lines may wait to be delivered, for each that may be open."""

RANK: dict[Priority, int] = {"player": 0, "ambient": 1, "background": 2}
"""Lower is served first."""

_RAISE_AFTER_S = 10.0
"""A line that has waited so long rises by one class, though never to the player's."""


class OpenLines:
    """Keeps count of lines. A line that is delivered as ended leaves. Safe from any thread."""

    def __init__(self, max_lines: int = MAX_LINES) -> None:
        """No line is open.

        Raises:
            CommandError: `max_lines` is below 1.
        """
        if max_lines < 1:
            raise CommandError(f"max_lines: found {max_lines}; expected 1 or more")
        self._max_lines = max_lines
        self._lock = threading.Lock()
        self._open: dict[int, Line] = {}
        self._waiting: dict[int, Line] = {}
        self._refused: dict[int, Line] = {}
        self._limited: dict[int, Line] = {}
        self._patient: dict[int, Line] = {}
        self._count = 0

    def __len__(self) -> int:
        """How many are open, without those that were refused."""
        return len(self._open)

    @property
    def num_waiting(self) -> int:
        """How many wait for their turn to begin."""
        return len(self._waiting)

    def add(self, make: Callable[[int], Line]) -> Line:
        """Make a line with a number of its own.

        Raises:
            CommandError: Too many refused lines wait to be delivered: nobody ticks.
        """
        with self._lock:
            if len(self._refused) >= _REFUSED_PER_LINE * self._max_lines:
                raise CommandError(
                    f"say: found {len(self._refused)} refused lines that nobody was told of; "
                    "call engine.tick once a frame"
                )
            self._count += 1
            line = make(self._count)
            self._refused[line.id] = line
            return line

    def admit(self, line: Line) -> Line | None:
        """Let a line wait for its turn.

        Returns:
            None where there was room; else the line that has to end: this one or, where the player
            speaks, one that waits and that nobody asked for.
        """
        with self._lock:
            victim = None
            if len(self._open) >= self._max_lines:
                victim = self._least_wanted(line)
                if victim is None:
                    return line
                self._refuse(victim)
            self._put_in(line)
            return victim

    def put_in(self, line: Line) -> None:
        """Let a line wait that was admitted; one that waits already goes on doing so."""
        with self._lock:
            if line.id in self._refused:
                self._put_in(line)

    def left_out(self, line_id: int) -> Line | None:
        """A line whose turn will never begin, now among those that were refused."""
        with self._lock:
            if (line := self._open.get(line_id)) is not None:
                self._refuse(line)
            return self._refused.get(line_id)

    def begin(self, line: Line) -> bool:
        """The turn of a line begins; False when it was ended while it waited."""
        with self._lock:
            return self._waiting.pop(line.id, None) is not None

    def take_out(self, line: Line) -> bool:
        """End the waiting of a line whose turn has not begun; False if it has."""
        with self._lock:
            if line.id not in self._waiting:
                return False
            self._refuse(line)
            return True

    def delivered(self, line_id: int, *, is_over: bool) -> Line | None:
        """The line of an event that is delivered; it leaves when it is over."""
        with self._lock:
            line = self._open.get(line_id) or self._refused.get(line_id)
            if is_over:
                for lines in (self._open, self._refused, self._limited, self._patient):
                    lines.pop(line_id, None)
                self._waiting.pop(line_id, None)
            return line

    def all(self) -> tuple[Line, ...]:
        """Every open line."""
        with self._lock:
            return tuple(self._open.values())

    def expire(self, now: float) -> None:
        """End what is overdue; `now` is in monotonic seconds."""
        if not self._limited:
            return
        with self._lock:
            limited = tuple(self._limited.values())
        for line in limited:
            line.expire(now)

    def raise_patient(self, now: float) -> None:
        """Let background lines that have waited long for their first text be served sooner."""
        if not self._patient:
            return
        with self._lock:
            late = [
                line
                for line in self._patient.values()
                if line.first_text_at is not None or now - line.handed_in_at >= _RAISE_AFTER_S
            ]
            for line in late:
                del self._patient[line.id]
        for line in late:
            if line.first_text_at is None:
                line.serve_as("ambient")

    def _least_wanted(self, line: Line) -> Line | None:
        """Of the lines that wait, the newest of the lowest class, for a line of the player."""
        if line.priority != "player":
            return None
        others = [waits for waits in self._waiting.values() if waits.priority != "player"]
        return max(others, key=lambda waits: (RANK[waits.priority], waits.id), default=None)

    def _put_in(self, line: Line) -> None:
        del self._refused[line.id]
        self._open[line.id] = self._waiting[line.id] = line
        if line.deadline is not None or line.first_deadline is not None:
            self._limited[line.id] = line
        if line.priority == "background":
            self._patient[line.id] = line

    def _refuse(self, line: Line) -> None:
        for lines in (self._waiting, self._open, self._limited, self._patient):
            lines.pop(line.id, None)
        self._refused[line.id] = line
