"""When a model worker counts as dead, and how often it is started again."""

from dataclasses import dataclass

from npc_engine.model.worker.requests import MAX_READ_AGAIN, MAX_REQUESTS


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a worker may be silent, and how often it may die."""

    tick_s: float = 0.1
    silence_s: float = 1.0
    """Without any sign of life, once it is ready."""
    loading_silence_s: float = 30.0
    """The same while it loads."""
    stuck_s: float = 60.0
    """Alive, with requests to answer, and without any progress."""
    max_crashes: int = 3
    """Ends in a row without one answered request."""
    rest_s: float = 10.0
    """Pause after so many."""
    close_s: float = 2.0
    """How long closing waits before it uses force."""
    max_requests: int = MAX_REQUESTS
    max_read_again: int = MAX_READ_AGAIN

    def ticks(self, seconds: float) -> int:
        """So many ticks; at least one."""
        return max(1, round(seconds / self.tick_s))
