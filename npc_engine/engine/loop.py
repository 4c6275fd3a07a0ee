"""What runs beneath the facade: the threads, the lines under way, and the delivery of events.

Turns of one NPC in one chat run one after the other, those of different NPCs at the same time.
Folds, warm-ups and the loading of the model have a thread each. Whatever they all bring forth
waits in the inbox until somebody ticks.
"""

import logging
import threading
from collections.abc import Callable, Hashable, Iterator

from npc_engine.dialogue.action_rules import Settlement
from npc_engine.dialogue.handle import TurnHandle
from npc_engine.engine.action_desk import Desk, LateCall
from npc_engine.engine.inbox import LINE_EVENTS, Inbox
from npc_engine.engine.journal import Journal
from npc_engine.engine.lanes import Lanes
from npc_engine.engine.line import Line
from npc_engine.engine.warming import Warmer
from npc_engine.errors import CommandError, LateWriteError, NpcEngineError
from npc_engine.events import (
    ActionProposed,
    Event,
    LineEnded,
    LineEvent,
    ModelLoading,
    ModelReady,
    Notice,
)
from npc_engine.messages import Reason, Usage
from npc_engine.protocols import Clock, ModelSession

_log = logging.getLogger(__name__)

_WAIT_S = 0.05
"""How often a waiting thread looks whether it still has to wait."""
_CLOSE_S = 15.0
"""How long closing waits for the turns under way, and then for each of the other threads."""

Progress = Callable[[str, float | None], None]
OpenSession = Callable[[Progress], ModelSession]


class Loop:
    """Threads, lines and events of one engine. `tick` belongs to one thread; the rest to any."""

    def __init__(
        self, session: ModelSession | OpenSession, clock: Clock, journal: Journal | None = None
    ) -> None:
        """Start the threads; a session that still has to be opened is opened on one of them."""
        self.clock = clock
        self.journal = journal or Journal()
        """Of what happens here, for recordings."""
        self.inbox = Inbox()
        self.inbox.observe = self.journal.note_event
        self._numbering = self.journal.lock()
        self._lock = threading.Lock()
        self._lines: dict[int, Line] = {}
        self._limited: dict[int, Line] = {}
        self._line_count = 0
        self.desk = Desk(clock, self.inbox.post, self._store_late)
        """Where actions go to the game."""
        self.late_calls: Callable[[LateCall, Settlement], None] | None = None
        """Stores what became of actions whose turn is over."""
        self._subscribers: list[Callable[[Event], None]] = []
        self._session: ModelSession | None = None
        self._load_error: NpcEngineError | None = None
        self._loaded = threading.Event()
        self._closed = False
        self._turns = Lanes("npc-engine-turn")
        self.folds = self.journal.fold_work("npc-engine-folds")
        """What nobody waits for: the summaries of old turns."""
        self.warmer = Warmer(self._session_to_warm)
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
        return self.journal.loaded(self._session)

    @property
    def load_error(self) -> NpcEngineError | None:
        """Why the model could not be loaded."""
        return self._load_error

    @property
    def is_closed(self) -> bool:
        """Whether closing has begun."""
        return self.journal.closing(self._closed)

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

    def session_for(self, turn: TurnHandle) -> ModelSession | None:
        """Wait for the model in a turn; None when the turn must end without it."""
        while not self._loaded.wait(_WAIT_S):
            if turn.has_ended or self._closed:
                return self.journal.loaded(None)
        return self.session

    # -- lines --------------------------------------------------------------------------------

    def require_open(self) -> None:
        """Raise `CommandError` once the engine is closed."""
        if self._closed:
            raise CommandError("the engine is closed")

    def new_line(self, npc_id: str, said: str, deadline_s: float | None) -> Line:
        """Register a line; its deadline counts from now."""
        deadline = None if deadline_s is None else self.clock.monotonic() + deadline_s
        with self._numbering, self._lock:
            self.require_open()
            self._line_count += 1
            line = Line(self._line_count, npc_id, said, deadline)
            self.journal.watch(line.handle, actor_of(line))
            self._lines[line.id] = line
            if deadline is not None:
                self._limited[line.id] = line
            return line

    def run_turn(self, lane: Hashable, line: Line, turn: Callable[[], None]) -> None:
        """Queue a turn behind those of its lane; in a closed engine the line ends at once."""
        if not self._turns.submit(lane, turn):
            self.inbox.post(_ended(line, "cancelled", "the engine was closed"))

    def run_in_lane(self, lane: Hashable, job: Callable[[], None]) -> None:
        """Queue a short job behind those of its lane; nothing happens in a closed engine."""
        self._turns.submit(lane, job)

    def post_turn(self, line: Line, events: Iterator[LineEvent]) -> None:
        """Post the events of a turn; whatever happens, its line ends exactly once."""
        end = _ended(line, "failed", "the turn ended without an end")
        try:
            for event in events:
                self.inbox.post(event)
                if isinstance(event, LineEnded):
                    return
        except LateWriteError as error:
            end = _ended(line, "cancelled", str(error))
        except NpcEngineError as error:
            end = _ended(line, "failed", str(error))
        except Exception as error:  # noqa: BLE001  a turn must end its line, whatever broke
            _log.exception("a turn of %s failed", line.npc)
            end = _ended(line, "failed", f"{type(error).__name__}: {error}")
        if end.reason == "failed":
            self.inbox.post(Notice("error", end.detail))
        self.inbox.post(end)

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
        if self._limited:
            with self._lock:
                limited = tuple(self._limited.values())
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
        """End all lines, finish the turns under way, stop the threads and free the model."""
        with self._lock:
            self._closed = True
        self.cancel_all()
        self.desk.close()
        in_time = self._turns.close(_CLOSE_S)
        self.folds.stop()
        if self._session is not None:
            self._session.close()
        if not in_time and not self._turns.close(_CLOSE_S):
            _log.error("a turn did not end within %g s of closing", 2 * _CLOSE_S)
        self.warmer.close(_CLOSE_S)
        self.folds.close(_CLOSE_S)

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
            self._session = None if late else session
        if late:
            session.close()
            self._loaded.set()
            return
        self._take(session)

    def _take(self, session: ModelSession) -> None:
        self._session = self.journal.session(session)
        self._loaded.set()
        self.inbox.post(ModelReady(session.info.name, session.info.device, session.info.dtype))

    def _session_to_warm(self) -> ModelSession | None:
        while not self._loaded.wait(_WAIT_S):
            if self._closed:
                return None
        return None if self._closed else self._session

    def _store_late(self, call: LateCall, settlement: Settlement) -> None:
        if self.late_calls is not None:
            self.late_calls(call, settlement)

    def _deliver(self, event: Event) -> None:
        call = self.desk.deliver(event) if isinstance(event, ActionProposed) else None
        if isinstance(event, LINE_EVENTS):
            line = self._lines.get(event.line_id)
            if isinstance(event, LineEnded):
                with self._lock:
                    self._lines.pop(event.line_id, None)
                    self._limited.pop(event.line_id, None)
            if line is not None:
                if call is not None:
                    line.actions += (call,)
                line.deliver(event)
        for listen in tuple(self._subscribers):
            listen(event)


def actor_of(line: Line) -> str:
    """Who acts in a journal while a line is answered."""
    return f"line:{line.id}"


def _ended(line: Line, reason: Reason, detail: str) -> LineEnded:
    """The end of a line to which nothing was said."""
    return LineEnded(line.id, line.npc, "", reason, "silence", None, Usage(), detail)
