"""The one thread behind a remote session: an event loop with a bounded number of open requests.

Knows no HTTP: what serving a request means is passed in. Waiting costs no thread, and cancelling a
request interrupts whatever it is waiting for.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from npc_engine.messages import Priority
from npc_engine.model.remote.faults import ServerFault
from npc_engine.model.remote.job import RemoteJob

logger = logging.getLogger(__name__)

DEFAULT_OPEN_REQUESTS = 8


class RequestLoop:
    """Serves requests until it is closed. All public methods may be called from any thread."""

    def __init__(
        self,
        serve: Callable[[RemoteJob], Awaitable[None]],
        shut: Callable[[], Awaitable[None]],
        *,
        open_requests: int = DEFAULT_OPEN_REQUESTS,
    ) -> None:
        """Start the thread.

        Args:
            serve: Runs one request and sets its ending; raises `ServerFault` when it fails.
            shut: Called once at the end, on the thread of the loop.
            open_requests: How many are served at the same time; the rest waits, most urgent first.
        """
        self._serve = serve
        self._shut = shut
        self._places = _Places(open_requests)
        self._lock = threading.Lock()
        self._jobs: dict[str, RemoteJob] = {}
        self._tasks: dict[RemoteJob, asyncio.Task[None]] = {}
        self._closing = False
        self._counters = dict.fromkeys(
            ("requests", "prompt_tokens", "prefilled_tokens", "reused_tokens", "reply_tokens"), 0.0
        )
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="npc-remote", daemon=True)
        self._thread.start()

    def submit(self, job: RemoteJob) -> None:
        """Queue a job; after `close` it ends as cancelled at once."""
        with self._lock:
            self._counters["requests"] += 1
            if self._closing:
                job.end()
            elif job.request.request_id in self._jobs:
                job.ending = "failed"
                job.error = f"request {job.request.request_id!r} is already running"
                job.end()
            else:
                self._jobs[job.request.request_id] = job
                self._loop.call_soon_threadsafe(self._start, job)

    def cancel(self, request_id: str) -> None:
        """End a request wherever it is; unknown ids are ignored."""
        with self._lock:
            job = self._jobs.get(request_id)
            if job is not None and not self._closing:
                self._loop.call_soon_threadsafe(self._cancel, job)

    def cancel_job(self, job: RemoteJob) -> None:
        """End this very request, whatever others are called."""
        with self._lock:
            if self._jobs.get(job.request.request_id) is job and not self._closing:
                self._loop.call_soon_threadsafe(self._cancel, job)

    def reprioritise(self, request_id: str, priority: Priority) -> None:
        """Serve a waiting request sooner or later; unknown ids are ignored."""
        with self._lock:
            job = self._jobs.get(request_id)
            if job is not None:
                job.priority = priority

    def stats(self) -> Mapping[str, float]:
        """Counters since start."""
        with self._lock:
            return {**self._counters, "live_requests": float(len(self._jobs))}

    def close(self) -> None:
        """End all requests as cancelled and wait for the thread. May be repeated."""
        with self._lock:
            if not self._closing:
                self._closing = True
                self._loop.call_soon_threadsafe(self._stop.set)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        """The thread."""
        try:
            self._loop.run_until_complete(self._until_closed())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()

    async def _until_closed(self) -> None:
        await self._stop.wait()
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._shut()

    def _start(self, job: RemoteJob) -> None:
        task = self._loop.create_task(self._job(job))
        self._tasks[job] = task
        # A task that is cancelled before its first step never enters its own `try`.
        task.add_done_callback(partial(self._finish, job))

    def _cancel(self, job: RemoteJob) -> None:
        task = self._tasks.get(job)
        if task is not None:
            task.cancel()

    async def _job(self, job: RemoteJob) -> None:
        """Wait for a place, then serve; all within the request's deadline."""
        late_at = None if job.request.deadline_s is None else job.late_at
        try:
            async with asyncio.timeout_at(late_at) as deadline, self._places.one(job):
                await self._serve(job)
        except TimeoutError:
            if not deadline.expired():
                raise

    def _finish(self, job: RemoteJob, task: asyncio.Task[None]) -> None:
        """Count, and send the final event."""
        del self._tasks[job]
        error = None if task.cancelled() else task.exception()
        if isinstance(error, ServerFault):
            job.ending, job.error = "failed", str(error)
        elif error is not None:
            logger.error("request %s failed", job.request.request_id, exc_info=error)
            job.ending, job.error = "failed", str(error) or type(error).__name__
        usage = job.usage()
        with self._lock:
            del self._jobs[job.request.request_id]
            self._counters["prompt_tokens"] += usage.prompt_tokens
            self._counters["prefilled_tokens"] += usage.prefilled_tokens
            self._counters["reused_tokens"] += usage.reused_tokens
            self._counters["reply_tokens"] += usage.reply_tokens
        job.end()


class _Places:
    """A counted number of places, given to whoever is most urgent when one becomes free."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: dict[RemoteJob, asyncio.Future[None]] = {}

    def one(self, job: RemoteJob) -> "_Place":
        return _Place(self, job)

    async def take(self, job: RemoteJob) -> None:
        if self._free > 0:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting[job] = turn
        try:
            await turn
        except asyncio.CancelledError:
            if self._waiting.pop(job, None) is None:
                self.give_back()
            raise

    def give_back(self) -> None:
        # One that was cancelled a moment ago still stands here.
        waiting = [job for job, turn in self._waiting.items() if not turn.done()]
        if not waiting:
            self._free += 1
            return
        self._waiting.pop(min(waiting, key=lambda job: job.urgency)).set_result(None)


class _Place:
    """One place, for the length of a block."""

    def __init__(self, places: _Places, job: RemoteJob) -> None:
        self._places = places
        self._job = job

    async def __aenter__(self) -> None:
        await self._places.take(self._job)

    async def __aexit__(self, *_: object) -> None:
        self._places.give_back()
