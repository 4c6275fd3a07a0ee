"""Which lines may have a turn: the rest end at once, and cost nobody anything."""

from collections.abc import Callable
from typing import Any

from npc_engine.engine.journal import Journal
from npc_engine.engine.line import Line
from npc_engine.engine.open_lines import OpenLines
from npc_engine.events import Event, LineEnded
from npc_engine.messages import Reason, Usage

_WHY: dict[Reason, str] = {
    "too_far": "nobody is near enough to talk to",
    "busy": "the character is speaking",
    "queue_full": "too many lines wait",
    "superseded": "a newer line took its place",
    "cancelled": "the engine was closed",
}
"""Why a line has no turn, for people."""


class Admission:
    """Lets lines wait for their turn, or ends them. What was decided is found again in a replay."""

    def __init__(self, lines: OpenLines, post: Callable[[Event], None], journal: Journal) -> None:
        """Bind to the lines of an engine; `post` takes the ends of those that are refused."""
        self._lines = lines
        self._post = post
        self._journal = journal

    def admit(self, line: Line, why_refused: Callable[[], Reason | None]) -> bool:
        """Let a line wait for its turn, if need be in place of one that waits less urgently.

        Args:
            line: Which one.
            why_refused: Why it can have no turn, whatever else waits.
        """

        def find() -> list[Any]:
            if (reason := why_refused()) is not None:
                return [reason, 0]
            left_out = self._lines.admit(line)
            if left_out is line:
                return ["queue_full", 0]
            return ["", 0 if left_out is None else left_out.id]

        reason, left_out_id = self._journal.meet("admitted", find)
        if reason:
            self._refuse(line, reason)
            return False
        self._lines.put_in(line)
        self._leave_out(left_out_id, "queue_full")
        return True

    def supersede(self, replaced: Line | None) -> None:
        """End a line that waits for its turn, unless that has begun; a newer one came."""

        def find() -> int:
            return replaced.id if replaced is not None and self._lines.take_out(replaced) else 0

        self._leave_out(self._journal.meet("superseded", find), "superseded")

    def begin(self, line: Line) -> bool:
        """The turn of a line begins; False when it was left out while it waited."""
        return self._journal.meet("begun", lambda: self._lines.begin(line))

    def end_waiting(self, line: Line) -> None:
        """End a line that waits for its turn in an engine that was closed."""
        if self._lines.take_out(line):
            self._refuse(line, "cancelled")

    def _leave_out(self, line_id: int, reason: Reason) -> None:
        """End another line whose turn will never begin."""
        line = self._lines.left_out(line_id) if line_id else None
        if line is not None:
            self._refuse(line, reason)

    def _refuse(self, line: Line, reason: Reason) -> None:
        line.handle.end(reason)
        self._post(ended_unheard(line, reason, _WHY[reason]))


def ended_unheard(line: Line, reason: Reason, detail: str) -> LineEnded:
    """The end of a line to which nothing was said."""
    return LineEnded(line.id, line.npc, "", reason, "silence", None, Usage(), detail)
