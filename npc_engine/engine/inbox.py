"""Events on their way from the engine's threads to whoever asks for them."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from npc_engine.events import (
    ActionDropped,
    ActionEnded,
    ActionHeld,
    ActionProposed,
    AuthoredLineFound,
    EmotionShown,
    Event,
    LineEnded,
    LineRecorded,
    ReplyStarted,
    SentenceSpoken,
    TextDelta,
    TextReset,
)

LINE_EVENTS = (
    LineRecorded,
    ReplyStarted,
    AuthoredLineFound,
    TextDelta,
    TextReset,
    ActionProposed,
    ActionHeld,
    ActionEnded,
    ActionDropped,
    EmotionShown,
    SentenceSpoken,
    LineEnded,
)


@dataclass(slots=True, eq=False)
class _Text:
    """Text of one line that waits, in the pieces in which it came."""

    line_id: int
    pieces: list[str] = field(default_factory=list)


class Inbox:
    """A queue of events that never blocks the sender and stays small when nobody reads.

    Waiting text of one line is joined into one event, however many lines are being spoken: a game
    that stops ticking holds back at most one text event between two others of the same line. The
    events of one line keep their order; text may come before events of other lines that are older
    than its end. Safe from any thread.
    """

    def __init__(self) -> None:
        """An empty inbox."""
        self._condition = threading.Condition()
        self._events: deque[Event | _Text] = deque()
        self._open_texts: dict[int, _Text] = {}
        self._wakers: list[Callable[[], None]] = []
        self.observe: Callable[[Event], None] | None = None
        """Told of every event before anybody can take it, on the sender's thread."""

    def post(self, event: Event) -> None:
        """Add an event and wake everybody who waits."""
        if self.observe is not None:
            self.observe(event)
        with self._condition:
            if isinstance(event, TextDelta):
                text = self._open_texts.get(event.line_id)
                if text is None:
                    text = self._open_texts[event.line_id] = _Text(event.line_id)
                    self._events.append(text)
                text.pieces.append(event.text)
            else:
                if isinstance(event, LINE_EVENTS):
                    self._open_texts.pop(event.line_id, None)
                self._events.append(event)
            self._condition.notify_all()
            wakers = tuple(self._wakers)
        for wake in wakers:
            wake()

    def take(self) -> Event | None:
        """The oldest event, or None."""
        if not self._events:
            return None
        with self._condition:
            if not self._events:
                return None
            event = self._events.popleft()
            if not isinstance(event, _Text):
                return event
            if self._open_texts.get(event.line_id) is event:
                del self._open_texts[event.line_id]
        return TextDelta(event.line_id, "".join(event.pieces))

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
