"""What runs beneath the facade: the threads, the lines under way, and the delivery of events.

Turns run one after the other on a thread of their own; folds and the loading of the model run on
two others. Whatever they bring forth waits in the inbox until somebody ticks.
"""

import logging
import threading
from collections.abc import Callable, Iterator

from npc_engine.engine.inbox import Inbox
from npc_engine.engine.line import Line
from npc_engine.engine.work import WorkThread
from npc_engine.errors import CommandError, NpcEngineError
from npc_engine.events import (
    Event,
    LineEnded,
    LineEvent,
    LineRecorded,
    ModelLoading,
    ModelReady,
    Notice,
    ReplyStarted,
    TextDelta,
    TextReset,
)
from npc_engine.messages import Usage
from npc_engine.protocols import Clock, ModelSession

_log = logging.getLogger(__name__)

_LINE_EVENTS = (LineRecorded, ReplyStarted, TextDelta, TextReset, LineEnded)
_WAIT_S = 0.05
"""How often a waiting thread looks whether it still has to wait."""
_CLOSE_S = 15.0

Progress = Callable[[str, float | None], None]
OpenSession = Callable[[Progress], ModelSession]


class Loop:
    """Threads, lines and events of one engine. `tick` belongs to one thread; the rest to any."""

    def __init__(self, session: ModelSession | OpenSession, clock: Clock) -> None:
        """Start the threads; a session that still has to be opened is opened on one of them."""
        self.clock = clock
        self.inbox = Inbox()
        self._lock = threading.Lock()
        self._lines: dict[int, Line] = {}
        self._line_count = 0
        self._subscribers: list[Callable[[Event], None]] = []
        self._session: ModelSession | None = None
        self._load_error: NpcEngineError | None = None
        self._loaded = threading.Event()
        self._closed = False
        self._turns = WorkThread("npc-engine-turns")
        self._folds = WorkThread("npc-engine-folds")
        if callable(session):
            self._loader = threading.Thread(
                target=self._load, args=(session,), name="npc-engine-load", daemon=True
            )
            self._loader.start()
        else:
            self._take(session)

    # -- the model ----------------------------------------------------------------------------

    @property
    def session(self) -> ModelSession | None:
        """The model; None while it loads, and when that failed."""
        return self._session

    @property
    def load_error(self) -> NpcEngineError | None:
        """Why the model could not be loaded."""
        return self._load_error

    @property
    def is_closed(self) -> bool:
        """Whether closing has begun."""
        return self._closed

    def wait_ready(self, timeout_s: float | None) -> ModelSession:
        """Wait for the model and deliver events meanwhile; see `Engine.wait_ready`."""
        end = None if timeout_s is None else self.clock.monotonic() + timeout_s
        while not self._loaded.wait(_WAIT_S):
            self.tick(None)
            if end is not None and self.clock.monotonic() >= end:
                raise TimeoutError(f"the model was not ready after {timeout_s:g} s")
        self.tick(None)
        if self._load_error is not None:
            raise self._load_error
        if self._session is None:
            raise CommandError("the engine is closed")
        return self._session

    def session_for(self, line: Line) -> ModelSession | None:
        """Wait for the model on the turn thread; None when the line must end without it."""
        while not self._loaded.wait(_WAIT_S):
            if line.handle.ended_by is not None or self._closed:
                return None
        return self._session

    # -- lines --------------------------------------------------------------------------------

    def new_line(self, npc_id: str, said: str, deadline_s: float | None) -> Line:
        """Register a line; its deadline counts from now."""
        deadline = None if deadline_s is None else self.clock.monotonic() + deadline_s
        with self._lock:
            if self._closed:
                raise CommandError("the engine is closed")
            self._line_count += 1
            line = Line(self._line_count, npc_id, said, deadline)
            self._lines[line.id] = line
            return line

    def run_turn(
        self, line: Line, events: Callable[[], Iterator[LineEvent]], after: Callable[[], None]
    ) -> None:
        """Queue a turn: its events, and what to do once they are handed over."""
        self._turns.submit(lambda: self._take_turn(line, events, after))

    def run_between_turns(self, job: Callable[[], None]) -> None:
        """Queue a short job that must not fall into the middle of a turn."""
        self._turns.submit(job)

    def run_aside(self, job: Callable[[], None]) -> None:
        """Queue a job that nobody waits for, such as the writing of a summary."""
        self._folds.submit(job)

    def cancel_all(self) -> None:
        """Ask every line to end."""
        with self._lock:
            lines = tuple(self._lines.values())
        for line in lines:
            line.cancel()

    # -- delivery -----------------------------------------------------------------------------

    def tick(self, budget_ms: float | None) -> int:
        """Deliver waiting events on this thread; see `Engine.tick`."""
        start = self.clock.monotonic()
        with self._lock:
            limited = [line for line in self._lines.values() if line.deadline is not None]
        for line in limited:
            line.expire(start)
        delivered = 0
        while (event := self.inbox.take()) is not None:
            self._deliver(event)
            delivered += 1
            if budget_ms is not None and (self.clock.monotonic() - start) * 1000 >= budget_ms:
                break
        return delivered

    def wait(self, line: Line) -> None:
        """Deliver events on this thread until a line has ended."""
        while not line.done:
            self.inbox.wait(_WAIT_S)
            self.tick(None)

    def subscribe(self, listen: Callable[[Event], None]) -> Callable[[], None]:
        """See `Engine.subscribe`."""
        self._subscribers.append(listen)
        return lambda: self._subscribers.remove(listen)

    def close(self) -> None:
        """End all lines, finish the turn under way, stop the threads and free the model."""
        with self._lock:
            self._closed = True
        self.cancel_all()
        if not self._turns.close(_CLOSE_S):
            _log.error("a turn did not end within %g s of closing", _CLOSE_S)
        if self._session is not None:
            self._session.close()
        self._folds.close(_CLOSE_S)

    # -- inside -------------------------------------------------------------------------------

    def _load(self, open_session: OpenSession) -> None:
        try:
            session = open_session(lambda step, share: self.inbox.post(ModelLoading(step, share)))
        except NpcEngineError as error:
            self._load_error = error
            self.inbox.post(Notice("error", str(error)))
            self._loaded.set()
            return
        except Exception as error:  # noqa: BLE001  the outer edge of the loading thread
            _log.exception("the model could not be loaded")
            self._load_error = NpcEngineError(f"the model could not be loaded: {error}")
            self.inbox.post(Notice("error", str(self._load_error)))
            self._loaded.set()
            return
        with self._lock:
            late = self._closed
        if late:
            session.close()
            self._loaded.set()
            return
        self._take(session)

    def _take(self, session: ModelSession) -> None:
        self._session = session
        self._loaded.set()
        self.inbox.post(ModelReady(session.info.name, session.info.device, session.info.dtype))

    def _take_turn(
        self, line: Line, events: Callable[[], Iterator[LineEvent]], after: Callable[[], None]
    ) -> None:
        """Take one turn on the turn thread; whatever happens, the line ends exactly once."""
        ended = False
        detail = "the turn ended without an end"
        try:
            for event in events():
                ended = ended or isinstance(event, LineEnded)
                self.inbox.post(event)
        except NpcEngineError as error:
            detail = str(error)
        except Exception as error:  # noqa: BLE001  a turn must end its line, whatever broke
            _log.exception("a turn of %s failed", line.npc)
            detail = f"{type(error).__name__}: {error}"
        if not ended:
            self.inbox.post(Notice("error", detail))
            self.inbox.post(
                LineEnded(line.id, line.npc, "", "failed", "silence", None, Usage(), detail)
            )
        after()

    def _deliver(self, event: Event) -> None:
        if isinstance(event, _LINE_EVENTS):
            with self._lock:
                line = self._lines.get(event.line_id)
                if isinstance(event, LineEnded):
                    self._lines.pop(event.line_id, None)
            if line is not None:
                line.deliver(event)
        for listen in tuple(self._subscribers):
            listen(event)
