"""The one thread that runs the model: a pass at a time, over everything that is being served.

Everything that touches the model or a row happens here; other threads hand in jobs and set flags.
An error in one job ends that job, never the thread.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from npc_engine.messages import Priority
from npc_engine.model.conversations import Conversations
from npc_engine.model.engine_faults import text_of
from npc_engine.model.generation import Job, Limits
from npc_engine.model.runner import Runner
from npc_engine.model.sampling import sample
from npc_engine.model.scheduling import PassLimits, choose
from npc_engine.model.score_job import ScoreJob
from npc_engine.protocols import FinalReason

logger = logging.getLogger(__name__)

_COUNTERS = ("requests", "prompt_tokens", "prefilled_tokens", "reused_tokens", "reply_tokens")
_LATE = "its deadline passed"
_BROKEN_SCORES = "the model's scores are not numbers; its weights may be damaged"


class EngineThread:
    """Runs jobs until it is closed. All public methods may be called from any thread."""

    def __init__(
        self,
        runner: Runner,
        limits: Limits,
        pass_limits: PassLimits,
        conversations: Conversations,
        *,
        threads: int | None,
    ) -> None:
        """Start the thread.

        Args:
            runner: The model; used by this thread alone from now on.
            limits: Window, and ids that end a reply.
            pass_limits: How much one pass may read.
            conversations: The rows of the runner's pool.
            threads: Threads of one tensor operation; None leaves torch's setting.
        """
        self._runner = runner
        self._limits = limits
        self._pass_limits = pass_limits
        self._conversations = conversations
        self._threads = threads
        self._wake = threading.Condition()
        self._jobs: list[Job] = []
        self._tasks: list[Callable[[], None]] = []
        self._closing = False
        self._counters = dict.fromkeys(_COUNTERS, 0.0)
        self._gauges = self._measured()
        self._thread = threading.Thread(target=self._loop, name="npc-model", daemon=True)
        self._thread.start()

    # -- commands -----------------------------------------------------------------------------

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
                    other.cancelled = True
            self._jobs.append(job)
            self._wake.notify()

    def cancel(self, request_id: str, heard_tokens: int | None = None) -> None:
        """End a job after the pass under way."""
        with self._wake:
            for job in self._jobs:
                if job.request.request_id == request_id:
                    self._cancel(job, heard_tokens)

    def cancel_job(self, job: Job) -> None:
        """End this very job, whatever others are called."""
        with self._wake:
            self._cancel(job, None)

    def reprioritise(self, request_id: str, priority: Priority) -> None:
        """Serve a job sooner or later from the next pass on."""
        with self._wake:
            for job in self._jobs:
                if job.request.request_id == request_id:
                    job.priority = priority
            self._wake.notify()

    def fork(self, source: str, target: str) -> None:
        """Copy what one conversation has read to another one."""
        self._between_passes(lambda: self._conversations.fork(source, target))

    def forget(self, conversation: str) -> None:
        """Drop what a conversation has read, also what is in use once it is free."""
        with self._wake:
            for job in self._jobs:
                if job.request.conversation == conversation:
                    job.forgotten = True
                    job.cancelled = job.cancelled or job.warm_only
        self._between_passes(lambda: self._conversations.forget(conversation))

    def stats(self) -> Mapping[str, float]:
        """Counters since start, and what is held now."""
        with self._wake:
            live = float(len(self._jobs))
            return {**self._counters, "live_requests": live, **self._gauges}

    def close(self) -> None:
        """End all jobs as cancelled and wait for the thread. May be repeated."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _cancel(self, job: Job, heard_tokens: int | None) -> None:
        if heard_tokens is not None:
            job.heard_tokens = heard_tokens
        job.cancelled = True
        self._wake.notify()

    def _between_passes(self, task: Callable[[], None]) -> None:
        with self._wake:
            if not self._closing:
                self._tasks.append(task)
                self._wake.notify()

    # -- the thread ---------------------------------------------------------------------------

    def _loop(self) -> None:
        if self._threads is not None:
            # Asked first: else torch takes over, at this thread's first operation, whatever number
            # any other thread has set since.
            torch.get_num_threads()
            torch.set_num_threads(self._threads)
        while True:
            with self._wake:
                while not (self._jobs or self._tasks or self._closing):
                    self._wake.wait()
                closing = self._closing
                jobs, tasks = tuple(self._jobs), tuple(self._tasks)
                self._tasks.clear()
            try:
                for task in tasks:
                    _attempt(task)
                live = self._drop_ended(jobs, closing)
                self._begin(live)
                self._pass([job for job in live if job.slot is not None])
            except Exception as error:
                logger.exception("the engine broke between requests; all of them end")
                self._fail_all(text_of(error))
            if closing:
                self._conversations.clear()
            with self._wake:
                self._gauges = self._measured()
            if closing:
                return

    def _drop_ended(self, jobs: Sequence[Job], closing: bool) -> list[Job]:
        """End what was cancelled or is late; give the rest."""
        now = time.monotonic()
        live: list[Job] = []
        for job in jobs:
            if closing or job.cancelled:
                self._finish(job, "cancelled")
            elif now >= job.deadline:
                self._finish(job, "cancelled", _LATE)
            else:
                live.append(job)
        return live

    def _begin(self, jobs: list[Job]) -> None:
        """Give rows to jobs that have none, the most urgent first.

        Background work and scoring leave one; a warm-up waits until its conversation is free.
        """
        for job in sorted(jobs, key=lambda job: job.waiting.urgency):
            if job.slot is not None:
                continue
            name = job.request.conversation
            if job.priority == "background" or isinstance(job, ScoreJob):
                is_last_row = self._conversations.num_free < 2 <= len(self._runner.pool.slots)
                if is_last_row or (job.warm_only and self._conversations.is_busy(name)):
                    continue
            if job.warm_only and self._conversations.holds(name, job.ids):
                jobs.remove(job)
                self._finish(job, "cancelled")
                continue
            slot = self._conversations.take(name, job.ids)
            if slot is not None:
                job.begin(slot)

    def _pass(self, jobs: Sequence[Job]) -> None:
        """One forward pass, and what it brings to each job."""
        waiting = [job.waiting for job in jobs]
        counts = choose(waiting, self._pass_limits, self._runner.num_forwards)
        chosen = {job: count for job, count in zip(jobs, counts, strict=True) if count}
        scores = self._run(chosen) if chosen else {}
        for scorer in [job for job in scores if isinstance(job, ScoreJob)]:
            self._go_on(scorer, scorer.take_scores(scores.pop(scorer)))
        writers = [job for job in chosen if job in scores]
        if not writers:
            return
        rows = torch.stack([scores[job] for job in writers])
        tokens = sample(rows, [job.draw for job in writers])
        for job, token_id in zip(writers, tokens, strict=True):
            if token_id is None:
                self._go_on(job, "failed")
            else:
                self._go_on(job, job.take_token(token_id, self._limits))

    def _go_on(self, job: Job, reason: FinalReason | None) -> None:
        """Finish a job that ended with this pass; `failed` means its scores were no numbers."""
        if reason == "failed":
            if job.slot is not None:
                self._runner.pool.wipe(job.slot)  # what it read may not be numbers either
            self._fail(job, _BROKEN_SCORES)
        elif reason is not None:
            self._finish(job, reason)

    def _run(self, chosen: Mapping[Job, int]) -> dict[Job, Tensor]:
        """Scores of the jobs whose next token can be drawn; jobs that broke have ended."""
        segments = {job.segment(count): job for job, count in chosen.items()}
        try:
            found = self._runner.run(tuple(segments))
        except Exception as error:
            if isinstance(error, torch.OutOfMemoryError):
                self._conversations.make_room(0)
            if len(chosen) > 1:
                logger.exception("a pass over %d requests failed; running each alone", len(chosen))
                scores: dict[Job, Tensor] = {}
                for job, count in chosen.items():
                    scores |= self._run({job: count})
                return scores
            (job,) = chosen
            logger.debug("the pass that failed", exc_info=True)
            self._fail(job, text_of(error))
            return {}
        for job, count in chosen.items():
            job.has_read(count)
            if job.warm_only and job.unread == 0:
                self._finish(job, "cancelled")
        return {segments[segment]: row for segment, row in found}

    def _fail_all(self, error: str) -> None:
        """End everything after a fault that belongs to no job; what rows hold is not trusted."""
        with self._wake:
            jobs = tuple(self._jobs)
        for job in jobs:
            if job.slot is not None:
                job.slot.busy = False
                job.slot = None
        self._conversations.clear()
        for job in jobs:
            self._fail(job, error)

    def _fail(self, job: Job, error: str) -> None:
        logger.error("request %s failed: %s", job.request.request_id, error)
        self._finish(job, "failed", error)

    def _finish(self, job: Job, reason: FinalReason, error: str = "") -> None:
        """Give the row back, count, and send the final event."""
        if job.slot is not None:
            job.slot.crop(job.kept_tokens())
            self._conversations.give_back(job.slot, keep=not job.forgotten)
        usage = job.usage()
        with self._wake:
            self._jobs.remove(job)
            self._counters["prompt_tokens"] += usage.prompt_tokens
            self._counters["prefilled_tokens"] += usage.prefilled_tokens
            self._counters["reused_tokens"] += usage.reused_tokens
            self._counters["reply_tokens"] += usage.reply_tokens
        job.end(reason, error)

    def _measured(self) -> dict[str, float]:
        """What is held now; only this thread may look."""
        return {"forwards": float(self._runner.num_forwards), **self._conversations.measured()}


def _attempt(task: Callable[[], None]) -> None:
    """Do what nobody waits for."""
    try:
        task()
    except Exception:
        logger.exception("a conversation could not be copied or dropped")
