"""What one NPC has done and is about to do on a path.

For cooldowns, and so that nothing is done twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from npc_engine.memory.entries import ActionCalled, ActionSettled, Entry, LineSaid


@dataclass(frozen=True, slots=True)
class Act:
    """One call of an action, and what became of it."""

    called: ActionCalled
    settled: ActionSettled | None
    """None while the game has not answered, or the player has not agreed."""
    at: float
    """Unix seconds when it was settled, or else when it was called for."""


class ActBook:
    """The acts of one NPC, fed with the entries of a path."""

    def __init__(self, npc: str) -> None:
        """Nothing was done yet."""
        self._npc = npc
        self._acts: dict[str, Act] = {}
        self._last_done: dict[str, float] = {}
        self._held: dict[str, ActionCalled] = {}
        self._passed: dict[str, ActionCalled] = {}

    @property
    def last_done(self) -> Mapping[str, float]:
        """When each action was done last, in Unix seconds."""
        return self._last_done

    @property
    def held(self) -> tuple[ActionCalled, ...]:
        """Calls that the player's next line may agree to, oldest first."""
        return tuple(self._held.values())

    @property
    def passed(self) -> tuple[ActionCalled, ...]:
        """Calls that were held, and that the player has spoken past; they are still open."""
        return tuple(self._passed.values())

    def note(self, entry: Entry) -> None:
        """Take in the next entry of the path."""
        happened = entry.payload
        if isinstance(happened, LineSaid):
            if happened.role == "player" and happened.to in ("", self._npc):
                self._passed.update(self._held)
                self._held.clear()
        elif isinstance(happened, ActionCalled) and happened.npc == self._npc:
            self._call(happened, entry.at)
        elif isinstance(happened, ActionSettled) and happened.call_id in self._acts:
            called = self._acts[happened.call_id].called
            self._acts[happened.call_id] = Act(called, happened, entry.at)
            self._let_go(happened.call_id)
            if happened.outcome == "done":
                self._last_done[called.action] = entry.at

    def _call(self, called: ActionCalled, at: float) -> None:
        self._acts[called.call_id] = Act(called, None, at)
        self._let_go(called.held_as)
        if called.waits_for_yes:
            self._held[called.call_id] = called

    def _let_go(self, call_id: str) -> None:
        self._held.pop(call_id, None)
        self._passed.pop(call_id, None)


def acts_in(entries: Sequence[Entry]) -> tuple[Act, ...]:
    """All calls among some entries, of whichever NPC, with what became of them there."""
    return tuple(_acts(entries))


def _acts(entries: Sequence[Entry]) -> Iterator[Act]:
    ends = {
        entry.payload.call_id: entry
        for entry in entries
        if isinstance(entry.payload, ActionSettled)
    }
    for entry in entries:
        called = entry.payload
        if isinstance(called, ActionCalled):
            end = ends.get(called.call_id)
            settled = end.payload if end is not None else None
            at = entry.at if end is None else end.at
            yield Act(called, settled if isinstance(settled, ActionSettled) else None, at)
