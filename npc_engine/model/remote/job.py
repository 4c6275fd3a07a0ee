"""One request on its way to a server: its events, its place in the queue, what it cost."""

import math
import queue
import time
from dataclasses import dataclass, field

from npc_engine.messages import Priority, Usage
from npc_engine.model.remote.stream import ServerUsage
from npc_engine.protocols import (
    FinalReason,
    GenerationEnd,
    GenerationRequest,
    ModelEvent,
    TokenDelta,
)

_RANK: dict[Priority, int] = {"player": 0, "ambient": 1, "background": 2}


@dataclass(eq=False, slots=True)
class RemoteJob:
    """A request and everything that is known about it so far."""

    request: GenerationRequest
    order: int
    events: "queue.SimpleQueue[ModelEvent]" = field(default_factory=queue.SimpleQueue)
    handed_in_at: float = field(default_factory=time.monotonic)
    priority: Priority = "player"
    ending: FinalReason = "cancelled"
    error: str = ""
    tail: str = ""
    was_read: bool = False
    """The server has begun to answer, so it has read the prompt."""
    server_usage: ServerUsage | None = None
    num_tokens: int = 0
    begun_at: float = 0.0
    first_at: float = 0.0
    last_at: float = 0.0

    def __post_init__(self) -> None:
        """Begin with the priority that was asked for."""
        self.priority = self.request.priority

    @property
    def late_at(self) -> float:
        """Monotonic seconds after which nobody waits any more."""
        after = self.request.deadline_s
        return math.inf if after is None else self.handed_in_at + after

    @property
    def urgency(self) -> tuple[int, float, int]:
        """Smaller is served first."""
        return (_RANK[self.priority], self.late_at, self.order)

    def deliver(self, token_id: int, text: str) -> None:
        """Hand a token out."""
        self.last_at = time.monotonic()
        self.first_at = self.first_at or self.last_at
        self.num_tokens += 1
        self.events.put(TokenDelta(self.request.request_id, token_id, text))

    def end(self) -> None:
        """Hand the final event out."""
        self.events.put(
            GenerationEnd(self.request.request_id, self.ending, self.usage(), self.tail, self.error)
        )

    def usage(self) -> Usage:
        """The server's own counts where it sent them, else the local ones."""
        prompt = len(self.request.prompt_ids) if self.was_read else 0
        reused = 0
        if self.server_usage is not None:
            prompt, reused = self.server_usage.prompt_tokens, self.server_usage.cached_tokens
        spoke = self.num_tokens > 0
        return Usage(
            prompt_tokens=prompt,
            reused_tokens=reused,
            prefilled_tokens=prompt - reused,
            reply_tokens=self.num_tokens,
            queue_ms=(self.begun_at - self.handed_in_at) * 1000 if self.begun_at else 0.0,
            first_token_ms=(self.first_at - self.handed_in_at) * 1000 if spoke else 0.0,
            decode_ms=(self.last_at - self.first_at) * 1000 if spoke else 0.0,
        )
