"""A model in this process: `LocalSession` implements `protocols.ModelSession`.

A thin front: requests become jobs of the engine thread, events come back through a queue.
"""

import itertools
import queue
import weakref
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from npc_engine.messages import ModelInfo, Priority
from npc_engine.model.admission import refusal
from npc_engine.model.conversations import Conversations
from npc_engine.model.decoder_weights import sizes_of
from npc_engine.model.engine_thread import EngineThread
from npc_engine.model.event_stream import EventStream
from npc_engine.model.generation import Deliver, Job, Limits
from npc_engine.model.runner import Packing, Runner
from npc_engine.model.scheduling import PassLimits
from npc_engine.model.score_job import ScoreJob
from npc_engine.model.scoring import carrier, score_refusal, wait_for_scores
from npc_engine.model.slots import row_bytes
from npc_engine.model.tokenizer import ChatTokenizer
from npc_engine.protocols import GenerationRequest, ModelEvent, Score, ScoreRequest

DEFAULT_CACHE_BYTES = 1 << 30
_WARM_S = 600.0
"""Deadline of reading ahead, which other background work has not: so it is served before that."""
_MAX_ROWS = 33
"""Thirty-two lines at once, and one row for what runs in the background."""
_LAZY_ROWS = 4
"""On a CPU rows cost memory as they fill, so there may be more than would fit when full."""


class LocalSession:
    """A loaded model and its thread. Close it, or let it go: both end the thread."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - any class of transformers, or `DecoderWeights`
        tokenizer: ChatTokenizer,
        info: ModelInfo,
        *,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        host_bytes: int = 0,
        prefill_chunk_tokens: int = 256,
        beside_tokens: int = 32,
        num_rows: int | None = None,
        packing: Packing | None = None,
        threads: int | None = None,
    ) -> None:
        """Take over a model; nobody else may call it from now on.

        Args:
            model: A causal language model of `transformers` in eval mode, or `DecoderWeights`.
            tokenizer: The one that belongs to it.
            info: What to show; its window is the limit of prompt and reply together.
            cache_bytes: Memory for conversations that are not being served; the longest unused
                goes first.
            host_bytes: Ordinary memory for conversations that had to go; 0 drops them.
            prefill_chunk_tokens: Prompt tokens read in one pass when nobody is being answered.
            beside_tokens: Prompt tokens read in a pass that also writes, and in one of background
                work, which a line may have to wait for.
            num_rows: Conversations that are served or kept at once; by default what fits.
            packing: Packed forms of the weights; None computes as `transformers` does.
            threads: Threads of one tensor operation; None leaves torch's setting.
        """
        self._tokenizer = tokenizer
        self._info = info
        runner = Runner(
            model,
            num_slots=num_rows or _rows_within(cache_bytes, model, info),
            window_tokens=info.window_tokens,
            packing=packing,
        )
        self._engine = EngineThread(
            runner,
            Limits(info.window_tokens, tokenizer.end_ids, tokenizer.decode),
            PassLimits(
                prefill_chunk_tokens,
                min(beside_tokens, prefill_chunk_tokens),
                background_tokens=max(1, min(beside_tokens, prefill_chunk_tokens)),
            ),
            Conversations(runner.pool, max_bytes=cache_bytes, host_bytes=host_bytes),
            threads=threads,
        )
        self._vocab_size = int(sizes_of(model).vocab_size)
        self._order = itertools.count()
        weakref.finalize(self, self._engine.close)

    @property
    def info(self) -> ModelInfo:
        """What runs, and where."""
        return self._info

    @property
    def tokenizer(self) -> ChatTokenizer:
        """The tokenizer of the loaded model."""
        return self._tokenizer

    def stream(self, request: GenerationRequest) -> Iterator[ModelEvent]:
        """See `protocols.ModelSession.stream`."""
        events: queue.SimpleQueue[ModelEvent] = queue.SimpleQueue()
        job = self._hand_in(request, events.put)
        return EventStream(self, events, partial(self._engine.cancel_job, job))

    def submit(self, request: GenerationRequest, deliver: Deliver) -> None:
        """Queue a request without a stream; only `cancel` ends it early.

        Args:
            request: What to write.
            deliver: Called with each event, the final one too, on the thread that runs the model,
                or at once on the caller's where the request is refused. It must neither block nor
                call the session.
        """
        self._hand_in(request, deliver)

    @property
    def can_score(self) -> bool:
        """Always."""
        return True

    def score(self, request: ScoreRequest) -> tuple[Score, ...] | None:
        """See `protocols.ScoringSession.score`."""
        events: queue.SimpleQueue[ModelEvent] = queue.SimpleQueue()
        job = self._hand_in_score(request, events.put)
        leave = partial(self._engine.cancel_job, job)
        return wait_for_scores(request, EventStream(self, events, leave))

    def submit_score(self, request: ScoreRequest, deliver: Deliver) -> None:
        """Queue a score request as `submit` does; its one event holds the `log_probs`."""
        self._hand_in_score(request, deliver)

    def cancel(self, request_id: str, *, heard_tokens: int | None = None) -> None:
        """End a request after the pass that is being computed; unknown ids are ignored."""
        self._engine.cancel(request_id, heard_tokens)

    def reprioritise(self, request_id: str, priority: Priority) -> None:
        """Serve a request sooner or later; unknown ids are ignored."""
        self._engine.reprioritise(request_id, priority)

    def warm(self, conversation: str, prompt_ids: Sequence[int]) -> None:
        """Read ids into the conversation's row while nothing else is to be done.

        Ends early, keeping what was read, when the conversation's next request comes. Ids beyond
        the window are not read. Comes before other background work: a line may follow at any time.
        """
        ids = tuple(prompt_ids)[: self._info.window_tokens - 1]
        if not conversation or not ids:
            return
        order = next(self._order)
        request = GenerationRequest(
            request_id=f"warm-{order}",
            prompt_ids=ids,
            max_tokens=1,
            priority="background",
            deadline_s=_WARM_S,
            conversation=conversation,
        )
        self._engine.submit(Job(request, order, warm_only=True))

    def fork(self, source: str, target: str) -> None:
        """Let a conversation continue from a copy of what another has read."""
        self._engine.fork(source, target)

    def forget(self, conversation: str) -> None:
        """Drop what the conversation has read."""
        self._engine.forget(conversation)

    def stats(self) -> Mapping[str, float]:
        """Counters since start and the state of the rows."""
        return self._engine.stats()

    def close(self) -> None:
        """End all requests as cancelled and join the thread."""
        self._engine.close()

    def _hand_in(self, request: GenerationRequest, deliver: Deliver) -> Job:
        job = Job(request, next(self._order), deliver)
        problem = refusal(request, self._info.window_tokens)
        if problem:
            job.end("failed", problem)
        else:
            self._engine.submit(job)
        return job

    def _hand_in_score(self, request: ScoreRequest, deliver: Deliver) -> ScoreJob:
        job = ScoreJob(carrier(request), next(self._order), deliver, request.continuations)
        problem = score_refusal(request, self._info.window_tokens, self._vocab_size)
        if problem:
            job.end("failed", problem)
        else:
            self._engine.submit(job)
        return job


def _rows_within(cache_bytes: int, model: Any, info: ModelInfo) -> int:  # noqa: ANN401 - any class
    """How many rows to plan for this much memory; at least two."""
    size = row_bytes(sizes_of(model), info.window_tokens, model.dtype.itemsize)
    is_lazy = info.device == "cpu"
    return max(2, min(_MAX_ROWS, (_LAZY_ROWS if is_lazy else 1) * cache_bytes // size))
