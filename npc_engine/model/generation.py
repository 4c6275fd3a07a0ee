"""One request on its way through the engine thread: what it has read, written and cost.

Knows no model: the thread feeds it tokens. What a pass does to it is a method here.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from npc_engine.messages import Priority, Usage
from npc_engine.model.detokenizer import Detokenizer
from npc_engine.model.sampling import Draw
from npc_engine.model.scheduling import Waiting
from npc_engine.model.slots import Slot
from npc_engine.model.step import Segment
from npc_engine.model.stopping import StopText
from npc_engine.protocols import (
    FinalReason,
    GenerationEnd,
    GenerationRequest,
    ModelEvent,
    TokenDelta,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the engine thread needs to know of the model to run a request."""

    window_tokens: int
    end_ids: frozenset[int]
    decode: Callable[[Sequence[int]], str]


Deliver = Callable[[ModelEvent], None]
"""Takes one event; must neither block nor call the session."""


def deliver_nothing(event: ModelEvent) -> None:
    """For a request whose events nobody waits for."""


class Job:
    """A request under way. Belongs to the engine thread, but for `cancelled`."""

    def __init__(
        self,
        request: GenerationRequest,
        order: int,
        deliver: Deliver = deliver_nothing,
        *,
        warm_only: bool = False,
    ) -> None:
        """Wrap a request.

        Args:
            request: What to write.
            order: Of arrival.
            deliver: Where its events go.
            warm_only: Read the prompt and write nothing.
        """
        self.request = request
        self.order = order
        self._deliver = deliver
        self.warm_only = warm_only
        self.priority: Priority = request.priority
        self.cancelled = False
        self.heard_tokens: int | None = None
        self.forgotten = False
        """The conversation was dropped meanwhile; leave nothing behind."""
        self.slot: Slot | None = None
        self.reply: list[int] = []
        self._text: _Text | None = None
        self._ids = list(request.prompt_ids)
        self._handed_in_at = time.monotonic()
        self._begun_at = self._first_at = self._last_at = 0.0
        self._reused_tokens = self._prefilled_tokens = self._steps = 0

    @property
    def ids(self) -> Sequence[int]:
        """Prompt and reply so far: what the row must hold before the next token."""
        return self._ids

    @property
    def unread(self) -> int:
        """Ids the row does not hold yet."""
        return len(self._ids) - (len(self.slot.ids) if self.slot is not None else 0)

    @property
    def deadline(self) -> float:
        """When nobody waits any more, on the monotonic clock; infinity for never."""
        after = self.request.deadline_s
        return math.inf if after is None else self._handed_in_at + after

    @property
    def waiting(self) -> Waiting:
        """The facts the next pass is chosen by."""
        return Waiting(self.priority, self.deadline, self.order, self.unread, bool(self.reply))

    def begin(self, slot: Slot) -> None:
        """Start, or go on, in a row that holds the beginning of `ids`."""
        self.slot = slot
        if not self._begun_at:
            self._begun_at = time.monotonic()
            self._reused_tokens = len(slot.ids)

    def segment(self, count: int) -> Segment:
        """What a pass reads: the next `count` ids, of a job that has a row."""
        assert self.slot is not None
        start, unread = len(self.slot.ids), self.unread
        wants_scores = count == unread and not self.warm_only
        return Segment(self.slot, tuple(self._ids[start : start + count]), wants_scores)

    def has_read(self, count: int) -> None:
        """Note that a pass read so many ids of this request."""
        self._steps += 1
        if not self.reply:
            self._prefilled_tokens += count

    @property
    def draw(self) -> Draw:
        """How the next token is drawn."""
        request = self.request
        window = max(0, request.sampling.repetition_window_tokens)
        recent = self.reply[max(0, len(self.reply) - window) :]
        return Draw(request.sampling, recent, request.seed, len(self.reply))

    def take_token(self, token_id: int, limits: Limits) -> FinalReason | None:
        """Deliver a token; how the reply ends, if it ends with it."""
        if token_id in limits.end_ids:
            return "done"
        self._last_at = time.monotonic()
        self._first_at = self._first_at or self._last_at
        self.reply.append(token_id)
        self._ids.append(token_id)
        if self._text is None:
            self._text = _Text(self.request, limits)
        text = self._text.feed(token_id)
        self._deliver(TokenDelta(self.request.request_id, token_id, text))
        if self._text.stopped:
            return "stopped"
        is_full = len(self._ids) >= limits.window_tokens
        return "length" if is_full or len(self.reply) >= self.request.max_tokens else None

    def kept_tokens(self) -> int:
        """How much of the row is worth keeping: what was heard of a reply that was cut off."""
        if self.cancelled and self.heard_tokens is not None:
            return len(self.request.prompt_ids) + min(max(0, self.heard_tokens), len(self.reply))
        return len(self._ids)

    def usage(self) -> Usage:
        """What it cost so far. A prompt cut short by a cancel counts as far as it was read."""
        return Usage(
            prompt_tokens=self._reused_tokens + self._prefilled_tokens,
            reused_tokens=self._reused_tokens,
            prefilled_tokens=self._prefilled_tokens,
            reply_tokens=len(self.reply),
            queue_ms=(self._begun_at - self._handed_in_at) * 1000 if self._begun_at else 0.0,
            first_token_ms=(self._first_at - self._handed_in_at) * 1000 if self.reply else 0.0,
            decode_ms=(self._last_at - self._first_at) * 1000 if self.reply else 0.0,
            steps=self._steps,
        )

    def end(self, reason: FinalReason, error: str = "") -> None:
        """Send the final event."""
        tail = self._text.rest() if self._text is not None else ""
        self._deliver(GenerationEnd(self.request.request_id, reason, self.usage(), tail, error))


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
