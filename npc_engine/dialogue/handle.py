"""The handle of a running turn: how another thread ends it."""

import threading
from collections.abc import Callable

from npc_engine.messages import Reason


class TurnHandle:
    """Says whether a turn should end, and reaches the model request that is under way.

    Safe from any thread. The first reason wins; ending a turn that is over does nothing.
    """

    def __init__(self) -> None:
        """A turn that runs until it ends by itself."""
        self._lock = threading.Lock()
        self._reason: Reason | None = None
        self._cancel_request: Callable[[], None] | None = None

    @property
    def ended_by(self) -> Reason | None:
        """Why the turn should end; None while it may go on."""
        return self._reason

    def end(self, reason: Reason) -> None:
        """Ask the turn to end; takes effect within one token."""
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
