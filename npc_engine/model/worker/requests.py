"""Every request of a worker session, from hand-in to its one final event.

One lock guards all of it, and `_end` is the only place that takes a request out: that is why a
request cannot end twice, whether the worker answers, dies or is closed at the same moment. Workers
come and go; `attach` and `detach` say which one is asked now.
"""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from npc_engine.messages import Priority
from npc_engine.model.worker.entry import Entry
from npc_engine.model.worker.frames import FrameError
from npc_engine.model.worker.memory import ReadConversations
from npc_engine.model.worker.messages import (
    Cancel,
    Events,
    Forget,
    Fork,
    Message,
    Reprioritise,
    Submit,
    Warm,
)
from npc_engine.protocols import (
    FinalReason,
    GenerationEnd,
    GenerationRequest,
    TokenDelta,
)

logger = logging.getLogger(__name__)

MAX_REQUESTS = 1024
MAX_READ_AGAIN = 32

_ANSWERED = frozenset({"done", "stopped", "length"})


class Requests:
    """The requests that live, and the worker they are sent to. All methods are safe anywhere."""

    def __init__(
        self,
        now: Callable[[], float],
        on_waiting: Callable[[], None],
        *,
        max_requests: int = MAX_REQUESTS,
        max_read_again: int = MAX_READ_AGAIN,
    ) -> None:
        """Begin without a worker: requests wait for one.

        Args:
            now: Seconds that never go back.
            on_waiting: Called when a request begins to wait, outside the lock.
            max_requests: More than these at once end as failed.
            max_read_again: Conversations that a new worker reads again.
        """
        self._now = now
        self._on_waiting = on_waiting
        self._max_requests = max_requests
        self._lock = threading.Lock()
        self._live: dict[int, Entry] = {}
        self._next_number = 0
        self._worker: object = None
        self._send: Callable[[Message], None] | None = None
        self._refusal: tuple[FinalReason, str] | None = None
        self._read = ReadConversations(max_read_again)
        self._num_answered = 0
        self._left: queue.SimpleQueue[Entry] = queue.SimpleQueue()

    @property
    def num_waiting(self) -> int:
        """Requests that wait for a worker."""
        with self._lock:
            return sum(entry.sent_at is None for entry in self._live.values())

    @property
    def num_live(self) -> int:
        """Requests that have not ended."""
        with self._lock:
            return len(self._live)

    @property
    def num_answered(self) -> int:
        """Requests that a worker brought to a good end, since the start."""
        with self._lock:
            return self._num_answered

    # -- what the game asks for ---------------------------------------------------------------

    def submit(
        self, request: GenerationRequest, continuations: tuple[tuple[int, ...], ...] = ()
    ) -> Entry:
        """Take a request, or the parts of a score; events come through the entry's queue."""
        with self._lock:
            self._next_number += 1
            entry = Entry(self._next_number, request, self._now(), continuations)
            refusal = self._refusal_of(request)
            self._live[entry.number] = entry
            if refusal is not None:
                self._end(entry, *refusal)
            else:
                self._send_entry(entry)
            waits = entry.number in self._live and entry.sent_at is None
        if waits:
            self._on_waiting()
        return entry

    def cancel(self, request_id: str, heard_tokens: int | None) -> None:
        """End a request: at once if it still waits, else by the worker."""
        with self._lock:
            for entry in tuple(self._live.values()):
                if entry.request.request_id == request_id:
                    entry.is_cancelled, entry.heard_tokens = True, heard_tokens
                    if entry.sent_at is None:
                        self._end(entry, "cancelled")
                    else:
                        self._tell(Cancel(entry.name, heard_tokens))

    def leave(self, entry: Entry) -> None:
        """Nobody listens to this request any more."""
        self._left.put(entry)
        self.settle()

    def leave_later(self, entry: Entry) -> None:
        """The same at the next `settle`, without a lock: a finalizer may hold this one already."""
        self._left.put(entry)

    def reprioritise(self, request_id: str, priority: Priority) -> None:
        """Serve a request sooner or later."""
        with self._lock:
            for entry in self._live.values():
                if entry.request.request_id == request_id:
                    entry.request = replace(entry.request, priority=priority)
                    if entry.sent_at is not None:
                        self._tell(Reprioritise(entry.name, priority))

    def warm(self, conversation: str, prompt_ids: Sequence[int]) -> None:
        """Let the conversation read these ids, now or once there is a worker."""
        ids = tuple(prompt_ids)
        with self._lock:
            self._read.note(conversation, ids)
            self._tell(Warm(conversation, ids))

    def fork(self, source: str, target: str) -> None:
        """Let the target continue from a copy of what the source has read."""
        with self._lock:
            self._read.fork(source, target)
            self._tell(Fork(source, target))

    def forget(self, conversation: str) -> None:
        """Drop what the conversation has read."""
        with self._lock:
            self._read.forget(conversation)
            for entry in self._live.values():
                if entry.request.conversation == conversation:
                    entry.is_forgotten = True
            self._tell(Forget(conversation))

    # -- what becomes of workers --------------------------------------------------------------

    def attach(self, worker: object, send: Callable[[Message], None]) -> None:
        """A worker is ready: send it all that waits, and let it read the conversations again."""
        with self._lock:
            self._worker, self._send = worker, send
            if self._refusal is not None and self._refusal[0] == "failed":
                self._refusal = None
            waiting = tuple(self._live.values())
            for entry in waiting:
                self._send_entry(entry)
            busy = (entry.request.conversation for entry in waiting)
            for conversation, ids in self._read.all_but(busy):
                self._tell(Warm(conversation, ids))

    def detach(self, worker: object, problem: str) -> None:
        """The worker is gone: what it had not begun waits for the next one, once; the rest fails.

        Nothing happens if another worker is attached by now.
        """
        with self._lock:
            if worker is not self._worker:
                return
            self._worker = self._send = None
            for entry in tuple(self._live.values()):
                if entry.sent_at is None:
                    continue
                if entry.is_cancelled:
                    self._end(entry, "cancelled")
                elif entry.reply or entry.was_retried:
                    self._end(entry, "failed", problem)
                else:
                    entry.sent_at, entry.was_retried = None, True

    def deliver(self, worker: object, events: Events) -> None:
        """Hand out what the attached worker sent; another one is not listened to."""
        with self._lock:
            if worker is not self._worker:
                return
            for delta in events.deltas:
                entry = self._live.get(delta.number)
                if entry is not None:
                    entry.reply.append(delta.token_id)
                    name = entry.request.request_id
                    entry.events.put(TokenDelta(name, delta.token_id, delta.text))
            for number, end in events.ends:
                entry = self._live.get(number)
                if entry is not None:
                    self._num_answered += end.reason in _ANSWERED
                    self._end(entry, end.reason, end.error, end)

    def refuse(self, problem: str) -> None:
        """Let everything fail, now and from now on, until `accept` or the next worker."""
        with self._lock:
            if self._refusal is None:
                self._refusal = ("failed", problem)
            for entry in tuple(self._live.values()):
                self._end(entry, "failed", problem)

    def accept(self) -> None:
        """Let requests wait for a worker again."""
        with self._lock:
            if self._refusal is not None and self._refusal[0] == "failed":
                self._refusal = None

    def settle(self) -> None:
        """End the requests that nobody listens to, and those that waited past their deadline."""
        with self._lock:
            while not self._left.empty():
                left = self._left.get()
                if left.number in self._live:
                    self._end(left, "cancelled")
                    if left.sent_at is not None:
                        self._tell(Cancel(left.name))
            now = self._now()
            for entry in tuple(self._live.values()):
                if entry.sent_at is None and entry.is_late(now):
                    self._end(entry, "cancelled")

    def close(self) -> None:
        """End everything as cancelled, now and from now on."""
        with self._lock:
            self._refusal = ("cancelled", "")
            for entry in tuple(self._live.values()):
                self._end(entry, "cancelled")

    # -- inside; the lock is held -------------------------------------------------------------

    def _refusal_of(self, request: GenerationRequest) -> tuple[FinalReason, str] | None:
        """Why a new request ends at once; None if it does not."""
        if self._refusal is not None:
            return self._refusal
        if len(self._live) >= self._max_requests:
            return "failed", (
                f"{self._max_requests:,} requests are waiting already; expected fewer; "
                "ask again once some have ended"
            )
        if any(entry.request.request_id == request.request_id for entry in self._live.values()):
            return "failed", f"request {request.request_id!r} is already running"
        return None

    def _send_entry(self, entry: Entry) -> None:
        """Send a request to the worker, if there is one."""
        if self._send is None:
            return
        entry.sent_at = self._now()
        try:
            self._send(Submit(entry.number, entry.for_worker(), entry.continuations))
        except (FrameError, TypeError, ValueError) as error:
            self._end(entry, "failed", f"the request cannot be sent: {error}")

    def _tell(self, message: Message) -> None:
        """Say it to the worker, if there is one; what cannot be said is left out."""
        if self._send is None:
            return
        try:
            self._send(message)
        except (FrameError, TypeError, ValueError) as error:
            logger.warning("model worker: a %s is left out: %s", type(message).__name__, error)

    def _end(
        self,
        entry: Entry,
        reason: FinalReason,
        error: str = "",
        told: GenerationEnd | None = None,
    ) -> None:
        """Take a request out and send its final event; the only place that does."""
        del self._live[entry.number]
        was_read = entry.sent_at is not None and (told is None or reason != "failed")
        if was_read and not entry.is_forgotten:
            self._read.note(entry.request.conversation, entry.read_ids(reason))
        entry.events.put(entry.final_event(reason, error, told))
