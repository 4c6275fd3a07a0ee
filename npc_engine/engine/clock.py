"""The computer's own time."""

import time


class SystemClock:
    """The clock used unless a caller passes another one."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()
