"""One request as a sequence of steps, each at most one forward pass, so that it can be interrupted.

Between two steps another request may run: nothing is shared but the model. Imports torch.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from npc_engine.messages import Priority, Usage
from npc_engine.model.conversations import Conversations
from npc_engine.model.detokenizer import Detokenizer
from npc_engine.model.kv_cache import KvCache
from npc_engine.model.runner import Runner
from npc_engine.model.sampling import generator_for, sample
from npc_engine.model.stopping import StopText
from npc_engine.protocols import (
    FinalReason,
    GenerationEnd,
    GenerationRequest,
    ModelEvent,
    TokenDelta,
)

_RANK: dict[Priority, int] = {"player": 0, "ambient": 1, "background": 2}


@dataclass(frozen=True, slots=True)
class Limits:
    """What the engine thread needs to know of the model to run a request."""

    window_tokens: int
    prefill_chunk_tokens: int
    """Most prompt tokens read in one step: what a cancel may have to wait for."""
    end_ids: frozenset[int]
    decode: Callable[[Sequence[int]], str]


@dataclass(eq=False, slots=True)
class Job:
    """A request on its way through the engine thread."""

    request: GenerationRequest
    order: int
    warm_only: bool = False
    """Read the prompt and write nothing."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    forgotten: bool = False
    """The conversation was dropped meanwhile; leave no cache behind."""
    events: "queue.SimpleQueue[ModelEvent]" = field(default_factory=queue.SimpleQueue)
    steps: Iterator[None] | None = None
    handed_in_at: float = field(default_factory=time.monotonic)
    ending: FinalReason = "cancelled"
    tail: str = ""
    reused_tokens: int = 0
    prefilled_tokens: int = 0
    reply: list[int] = field(default_factory=list)
    begun_at: float = 0.0
    first_at: float = 0.0
    last_at: float = 0.0

    @property
    def urgency(self) -> tuple[int, int]:
        """Smaller is served first."""
        return (_RANK[self.request.priority], self.order)

    def usage(self) -> Usage:
        """What it cost so far. A prompt cut short by a cancel counts as far as it was read."""
        return Usage(
            prompt_tokens=self.reused_tokens + self.prefilled_tokens,
            reused_tokens=self.reused_tokens,
            prefilled_tokens=self.prefilled_tokens,
            reply_tokens=len(self.reply),
            queue_ms=max(0.0, self.begun_at - self.handed_in_at) * 1000 if self.begun_at else 0.0,
            first_token_ms=(self.first_at - self.handed_in_at) * 1000 if self.reply else 0.0,
            decode_ms=(self.last_at - self.first_at) * 1000 if self.reply else 0.0,
        )

    def end(self, reason: FinalReason, error: str = "") -> None:
        """Send the final event."""
        self.events.put(
            GenerationEnd(self.request.request_id, reason, self.usage(), self.tail, error)
        )


def run(job: Job, runner: Runner, conversations: Conversations, limits: Limits) -> Iterator[None]:
    """The steps of a job; yields before each forward pass but the first.

    The cache goes back to its conversation however the steps end, holding exactly what was fed.
    """
    job.begun_at = time.monotonic()
    request = job.request
    room = min(limits.window_tokens, len(request.prompt_ids) + request.max_tokens)
    cache = conversations.take(request.conversation, request.prompt_ids, room)
    job.reused_tokens = len(cache.ids)
    try:
        yield from _steps(job, runner, cache, limits)
    finally:
        conversations.give_back("" if job.forgotten else request.conversation, cache)


def _steps(job: Job, runner: Runner, cache: KvCache, limits: Limits) -> Iterator[None]:
    request = job.request
    prompt = request.prompt_ids
    while True:
        chunk = prompt[len(cache.ids) :][: limits.prefill_chunk_tokens]
        scores = runner.feed(cache, chunk)
        job.prefilled_tokens += len(chunk)
        if len(cache.ids) == len(prompt):
            break
        yield
    if job.warm_only:
        return
    generator = generator_for(request.seed)
    text = _Text(request, limits)
    try:
        while True:
            recent = (*prompt[-request.sampling.repetition_window_tokens :], *job.reply)
            token_id = sample(scores, request.sampling, recent, generator)
            if token_id in limits.end_ids:
                job.ending = "done"
                return
            job.last_at = time.monotonic()
            job.first_at = job.first_at or job.last_at
            job.reply.append(token_id)
            job.events.put(TokenDelta(request.request_id, token_id, text.feed(token_id)))
            if text.stopped:
                job.ending = "stopped"
                return
            if len(job.reply) >= request.max_tokens or (
                len(prompt) + len(job.reply) >= limits.window_tokens
            ):
                job.ending = "length"
                return
            yield
            scores = runner.feed(cache, (token_id,))
    finally:
        job.tail = text.rest()


class _Text:
    """The text of a reply while it grows."""

    def __init__(self, request: GenerationRequest, limits: Limits) -> None:
        self._detokenizer = Detokenizer(limits.decode)
        self._stops = StopText(request.stop)

    @property
    def stopped(self) -> bool:
        return bool(self._stops.matched)

    def feed(self, token_id: int) -> str:
        return self._stops.feed(self._detokenizer.feed(token_id))

    def rest(self) -> str:
        """What is still held back; nothing after a stop text."""
        shown = self._stops.feed(self._detokenizer.rest())
        return shown + self._stops.held
