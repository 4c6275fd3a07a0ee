"""The queue in which several replies come together, in the order of the recorded run."""

import time
from collections import deque
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from typing import Any

_PATIENCE_S = 5.0
"""So long what came then is waited for; recorded replies come at once."""


class ReplayedQueue(SimpleQueue[Any]):
    """Gives what came from which candidate in the recorded order, or nothing in time."""

    def __new__(cls, _arrivals: Sequence[int]) -> "ReplayedQueue":
        """As every queue."""
        return super().__new__(cls)

    def __init__(self, arrivals: Sequence[int]) -> None:
        """Nothing came yet.

        Args:
            arrivals: From which candidate something came each time, -1 where nothing did in time.
        """
        super().__init__()
        self._arrivals = deque(arrivals)
        self._waiting: dict[int, deque[Any]] = {}

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: ANN401 - as in the standard library
        """What came next; without a recorded order, whatever comes."""
        if not self._arrivals:
            return self._any(block, timeout)
        wanted = self._arrivals.popleft()
        if wanted < 0:
            raise Empty
        end = time.monotonic() + _PATIENCE_S
        while not self._waiting.get(wanted):
            try:
                came = super().get(timeout=max(0.0, end - time.monotonic()))
            except Empty:
                self._arrivals.clear()
                return self._any(block, timeout)
            self._waiting.setdefault(came[0], deque()).append(came)
        return self._waiting[wanted].popleft()

    def _any(self, block: bool, timeout: float | None) -> Any:  # noqa: ANN401 - as in the standard library
        for waiting in self._waiting.values():
            if waiting:
                return waiting.popleft()
        return super().get(block, timeout)
