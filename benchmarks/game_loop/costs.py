"""What one call costs the thread that makes it: time on the clock, on a core, and kept from one."""

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one call, in milliseconds."""

    wall_ms: float
    cpu_ms: float
    """On a core."""
    queued_ms: float = 0.0
    """Ready to run, while the system let others run: not the caller's doing. 0 where unknown."""

    @property
    def own_ms(self) -> float:
        """On a core, or waiting for a lock (the interpreter's included) of this process."""
        return max(0.0, self.wall_ms - self.queued_ms)

    @property
    def locked_ms(self) -> float:
        """Waiting for a lock of this process, the interpreter's included."""
        return max(0.0, self.wall_ms - self.cpu_ms - self.queued_ms)


class Meter:
    """Measures calls of the thread that made it, by name.

    How long a thread was ready to run but did not is told by Linux alone; elsewhere it counts as
    waiting for a lock.
    """

    def __init__(self) -> None:
        """Nothing was measured."""
        self.costs: defaultdict[str, list[Cost]] = defaultdict(list)
        queue = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._queue = os.open(queue, os.O_RDONLY) if queue.exists() else None

    def close(self) -> None:
        """Let go of the system's counters."""
        if self._queue is not None:
            os.close(self._queue)
            self._queue = None

    def call(self, name: str, function: Callable[[], R]) -> R:
        """Call, and note what it cost."""
        with self.span(name):
            return function()

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Note what the block costs."""
        queued, cpu, wall = self._queued_ns(), time.thread_time_ns(), time.perf_counter_ns()
        try:
            yield
        finally:
            wall = time.perf_counter_ns() - wall
            cpu = time.thread_time_ns() - cpu
            queued = self._queued_ns() - queued
            self.costs[name].append(Cost(wall / 1e6, cpu / 1e6, min(queued, wall) / 1e6))

    def _queued_ns(self) -> int:
        if self._queue is None:
            return 0
        return int(os.pread(self._queue, 64, 0).split()[1])
