"""Threads that work off lanes of jobs: one lane in its order, different lanes at the same time."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable

_log = logging.getLogger(__name__)

_IDLE_S = 10.0
"""A thread without work ends after this time; one always stays."""

_LOOK_S = 0.05
"""How often jobs that have to wait are looked at: they may have become urgent."""
_KEPT_SHARE = 8
"""One thread in so many is kept for jobs that a player waits for."""

Job = Callable[[], None]
Urgency = tuple[float, float, float]
"""Lower is sooner. A first number of 1 or more: nobody plays with it, so a thread may be kept."""

_AT_ONCE: Urgency = (-1.0, 0.0, 0.0)


def _at_once() -> Urgency:
    return _AT_ONCE


class Lanes:
    """Runs jobs by lane. A job that raises is logged and does not end its thread.

    One thread is always spare, so `submit` never has to start one. When `max_threads` jobs run,
    the most urgent lane gets the next free thread, for one job; of equally urgent ones that which
    has waited longest.
    """

    def __init__(self, name: str, max_threads: int = 64) -> None:
        """Start the first thread; no thread keeps the process alive by itself."""
        self._name = name
        self._max_threads = max_threads
        self._condition = threading.Condition()
        self._max_patient = max_threads - max_threads // _KEPT_SHARE
        self._jobs: dict[Hashable, deque[tuple[Job, Callable[[], Urgency]]]] = {}
        self._ready: list[Hashable] = []
        self._patient: set[Hashable] = set()
        self._threads: set[threading.Thread] = set()
        self._num_started = 0
        self._num_idle = 0
        self._closing = False
        self._start_spare()

    def submit(self, lane: Hashable, job: Job, urgency: Callable[[], Urgency] = _at_once) -> bool:
        """Queue a job behind those of its lane; returns at once, and False after `close`.

        Args:
            lane: Whose job.
            job: What to do.
            urgency: Asked each time a thread is free.
        """
        with self._condition:
            if self._closing:
                return False
            if lane in self._jobs:
                self._jobs[lane].append((job, urgency))
            else:
                self._jobs[lane] = deque(((job, urgency),))
                self._ready.append(lane)
                self._condition.notify()
            return True

    def close(self, timeout_s: float) -> bool:
        """Take no more jobs and run what is queued; False if some still run after the time."""
        end = time.monotonic() + timeout_s
        with self._condition:
            self._closing = True
            self._condition.notify_all()
            return self._condition.wait_for(
                lambda: not self._threads, max(0.0, end - time.monotonic())
            )

    # -- on the threads -----------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while (lane := self._next_lane()) is not None:
                self._start_spare()
                try:
                    self._jobs[lane][0][0]()
                except Exception:  # noqa: BLE001  the outer edge of a thread: one bad job must not end it
                    _log.exception("a job of thread %s failed", threading.current_thread().name)
                self._job_is_over(lane)
        finally:
            with self._condition:
                self._threads.discard(threading.current_thread())
                self._condition.notify_all()

    def _next_lane(self) -> Hashable | None:
        """The lane to work on next; None when this thread is not needed any more."""
        with self._condition:
            while (lane := self._most_urgent()) is None:
                if self._closing and not self._ready:
                    return None
                self._num_idle += 1
                woken = self._condition.wait(_LOOK_S if self._ready else _IDLE_S)
                self._num_idle -= 1
                if not woken and not self._ready and self._num_idle:
                    return None
            return lane

    def _most_urgent(self) -> Hashable | None:
        """Take the next lane off those that are ready; None where all of them have to wait."""
        best: tuple[Urgency, int] | None = None
        may_be_patient = len(self._patient) < self._max_patient
        for place, lane in enumerate(self._ready):
            urgency = self._jobs[lane][0][1]()
            if (urgency[0] < 1 or may_be_patient) and (best is None or (urgency, place) < best):
                best = (urgency, place)
        if best is None:
            return None
        lane = self._ready.pop(best[1])
        if best[0][0] >= 1:
            self._patient.add(lane)
        return lane

    def _job_is_over(self, lane: Hashable) -> None:
        with self._condition:
            jobs = self._jobs[lane]
            jobs.popleft()
            self._patient.discard(lane)
            if jobs:
                self._ready.append(lane)
            else:
                del self._jobs[lane]
            if self._ready:
                self._condition.notify()

    def _start_spare(self) -> None:
        """Start a thread unless one waits for work or there are enough."""
        with self._condition:
            unneeded = self._closing and not self._ready
            if self._num_idle or unneeded or len(self._threads) >= self._max_threads:
                return
            self._num_started += 1
            name = f"{self._name}-{self._num_started}"
            thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:
            _log.exception("thread %s could not be started", name)
            with self._condition:
                self._threads.discard(thread)
                self._condition.notify_all()
