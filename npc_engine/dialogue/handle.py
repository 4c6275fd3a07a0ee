"""How a turn is to be taken, and how another thread ends it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from npc_engine.dialogue.pace import Pace
from npc_engine.messages import Priority, Reason


class TurnHandle:
    """Says whether a turn should end, and reaches the model request that is under way.

    Safe from any thread. The first reason wins; ending a turn that is over does nothing.
    """

    def __init__(self) -> None:
        """A turn that runs until it ends by itself."""
        self._lock = threading.Lock()
        self._reason: Reason | None = None
        self._heard_chars: int | None = None
        self._priority: Priority | None = None
        self._cancel_request: Callable[[], None] | None = None
        self.observe: Callable[[Reason | None], Reason | None] | None = None
        """Told what the turn finds each time it looks, and says what it is to find."""
        self.is_deaf = False
        """Whether nobody can end the turn from outside, as in a replay."""
        self.queue: Callable[[], SimpleQueue[Any]] = SimpleQueue
        """Makes the queue in which several replies at once come together."""
        self.meet_heard: Callable[[Callable[[], int | None]], int | None] | None = None
        """Says how much was heard, as `settle` is to find it; given how to find out."""
        self._serve_as: Callable[[Priority], None] | None = None
        self._is_settled = False
        self.said_before: tuple[int, int] | None = None
        """Entry of the words said before an action, and where the words after them begin."""

    @property
    def ended_by(self) -> Reason | None:
        """Why the turn should end; None while it may go on. For the turn itself."""
        return self._reason if self.observe is None else self.observe(self._reason)

    @property
    def has_ended(self) -> bool:
        """Whether anybody wants the turn to end; for whoever waits and looks again and again."""
        return self._reason is not None

    @property
    def heard_chars(self) -> int | None:
        """How much of the reply was heard when it was cancelled; None is all of it."""
        return self._heard_chars

    @property
    def priority(self) -> Priority | None:
        """Who waits for the turn by now; None: as its order says."""
        return self._priority

    def end(self, reason: Reason, heard_chars: int | None = None) -> bool:
        """Ask the turn to end; takes effect within one token.

        Args:
            reason: Why.
            heard_chars: How much of the reply was heard; the first such number wins.

        Returns:
            Whether what was heard will be respected; not once the reply is being stored.
        """
        if self.is_deaf:
            return True
        with self._lock:
            self._reason = self._reason or reason
            if heard_chars is not None and not self._is_settled and self._heard_chars is None:
                self._heard_chars = heard_chars
            in_time = not self._is_settled
            cancel_request = self._cancel_request
        if cancel_request is not None:
            cancel_request()
        return in_time

    def settle(self) -> int | None:
        """The reply is about to be stored; returns how much of it was heard, None for all."""
        return self._settled() if self.meet_heard is None else self.meet_heard(self._settled)

    def _settled(self) -> int | None:
        with self._lock:
            self._is_settled = True
            return self._heard_chars

    def serve_as(self, priority: Priority) -> None:
        """Let the turn be served as if somebody of this class waited for it."""
        with self._lock:
            self._priority = priority
            serve_as = self._serve_as
        if serve_as is not None:
            serve_as(priority)

    def attach(
        self,
        cancel_request: Callable[[], None] | None,
        serve_as: Callable[[Priority], None] | None = None,
    ) -> None:
        """Tell how to cancel and to reprioritise the request that now runs; None if there is none.

        A turn that was ended before its request began cancels it at once.
        """
        with self._lock:
            self._cancel_request = cancel_request
            self._serve_as = serve_as
            ended = self._reason is not None
        if ended and cancel_request is not None:
            cancel_request()


@dataclass(frozen=True, slots=True)
class TurnOrder:
    """How a turn is to be taken: for which line, who waits for it, and for how long."""

    line_id: int
    handle: TurnHandle
    epoch: int
    """The save's epoch when the line was handed in; after a restore nothing of it is stored."""
    priority: Priority = "player"
    deadline: float | None = None
    """Monotonic seconds of the talk's clock at which the reply must be over; None is never."""
    contexts: tuple[str, ...] = ()
    """Texts the game gives with the line, for this reply alone."""
    candidates: int | None = None
    """How many replies are written at once; None: as the sheet or the engine says."""
    pace: Pace | None = None
    """How fast replies come here; None: a reply may always be as long as its plan allows."""

    def most_tokens(self, reply_tokens: int, now: float) -> int:
        """How long the reply may be; short where a usual one would come too late.

        Args:
            reply_tokens: What its plan has kept for it.
            now: Monotonic seconds of the talk's clock.
        """
        if self.pace is None or self.deadline is None:
            return reply_tokens
        return self.pace.most_tokens(reply_tokens, self.deadline - now)
