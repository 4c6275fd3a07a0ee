"""How a turn is to be taken, and how another thread ends it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from npc_engine.messages import Priority, Reason


class TurnHandle:
    """Says whether a turn should end, and reaches the model request that is under way.

    Safe from any thread. The first reason wins; ending a turn that is over does nothing.
    """

    def __init__(self) -> None:
        """A turn that runs until it ends by itself."""
        self._lock = threading.Lock()
        self._reason: Reason | None = None
        self._cancel_request: Callable[[], None] | None = None
        self.observe: Callable[[Reason | None], Reason | None] | None = None
        """Told what the turn finds each time it looks, and says what it is to find."""
        self.is_deaf = False
        """Whether nobody can end the turn from outside, as in a replay."""
        self.queue: Callable[[], SimpleQueue[Any]] = SimpleQueue
        """Makes the queue in which several replies at once come together."""

    @property
    def ended_by(self) -> Reason | None:
        """Why the turn should end; None while it may go on. For the turn itself."""
        return self._reason if self.observe is None else self.observe(self._reason)

    @property
    def has_ended(self) -> bool:
        """Whether anybody wants the turn to end; for whoever waits and looks again and again."""
        return self._reason is not None

    def end(self, reason: Reason) -> None:
        """Ask the turn to end; takes effect within one token."""
        if self.is_deaf:
            return
        with self._lock:
            self._reason = self._reason or reason
            cancel_request = self._cancel_request
        if cancel_request is not None:
            cancel_request()

    def attach(self, cancel_request: Callable[[], None] | None) -> None:
        """Tell how to cancel the request that now runs; None when there is none.

        A turn that was ended before its request began cancels it at once.
        """
        with self._lock:
            self._cancel_request = cancel_request
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
