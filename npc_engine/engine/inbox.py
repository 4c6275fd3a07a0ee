"""Events on their way from the engine's threads to whoever asks for them."""

import threading
from collections import deque
from collections.abc import Callable

from npc_engine.events import Event, TextDelta


class Inbox:
    """A queue of events that never blocks the sender and stays small when nobody reads.

    Waiting text of one line is joined into one event, so a game that stops ticking holds back at
    most one text event between two others of the same line. Safe from any thread.
    """

    def __init__(self) -> None:
        """An empty inbox."""
        self._condition = threading.Condition()
        self._events: deque[Event] = deque()
        self._wakers: list[Callable[[], None]] = []

    def post(self, event: Event) -> None:
        """Add an event and wake everybody who waits."""
        with self._condition:
            last = self._events[-1] if self._events else None
            if (
                isinstance(event, TextDelta)
                and isinstance(last, TextDelta)
                and last.line_id == event.line_id
            ):
                self._events[-1] = TextDelta(event.line_id, last.text + event.text)
            else:
                self._events.append(event)
            self._condition.notify_all()
            wakers = tuple(self._wakers)
        for wake in wakers:
            wake()

    def take(self) -> Event | None:
        """The oldest event, or None."""
        with self._condition:
            return self._events.popleft() if self._events else None

    def wait(self, timeout_s: float) -> bool:
        """Wait until there is an event; False when the time ran out."""
        with self._condition:
            return self._condition.wait_for(lambda: bool(self._events), timeout_s)

    def add_waker(self, wake: Callable[[], None]) -> None:
        """Call `wake` after every post, on the sender's thread; it must not block."""
        with self._condition:
            self._wakers.append(wake)

    def remove_waker(self, wake: Callable[[], None]) -> None:
        """Stop calling `wake`."""
        with self._condition:
            self._wakers.remove(wake)
