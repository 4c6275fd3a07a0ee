"""A thread that works off jobs one after the other and can be stopped cleanly."""

import logging
import queue
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


class WorkThread:
    """Runs submitted jobs in order. A job that raises is logged and does not end the thread."""

    def __init__(self, name: str) -> None:
        """Start the thread; it never keeps the process alive by itself."""
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[], None]) -> None:
        """Queue a job; returns at once."""
        self._jobs.put(job)

    def close(self, timeout_s: float) -> bool:
        """Run what is queued, end the thread and wait; False if it is still busy after the time."""
        self._jobs.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:  # noqa: BLE001  the outer edge of a thread: one bad job must not end it
                _log.exception("a job of thread %s failed", threading.current_thread().name)
