"""Texts that were begun for folds: which are asked for, which are ready, what was thrown away."""

import threading
from collections import deque
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass

from npc_engine.dialogue.fold_job import FoldJob
from npc_engine.dialogue.fold_text import Ask, FoldResult, FoldText
from npc_engine.dialogue.handle import TurnHandle
from npc_engine.memory.folding import OTHERWISE
from npc_engine.prompt.summary import Question
from npc_engine.protocols import ModelSession

_MAX_DISCARDED = 20


@dataclass(frozen=True, slots=True)
class DiscardedFold:
    """A text that is never used, kept for whoever wonders why."""

    job: FoldJob
    text: str
    """Empty if it was not finished."""
    reason: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """How far the model's text for a job came."""

    is_over: bool
    """False: it was broken off and goes on later."""
    faults: tuple[str, ...] = ()
    """Why no text is ready."""
    discarded: str = ""
    """Why nobody wants one any more; empty while somebody does."""


@dataclass(slots=True)
class _Work:
    job: FoldJob
    text: FoldText
    handle: TurnHandle | None = None
    result: FoldResult | None = None


class FoldWorks:
    """What was begun for one talk, by the lines it is for. Safe from any thread."""

    def __init__(
        self,
        why_unfit: Callable[[FoldJob], str],
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        """Nothing was begun.

        Args:
            why_unfit: Why a text for a job must be thrown away; empty while it may be used.
            lock: Held while what several threads share is looked at or changed.
        """
        self._why_unfit = why_unfit
        self._lock = lock or threading.Lock()
        self._works: dict[str, _Work] = {}
        self.discarded: deque[DiscardedFold] = deque(maxlen=_MAX_DISCARDED)
        """The latest last."""

    def begin(self, job: FoldJob, asked: tuple[Question, ...]) -> bool:
        """Note a job whose text is to be asked for; False if that was done before."""
        with self._lock:
            if job.key in self._works:
                return False
            self._works[job.key] = _Work(job, FoldText(job, asked))
            return True

    def job(self, key: str) -> FoldJob | None:
        """The job over certain lines, if one was begun and may go on."""
        with self._lock:
            work = self._works.get(key)
        return None if work is None or self._why_unfit(work.job) else work.job

    def result(self, key: str) -> FoldResult | None:
        """What the model brought for certain lines, if it is there and may be used."""
        with self._lock:
            work = self._works.get(key)
            result = work.result if work else None
        if work is None or result is None or self._why_unfit(work.job):
            return None
        return result

    def go_on(self, job: FoldJob, session: ModelSession, handle: TurnHandle, ask: Ask) -> Prepared:
        """Ask what is still open for a job; blocks.

        Args:
            job: One that was begun.
            session: Who answers.
            handle: Breaks it off.
            ask: Makes the requests.
        """
        with self._lock:
            work = self._works.get(job.key)
            if work is None or work.job is not job:
                return Prepared(is_over=True)
            work.handle = handle
        reason = self._why_unfit(job)
        if not reason:
            result = work.text.go_on(session, handle, ask, lambda: not self._why_unfit(job))
            reason = self._why_unfit(job)
            if not reason and result is not None:
                with self._lock:
                    work.result = result
                return Prepared(is_over=True, faults=result.faults)
        if not reason:
            return Prepared(is_over=False)
        return Prepared(is_over=True, discarded=reason if self._discard(work, reason) else "")

    def sweep(self, wanted: Collection[str], used: Collection[str]) -> list[DiscardedFold]:
        """Throw away what nobody wants any more.

        Args:
            wanted: Keys of jobs whose text may still be put to use.
            used: Keys of jobs that are over; forgotten without a word.
        """
        thrown = []
        with self._lock:
            works = tuple(self._works.items())
        for key, work in works:
            reason = self._why_unfit(work.job)
            if not reason and key in wanted:
                continue
            if not reason and key in used:
                self._forget(work)
            elif self._discard(work, reason or OTHERWISE):
                thrown.append(self.discarded[-1])
        return thrown

    # -- inside -------------------------------------------------------------------------------

    def _discard(self, work: _Work, reason: str) -> bool:
        """Throw a work away; False if that happened before."""
        if not self._forget(work):
            return False
        text = work.result.text if work.result else ""
        self.discarded.append(DiscardedFold(work.job, text, reason))
        return True

    def _forget(self, work: _Work) -> bool:
        with self._lock:
            if self._works.get(work.job.key) is not work:
                return False
            del self._works[work.job.key]
            handle = work.handle
        if handle is not None:
            handle.end("cancelled")
        return True
