"""Folding: old turns give way to a short text, after the reply was heard and never before it.

At the start mark the model is asked, in spare time, for a summary of the oldest turns. At the
high-water mark the turns are folded: into that summary if it is ready, still true to its sources
and worth it, else into an extractive digest, which needs no model and cannot fail.
"""

import threading
from dataclasses import dataclass

from npc_engine.dialogue.plain_text import plain
from npc_engine.dialogue.talk import Talk
from npc_engine.errors import LateWriteError
from npc_engine.events import FoldEnded
from npc_engine.memory.digest import DIGEST_TOKENS, digest, spoken_lines
from npc_engine.memory.entries import Folded
from npc_engine.memory.facts import facts_from
from npc_engine.memory.folding import FoldChunk, FoldLimits, chunk_of, turns_to_fold
from npc_engine.memory.store import SaveStore
from npc_engine.memory.summary import SummarySource, earns_its_place, sift_summary
from npc_engine.messages import Sampling
from npc_engine.prompt.compiler import turn_tokens
from npc_engine.prompt.summary import PROMPT_VERSION, SUMMARY_TOKENS, summary_messages
from npc_engine.protocols import GenerationRequest, ModelSession, TokenDelta, Tokenizer

_ATTEMPTS = 2
_RETRY_TEMPERATURE = 0.7


@dataclass(frozen=True, slots=True)
class FoldJob:
    """Turns that are to be folded, the digest that would stand for them, and what they cost."""

    chunk: FoldChunk
    source: SummarySource
    digest: str
    turns: int
    tokens: int


class Folder:
    """Folds one talk. `prepare` may run beside the talk's thread; the rest belongs to it."""

    def __init__(self, talk: Talk, store: SaveStore) -> None:
        """Bind to a talk."""
        self._talk = talk
        self._store = store
        self._lock = threading.Lock()
        self._ready: dict[str, str] = {}
        self._asked = ""

    def job_if_due(self, session: ModelSession) -> FoldJob | None:
        """The summary to prepare now: past the start mark, and not asked for before."""
        job = self._job(session.tokenizer)
        if job is None or job.chunk.source_digest == self._asked:
            return None
        self._asked = job.chunk.source_digest
        return job

    def prepare(self, job: FoldJob, session: ModelSession) -> tuple[str, ...]:
        """Ask the model for a summary of the job; blocks, so call it off the talk's thread.

        Returns:
            Why it was rejected; empty when it is ready, or when the request was ended.
        """
        names = (self._talk.sheet.nickname, self._talk.cast.world.player.name)
        messages = summary_messages(job.source.lines, names, session.tokenizer)
        prompt_ids = session.tokenizer.render(messages).token_ids
        reasons: tuple[str, ...] = ()
        for attempt in range(_ATTEMPTS):
            request = GenerationRequest(
                request_id=f"fold-{job.chunk.source_digest[:16]}.{attempt}",
                prompt_ids=prompt_ids,
                sampling=Sampling(temperature=_RETRY_TEMPERATURE if attempt else 0.0),
                seed=attempt,
                max_tokens=SUMMARY_TOKENS,
                priority="background",
                messages=tuple(messages),
            )
            text = _written(session, request)
            if text is None:
                return ()
            count = session.tokenizer.count
            sifted = sift_summary(text, job.source, cap_tokens=SUMMARY_TOKENS, count=count)
            if sifted.text and earns_its_place(sifted.text, job.digest, job.source):
                with self._lock:
                    self._ready = {job.chunk.source_digest: sifted.text}
                return ()
            dropped = [reason for _, faults in sifted.dropped for reason in faults]
            reasons = tuple(dict.fromkeys([*sifted.faults, *dropped])) or ("keeps too little",)
        return reasons

    def apply_if_due(self, session: ModelSession) -> FoldEnded | None:
        """Fold when the recent turns are past the high-water mark; call it between turns.

        Nothing is folded when a restore comes in between.
        """
        tokenizer = session.tokenizer
        epoch = self._store.epoch
        limits = self._limits(tokenizer)
        if sum(self._tokens(tokenizer)) <= limits.high_water_tokens:
            return None
        job = self._job(tokenizer)
        if job is None:
            return None
        with self._lock:
            summary = self._ready.pop(job.chunk.source_digest, "")
        text = summary or job.digest
        state = self._talk.state()
        fold = Folded(
            npc=self._talk.npc,
            entry_ids=job.chunk.entry_ids,
            text=text,
            kind="model" if summary else "digest",
            source_digest=job.chunk.source_digest,
            prompt_version=PROMPT_VERSION,
            turns=job.turns,
            tokens_before=job.tokens,
            tokens_after=tokenizer.count(text),
        )
        try:
            self._store.append(
                self._talk.chat_id, fold, day=state.day, minute=state.minute, epoch=epoch
            )
        except LateWriteError:
            return None
        return FoldEnded(
            fold.npc,
            "model" if summary else "digest",
            fold.turns,
            fold.tokens_before,
            fold.tokens_after,
        )

    # -- inside -------------------------------------------------------------------------------

    def _limits(self, tokenizer: Tokenizer) -> FoldLimits:
        budget = self._talk.budget(tokenizer)
        return FoldLimits(budget.high_water_tokens, budget.low_water_tokens)

    def _tokens(self, tokenizer: Tokenizer) -> list[int]:
        view = self._talk.view(tokenizer=tokenizer)
        return [turn_tokens(turn, tokenizer) for turn in view.turns]

    def _job(self, tokenizer: Tokenizer) -> FoldJob | None:
        talk = self._talk
        path = talk.path()
        view = talk.view(path, tokenizer)
        tokens = [turn_tokens(turn, tokenizer) for turn in view.turns]
        count = turns_to_fold(
            tokens, self._limits(tokenizer), greeting_first=view.starts_with_greeting
        )
        if count == 0:
            return None
        covered = {entry_id for turn in view.turns[:count] for entry_id in turn.entry_ids}
        chunk = chunk_of(view.lines, covered, PROMPT_VERSION)
        names = talk.cast.names
        lines = spoken_lines(chunk.lines, names)
        world = talk.cast.world
        last = view.episodes[-1].text if view.episodes else ""
        known = (talk.sheet.summary, talk.sheet.persona, talk.sheet.background, view.summary)
        source = SummarySource(lines, known, (world.name, *names.values()), last)
        text = digest(
            lines,
            [fact.text for fact in facts_from(talk.learned(path), covered)],
            cap_tokens=DIGEST_TOKENS,
            count=tokenizer.count,
            player=world.player.name,
            date=f"Day {chunk.lines[0].day}",
            names=tuple(names.values()),
        )
        return FoldJob(chunk, source, text, count, sum(tokens[:count]))


def _written(session: ModelSession, request: GenerationRequest) -> str | None:
    """The whole text of a request; None if it was ended or failed."""
    text = ""
    for event in session.stream(request):
        if isinstance(event, TokenDelta):
            text += event.text
        else:
            text += event.tail
            if event.reason in ("cancelled", "failed"):
                return None
    return plain(text).strip()
