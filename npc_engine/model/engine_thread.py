"""The one thread that runs the model, a step at a time, most urgent request first.

Everything that touches the model or a cache happens here; other threads hand in jobs and set
flags. An error in one job ends that job, never the thread.
"""

import logging
import threading
from collections.abc import Callable, Mapping

import torch

from npc_engine.model.conversations import Conversations
from npc_engine.model.generation import Job, Limits, run
from npc_engine.model.runner import Runner

logger = logging.getLogger(__name__)


class EngineThread:
    """Runs jobs until it is closed. All public methods may be called from any thread."""

    def __init__(
        self, runner: Runner, limits: Limits, *, cache_bytes: int, threads: int | None
    ) -> None:
        """Start the thread.

        Args:
            runner: The model; used by this thread alone from now on.
            limits: Window, chunk size, ids that end a reply.
            cache_bytes: Memory for the caches of conversations that are not being served.
            threads: Threads of one tensor operation; None leaves torch's setting.
        """
        self._runner = runner
        self._limits = limits
        self._conversations = Conversations(runner, cache_bytes)
        self._threads = threads
        self._wake = threading.Condition()
        self._jobs: list[Job] = []
        self._tasks: list[Callable[[], None]] = []
        self._closing = False
        self._counters = dict.fromkeys(
            ("requests", "prompt_tokens", "prefilled_tokens", "reused_tokens", "reply_tokens"), 0.0
        )
        self._gauges = self._measured()
        self._thread = threading.Thread(target=self._loop, name="npc-model", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue a job; after `close` it ends as cancelled at once."""
        with self._wake:
            if not job.warm_only:
                self._counters["requests"] += 1
            if self._closing:
                job.end("cancelled")
                return
            if any(other.request.request_id == job.request.request_id for other in self._jobs):
                job.end("failed", f"request {job.request.request_id!r} is already running")
                return
            for other in self._jobs:
                if other.warm_only and other.request.conversation == job.request.conversation:
                    other.cancelled.set()
            self._jobs.append(job)
            self._wake.notify()

    def cancel(self, request_id: str) -> None:
        """End a job at its next step."""
        with self._wake:
            for job in self._jobs:
                if job.request.request_id == request_id:
                    job.cancelled.set()
            self._wake.notify()

    def cancel_job(self, job: Job) -> None:
        """End this very job, whatever others are called."""
        with self._wake:
            job.cancelled.set()
            self._wake.notify()

    def forget(self, conversation: str) -> None:
        """Drop a conversation's cache, also the one that is being used once it is free."""
        with self._wake:
            for job in self._jobs:
                if job.request.conversation == conversation:
                    job.forgotten = True
                    if job.warm_only:
                        job.cancelled.set()
            self._tasks.append(lambda: self._conversations.forget(conversation))
            self._wake.notify()

    def stats(self) -> Mapping[str, float]:
        """Counters since start, and what is held now."""
        with self._wake:
            return {
                **self._counters,
                "forwards": float(self._runner.num_forwards),
                "live_requests": float(len(self._jobs)),
                **self._gauges,
            }

    def close(self) -> None:
        """End all jobs as cancelled and wait for the thread. May be repeated."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _loop(self) -> None:
        if self._threads is not None:
            torch.set_num_threads(self._threads)
        while True:
            with self._wake:
                while not (self._jobs or self._tasks or self._closing):
                    self._wake.wait()
                closing = self._closing
                jobs, tasks = tuple(self._jobs), tuple(self._tasks)
                self._tasks.clear()
            for task in tasks:
                task()
            live = [job for job in jobs if not (closing or job.cancelled.is_set())]
            for job in jobs:
                if job not in live:
                    self._finish(job, "")
            if live:
                self._step(min(live, key=lambda job: job.urgency))
            if closing:
                self._conversations.clear()
            with self._wake:
                self._gauges = self._measured()
            if closing:
                return

    def _measured(self) -> dict[str, float]:
        """What the idle caches hold; only this thread may look."""
        return {
            "conversations": float(len(self._conversations)),
            "cache_bytes": float(self._conversations.num_bytes),
            "evictions": float(self._conversations.num_evicted),
        }

    def _step(self, job: Job) -> None:
        """One step of one job."""
        if job.steps is None:
            job.steps = run(job, self._runner, self._conversations, self._limits)
        try:
            next(job.steps)
        except StopIteration:
            self._finish(job, "")
        except torch.OutOfMemoryError as error:
            logger.exception("out of memory in request %s", job.request.request_id)
            self._conversations.clear()
            self._finish(job, f"out of memory: {error}")
        except Exception as error:
            logger.exception("request %s failed", job.request.request_id)
            self._finish(job, str(error) or type(error).__name__)

    def _finish(self, job: Job, error: str) -> None:
        """Put the cache back, count, and send the final event."""
        close = getattr(job.steps, "close", None)
        if close is not None:
            close()
        usage = job.usage()
        with self._wake:
            self._jobs.remove(job)
            self._counters["prompt_tokens"] += usage.prompt_tokens
            self._counters["prefilled_tokens"] += usage.prefilled_tokens
            self._counters["reused_tokens"] += usage.reused_tokens
            self._counters["reply_tokens"] += usage.reply_tokens
        job.end("failed" if error else job.ending, error)
