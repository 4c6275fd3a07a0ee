"""The events of one request, for one consumer; the same iterator for every kind of session."""

import queue
from collections.abc import Callable, Iterator

from npc_engine.protocols import GenerationEnd, ModelEvent


class EventStream:
    """Yields events up to the final one. Leaving early, by `close` or by dropping it, cancels."""

    def __init__(
        self,
        session: object,
        events: "queue.SimpleQueue[ModelEvent]",
        leave: Callable[[], None],
        dropped: Callable[[], None] | None = None,
    ) -> None:
        """Read a queue.

        Args:
            session: Kept alive as long as somebody reads.
            events: Ends with a `GenerationEnd`.
            leave: Cancels the request.
            dropped: The same for a stream that is collected as garbage, where locks must not be
                taken; by default `leave`.
        """
        self._session = session
        self._events = events
        self._leave = leave
        self._dropped = dropped or leave
        self._is_over = False

    def __iter__(self) -> Iterator[ModelEvent]:
        return self

    def __next__(self) -> ModelEvent:
        if self._is_over:
            raise StopIteration
        event = self._events.get()
        self._is_over = isinstance(event, GenerationEnd)
        return event

    def close(self) -> None:
        """Leave early: the request is cancelled."""
        if not self._is_over:
            self._is_over = True
            self._leave()

    def __del__(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._dropped()
