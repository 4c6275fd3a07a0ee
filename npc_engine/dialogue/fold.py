"""Folding: old turns give way to a short text, after the reply was heard and never before it.

From the low-water mark on the model is asked, in spare time, for a summary of the oldest turns. At
the high-water mark the turns are folded: into that summary if it is ready, still true to its
sources and worth it, else into an extractive digest, which needs no model and cannot fail. A
summary that comes later takes the digest's place at the next fold.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager

from npc_engine.dialogue.fold_ask import FoldAsk, FoldManner
from npc_engine.dialogue.fold_job import FoldJob, fold_job
from npc_engine.dialogue.fold_works import DiscardedFold, FoldWorks, Prepared
from npc_engine.dialogue.handle import TurnHandle
from npc_engine.dialogue.talk import Talk
from npc_engine.errors import LateWriteError
from npc_engine.events import FoldEnded
from npc_engine.memory.entries import Folded
from npc_engine.memory.folding import FoldChunk, FoldLimits, chunk_of, turns_to_fold
from npc_engine.memory.folds import FoldInEffect
from npc_engine.memory.store import SaveStore
from npc_engine.memory.view import View
from npc_engine.prompt.compiler import turn_tokens
from npc_engine.prompt.summary import PROMPT_VERSION, Question, questions
from npc_engine.protocols import ModelSession, Tokenizer

MAX_REJECTED = 3
"""After so many summaries in a row that were no good, the model is not asked again until the next
start: a small one costs seconds for each and never gets better."""


class Folder:
    """Folds one talk. `prepare` may run beside the talk's thread; the rest belongs to it."""

    def __init__(
        self,
        talk: Talk,
        store: SaveStore,
        manner: FoldManner = "recorder",
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        """Bind to a talk.

        Args:
            talk: Whose turns.
            store: Its save.
            manner: To whom the questions about them are put.
            lock: See `FoldWorks`.
        """
        self._talk = talk
        self._store = store
        self._manner = manner
        self._works = FoldWorks(self._why_unfit, lock)
        self._num_rejected = 0
        self._latest: FoldJob | None = None
        """Looked at after every turn until it is begun or the turns are folded."""

    @property
    def discarded(self) -> tuple[DiscardedFold, ...]:
        """Texts that were thrown away, and why; the latest last."""
        return tuple(self._works.discarded)

    def job_if_due(self, session: ModelSession) -> FoldJob | None:
        """The summary to prepare now: past the low-water mark, and not asked for before.

        Where none is due, the one for the turns folded last, if a digest stands in for it.
        """
        if self._has_given_up:
            return None
        view = self._talk.view(tokenizer=session.tokenizer)
        for job in (self._due(view, session.tokenizer), self._pending(view, session.tokenizer)):
            if job is None or not job.shown or job.key in view.undone_texts:
                continue
            if self._works.begin(job, self._questions()):
                return job
        return None

    def prepare(self, job: FoldJob, session: ModelSession, handle: TurnHandle) -> Prepared:
        """Ask the model for a summary of the job; blocks, so call it off the talk's thread.

        Args:
            job: From `job_if_due`.
            session: Who writes.
            handle: Breaks it off; called again with another handle, it goes on where it stopped.
        """
        ask = FoldAsk(self._talk, job, session, self._manner)
        prepared = self._works.go_on(job, session, handle, ask)
        if prepared.is_over:
            ask.finish()
        if prepared.faults:
            self._num_rejected += 1
        elif prepared.is_over and not prepared.discarded:
            self._num_rejected = 0
        return prepared

    def apply_if_due(self, session: ModelSession) -> tuple[FoldEnded, ...]:
        """Fold when the recent turns are past the high-water mark; call it between turns.

        Nothing is folded when a restore comes in between.
        """
        tokenizer = session.tokenizer
        epoch = self._store.epoch
        view = self._talk.view(tokenizer=tokenizer)
        job = self._due(view, tokenizer)
        events = self._thrown_away(view, job)
        past = sum(self._oldest_tokens(view, tokenizer))
        if job is None or past <= self._limits(tokenizer).high_water_tokens:
            return tuple(events)
        state = self._talk.state()
        for fold in (*self._upgrades(view, tokenizer), self._fold(job, view, tokenizer)):
            try:
                self._store.append(
                    self._talk.chat_id, fold, day=state.day, minute=state.minute, epoch=epoch
                )
            except LateWriteError:
                break
            events.append(_event(fold))
        return tuple(events)

    def path_changed(self, session: ModelSession) -> tuple[FoldEnded, ...]:
        """Throw away what was begun for turns that are not to be folded any more."""
        view = self._talk.view(tokenizer=session.tokenizer)
        return tuple(self._thrown_away(view, self._due(view, session.tokenizer)))

    # -- which turns --------------------------------------------------------------------------

    def _limits(self, tokenizer: Tokenizer) -> FoldLimits:
        budget = self._talk.budget(tokenizer)
        return FoldLimits(budget.high_water_tokens, budget.low_water_tokens)

    def _oldest_tokens(self, view: View, tokenizer: Tokenizer) -> list[int]:
        """Tokens of the turns, oldest first, as many as a decision about a fold needs."""
        enough = 2 * self._limits(tokenizer).high_water_tokens
        tokens: list[int] = []
        total = 0
        for turn in view.turns:
            if total > enough:
                break
            tokens.append(turn_tokens(turn, tokenizer))
            total += tokens[-1]
        return tokens

    def _due(self, view: View, tokenizer: Tokenizer) -> FoldJob | None:
        """The job over the turns that are to be folded next, if there are enough."""
        tokens = self._oldest_tokens(view, tokenizer)
        count = turns_to_fold(
            tokens, self._limits(tokenizer), greeting_first=view.starts_with_greeting
        )
        if count == 0:
            return None
        covered = {entry_id for turn in view.turns[:count] for entry_id in turn.entry_ids}
        chunk = chunk_of(view.lines, covered, PROMPT_VERSION)
        return self._job(view, chunk, tokenizer, count, sum(tokens[:count]))

    def _pending(self, view: View, tokenizer: Tokenizer) -> FoldJob | None:
        """The job over the turns folded last, if a digest stands for them only for now."""
        latest = max(view.folds, key=lambda fold: fold.entry_id, default=None)
        if latest is None or not _may_be_replaced(latest):
            return None
        fold = latest.fold
        chunk = chunk_of(view.lines, set(fold.entry_ids), PROMPT_VERSION)
        if chunk.source_digest != fold.source_digest:
            return None
        return self._job(view, chunk, tokenizer, fold.turns, fold.tokens_before)

    def _job(
        self, view: View, chunk: FoldChunk, tokenizer: Tokenizer, turns: int, tokens: int
    ) -> FoldJob:
        """The job that was begun over a chunk, else a new one."""
        begun = self._works.job(chunk.source_digest)
        if begun is not None:
            return begun
        latest = self._latest
        if latest is None or latest.key != chunk.source_digest or self._why_unfit(latest):
            latest = self._latest = fold_job(
                self._talk,
                view,
                chunk,
                tokenizer=tokenizer,
                turns=turns,
                tokens=tokens,
                epoch=self._store.epoch,
            )
        return latest

    # -- what stands for them -----------------------------------------------------------------

    def _fold(self, job: FoldJob, view: View, tokenizer: Tokenizer) -> Folded:
        """The best that is ready for a job."""
        is_unwanted = job.key in view.undone_texts
        result = None if is_unwanted else self._works.result(job.key)
        written = result.text if result else ""
        text = written or job.digest
        return Folded(
            npc=self._talk.npc,
            entry_ids=job.chunk.entry_ids,
            text=text,
            kind="model" if written else "digest",
            source_digest=job.key,
            prompt_version=PROMPT_VERSION,
            turns=job.turns,
            tokens_before=job.tokens,
            tokens_after=tokenizer.count(text),
            facts=(*(result.facts if result else ()), *job.said),
            pending=result is None and self._may_still_come(job) and not is_unwanted,
        )

    @property
    def _has_given_up(self) -> bool:
        return self._num_rejected >= MAX_REJECTED

    def _may_still_come(self, job: FoldJob) -> bool:
        return bool(job.shown) and not self._has_given_up

    def _upgrades(self, view: View, tokenizer: Tokenizer) -> Iterable[Folded]:
        """Folds whose model text came after a digest was put into effect."""
        for each in filter(_may_be_replaced, view.folds):
            result = self._works.result(each.fold.source_digest)
            if result is not None and (result.text or result.facts):
                better = {"facts": (*result.facts, *each.fold.facts), "pending": False}
                if result.text:
                    tokens = tokenizer.count(result.text)
                    better |= {"text": result.text, "kind": "model", "tokens_after": tokens}
                yield each.fold.model_copy(update=better)

    # -- what nobody wants any more -----------------------------------------------------------

    def _why_unfit(self, job: FoldJob) -> str:
        return job.why_unfit(self._talk, self._talk.path(), self._store.epoch)

    def _thrown_away(self, view: View, due: FoldJob | None) -> list[FoldEnded]:
        wanted = {each.fold.source_digest for each in view.folds if _may_be_replaced(each)}
        if due is not None:
            wanted.add(due.key)
        used = {each.fold.source_digest for each in view.folds}
        thrown = self._works.sweep(wanted, used)
        return [discarded_event(self._talk.npc, each.job, each.reason) for each in thrown]

    def _questions(self) -> tuple[Question, ...]:
        return questions(self._talk.sheet.nickname, self._talk.cast.world.player.name)


def discarded_event(npc: str, job: FoldJob, reason: str) -> FoldEnded:
    """What listeners are told of a text that was thrown away."""
    return FoldEnded(npc, "discarded", job.turns, job.tokens, 0, reason)


def _may_be_replaced(fold: FoldInEffect) -> bool:
    """Whether a model's text may still come in its place; what a person pinned or wrote stays."""
    return fold.fold.pending and fold.fold.kind == "digest" and not fold.pinned


def _event(fold: Folded) -> FoldEnded:
    return FoldEnded(
        fold.npc,
        "model" if fold.kind == "model" else "digest",
        fold.turns,
        fold.tokens_before,
        fold.tokens_after,
    )
