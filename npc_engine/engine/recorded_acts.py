"""What became of actions, as a recording keeps it and a replay compares it."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from npc_engine.engine.recording_file import Item, as_plain
from npc_engine.events import (
    ActionDropped,
    ActionEnded,
    ActionHeld,
    ActionProposed,
)

ACTS = (ActionProposed, ActionHeld, ActionEnded, ActionDropped)

Act = ActionProposed | ActionHeld | ActionEnded | ActionDropped


def act_row(event: Act) -> Item:
    """The row of one event."""
    row: dict[str, Any] = {
        "k": "act",
        "what": type(event).__name__,
        "line": event.line_id,
        "npc": event.npc,
        "action": event.action,
    }
    if isinstance(event, ActionDropped):
        return row | {"reason": event.reason, "detail": event.detail}
    row["call"] = event.call_id
    if isinstance(event, ActionEnded):
        return row | {"outcome": event.outcome, "result": event.result, "detail": event.detail}
    return row | {"arguments": dict(event.arguments)}


class ActsCompared:
    """The recorded rows, each taken by the event that equals it. Safe from any thread."""

    def __init__(self, recorded: Mapping[int, Sequence[tuple[int, Item]]]) -> None:
        """Nothing came again yet; rows stand by line with their place in the recording."""
        self._lock = threading.Lock()
        self._left = {line_id: list(rows) for line_id, rows in recorded.items()}

    def take(self, event: Act) -> tuple[int, str] | None:
        """None where an equal row was left; else the row it differs from, and how."""
        now = as_plain(dict(act_row(event)))
        with self._lock:
            left = self._left.get(event.line_id, [])
            for place, (_, row) in enumerate(left):
                if row == now:
                    del left[place]
                    return None
            same = [row for row in left if _about(row[1]) == _about(now)]
        if not same:
            return 0, f"{now['what']} of {event.action}, which did not come then"
        at, then = same[0]
        name = next(name for name in now if now[name] != then.get(name))
        was = f"{name}: recorded {then.get(name)!r}, now {now[name]!r}"
        return at, f"{now['what']} of {event.action}: {was}"

    def left(self) -> list[tuple[int, Item]]:
        """What did not come again, in the order of the recording; what was taken back aside."""
        with self._lock:
            rows = [row for line_id, rows in self._left.items() if line_id for row in rows]
        return sorted(rows, key=lambda row: row[0])


def _about(row: Item) -> tuple[str, str]:
    return row["what"], row["action"]
