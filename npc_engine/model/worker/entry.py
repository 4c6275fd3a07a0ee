"""One request of a worker session that has not ended: what it is called, and how it ends."""

import queue
from dataclasses import dataclass, field, replace

from npc_engine.messages import Usage
from npc_engine.protocols import FinalReason, GenerationEnd, GenerationRequest, ModelEvent


@dataclass(eq=False, slots=True)
class Entry:
    """A request on its way. Only `Requests` changes it, under its lock."""

    number: int
    request: GenerationRequest
    handed_in_at: float
    continuations: tuple[tuple[int, ...], ...] = ()
    """What is to be scored; none for a reply."""
    events: "queue.SimpleQueue[ModelEvent]" = field(default_factory=queue.SimpleQueue)
    sent_at: float | None = None
    """When the present worker was asked; None while it waits for one."""
    was_retried: bool = False
    is_cancelled: bool = False
    heard_tokens: int | None = None
    is_forgotten: bool = False
    """Its conversation was dropped meanwhile."""
    reply: list[int] = field(default_factory=list)
    """The ids delivered so far."""

    @property
    def name(self) -> str:
        """What the worker calls it: unlike the game's name, never the same twice."""
        return f"{self.request.request_id}#{self.number}"

    def is_late(self, now: float) -> bool:
        """Whether its deadline has passed."""
        deadline_s = self.request.deadline_s
        return deadline_s is not None and now - self.handed_in_at >= deadline_s

    def for_worker(self) -> GenerationRequest:
        """What is sent: under its own name, with what is left of the deadline, without texts."""
        left_s = self.request.deadline_s
        if left_s is not None and self.sent_at is not None:
            left_s -= self.sent_at - self.handed_in_at
        return replace(self.request, request_id=self.name, deadline_s=left_s, messages=())

    def read_ids(self, reason: FinalReason) -> tuple[int, ...]:
        """What its conversation's cache holds once it ended so."""
        heard = self.heard_tokens if reason == "cancelled" else None
        return self.request.prompt_ids + tuple(self.reply[:heard])

    def final_event(
        self, reason: FinalReason, error: str, told: GenerationEnd | None
    ) -> GenerationEnd:
        """The event that ends it.

        Args:
            reason: Why it ends.
            error: What broke.
            told: The worker's own final event; None if the worker had no say.
        """
        name = self.request.request_id
        if told is None:
            return GenerationEnd(name, reason, Usage(reply_tokens=len(self.reply)), error=error)
        return replace(told, request_id=name, usage=self._usage(told.usage))

    def _usage(self, usage: Usage) -> Usage:
        """The worker's count, with the time that passed before the worker was asked."""
        waited_ms = ((self.sent_at or self.handed_in_at) - self.handed_in_at) * 1000
        if waited_ms < 1:
            return usage
        first_ms = usage.first_token_ms + waited_ms if usage.first_token_ms else 0.0
        return replace(usage, queue_ms=usage.queue_ms + waited_ms, first_token_ms=first_ms)
