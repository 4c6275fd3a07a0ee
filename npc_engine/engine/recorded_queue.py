"""The queue in which several replies come together; a recording keeps in which order."""

from queue import Empty, SimpleQueue
from typing import Any


class RecordedQueue(SimpleQueue[Any]):
    """What comes of several replies at once; notes from which of them, -1 for nothing in time."""

    arrivals: list[int]

    def __new__(cls, _arrivals: list[int]) -> "RecordedQueue":
        """As every queue."""
        return super().__new__(cls)

    def __init__(self, arrivals: list[int]) -> None:
        """Nothing came yet; `arrivals` takes what is noted."""
        super().__init__()
        self.arrivals = arrivals

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: ANN401 - as in the standard library
        """What came next."""
        try:
            came = super().get(block, timeout)
        except Empty:
            self.arrivals.append(-1)
            raise
        self.arrivals.append(came[0])
        return came
