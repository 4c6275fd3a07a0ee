"""A clock that tells a recording what it answered."""

from collections.abc import Callable

from npc_engine.protocols import Clock


class RecordedClock:
    """A clock whose answers are noted."""

    def __init__(self, clock: Clock, note: Callable[[float], None]) -> None:
        """Answer as `clock` does, and tell `note`."""
        self._clock = clock
        self._note = note

    def now(self) -> float:
        """Unix seconds."""
        value = self._clock.now()
        self._note(value)
        return value

    def monotonic(self) -> float:
        """Seconds that never go back."""
        value = self._clock.monotonic()
        self._note(value)
        return value
