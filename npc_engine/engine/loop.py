"""What runs beneath the facade: the threads, the lines under way, and the delivery of events.

Turns of one NPC in one chat run one after the other, those of different NPCs at the same time.
Folds, warm-ups and the loading of the model have a thread each. Whatever they all bring forth
waits in the inbox until somebody ticks.
"""

import logging
from collections.abc import Callable, Hashable, Iterator, Mapping
from math import inf

from npc_engine.dialogue.action_rules import Settlement
from npc_engine.dialogue.handle import TurnHandle
from npc_engine.engine.action_desk import Desk, LateCall
from npc_engine.engine.admission import Admission, ended_unheard
from npc_engine.engine.attention import Attention
from npc_engine.engine.deadlines import NO_DEADLINES, Deadlines
from npc_engine.engine.delivery import Delivery
from npc_engine.engine.inbox import Inbox
from npc_engine.engine.journal import Journal
from npc_engine.engine.lanes import Lanes, Urgency
from npc_engine.engine.line import Line
from npc_engine.engine.loading import Loading, OpenSession
from npc_engine.engine.met_desk import MetDesk
from npc_engine.engine.met_pace import MetPace
from npc_engine.engine.open_lines import MAX_LINES, RANK, OpenLines
from npc_engine.engine.stats import EngineStats
from npc_engine.engine.warming import Warmer
from npc_engine.errors import CommandError, LateWriteError, NpcEngineError
from npc_engine.events import (
    Event,
    LineEnded,
    LineEvent,
    Notice,
    ReplyStarted,
    TextDelta,
)
from npc_engine.messages import Priority
from npc_engine.protocols import Clock, ModelSession

_log = logging.getLogger(__name__)

_WAIT_S = 0.05
"""How often a waiting thread looks whether it still has to wait."""
_CLOSE_S = 15.0
"""How long closing waits for the turns under way, and then for each of the other threads."""


class Loop:
    """Threads, lines and events of one engine. `tick` belongs to one thread; the rest to any."""

    def __init__(
        self,
        session: ModelSession | OpenSession,
        clock: Clock,
        journal: Journal | None = None,
        *,
        max_lines: int = MAX_LINES,
        deadlines: Mapping[Priority, Deadlines] | None = None,
    ) -> None:
        """Start the threads; a session that still has to be opened is opened on one of them."""
        self.clock = clock
        self.journal = journal or Journal()
        """Of what happens here, for recordings."""
        self.inbox = Inbox()
        self.inbox.observe = self.journal.note_event
        self._numbering = self.journal.lock()
        self.desk = Desk(clock, self.inbox.post, self._store_late)
        """Where actions go to the game."""
        self.met_desk = MetDesk(self.desk, self.journal)
        """The same for the turns."""
        self.late_calls: Callable[[LateCall, Settlement], None] | None = None
        """Stores what became of actions whose turn is over."""
        self.lines = OpenLines(max_lines)
        """The lines that have not ended for their listeners."""
        self.admission = Admission(self.lines, self.inbox.post, self.journal)
        """Which of them may have a turn."""
        self.attention = Attention()
        """How far everybody is from the player."""
        self.pace = MetPace(self.journal)
        """How fast replies come."""
        self._deadlines = deadlines or {}
        self.delivery = Delivery(self.inbox, self.lines, self.desk, clock)
        """Brings events to the game's handlers."""
        self._closed = False
        self._turns = Lanes("npc-engine-turn", self.journal.most_turns)
        self.folds = self.journal.fold_work("npc-engine-folds")
        """What nobody waits for: the summaries of old turns."""
        self._loading = Loading(session, self.inbox, self.journal)
        self.warmer = Warmer(self._session_to_warm)

    # -- the model ----------------------------------------------------------------------------

    @property
    def session(self) -> ModelSession | None:
        """The model; None while it loads, and when that failed."""
        return self.journal.loaded(self._loading.session)

    @property
    def load_error(self) -> NpcEngineError | None:
        """Why the model could not be loaded."""
        return self._loading.error

    @property
    def is_closed(self) -> bool:
        """Whether closing has begun."""
        return self.journal.closing(self._closed)

    def wait_ready(self, timeout_s: float | None) -> ModelSession:
        """Wait for the model and deliver events meanwhile; see `Engine.wait_ready`."""
        end = None if timeout_s is None else self.clock.monotonic() + timeout_s
        while not self._loading.wait(_WAIT_S):
            self.tick_if_free()
            if end is not None and self.clock.monotonic() >= end:
                raise TimeoutError(f"the model was not ready after {timeout_s:g} s")
        self.tick_if_free()
        if self._loading.error is not None:
            raise self._loading.error
        if self._loading.session is None:
            raise CommandError("the engine is closed")
        return self._loading.session

    def session_for(self, turn: TurnHandle) -> ModelSession | None:
        """Wait for the model in a turn; None when the turn must end without it."""
        while not self._loading.wait(_WAIT_S):
            if turn.has_ended or self._closed:
                return self.journal.loaded(None)
        return self.session

    # -- lines --------------------------------------------------------------------------------

    def require_open(self) -> None:
        """Raise `CommandError` once the engine is closed."""
        if self._closed:
            raise CommandError("the engine is closed")

    def new_line(
        self,
        npc_id: str,
        said: str,
        deadline_s: float | None,
        *,
        first_s: float | None = None,
        priority: Priority = "player",
        interruptible: bool = True,
    ) -> Line:
        """Make a line; its deadlines count from now. It is then admitted or refused."""
        now = self.clock.monotonic()
        usual = self._deadlines.get(priority, NO_DEADLINES)
        total_s = usual.total_s if deadline_s is None else deadline_s
        first_s = usual.first_s if first_s is None else first_s

        def make(line_id: int) -> Line:
            line = Line(
                line_id,
                npc_id,
                said,
                None if total_s is None else now + total_s,
                first_deadline=None if first_s is None else now + first_s,
                priority=priority,
                interruptible=interruptible,
                handed_in_at=now,
            )
            self.journal.watch(line.handle, actor_of(line))
            return line

        with self._numbering:
            self.require_open()
            return self.lines.add(make)

    def run_turn(self, lane: Hashable, line: Line, turn: Callable[[], None]) -> None:
        """Queue a turn behind those of its lane; in a closed engine the line ends at once."""
        is_queued = self._turns.submit(lane, turn, lambda: self._urgency(line))
        if not is_queued:
            self.admission.end_waiting(line)

    def run_in_lane(self, lane: Hashable, job: Callable[[], None]) -> None:
        """Queue a short job behind those of its lane; nothing happens in a closed engine."""
        self._turns.submit(lane, job)

    def post_told(self, line: Line, events: Iterator[LineEvent]) -> None:
        """Post all events of a line that has no turn, its end among them."""
        line.handle.settle()
        for event in events:
            self.inbox.post(event)

    def post_turn(self, line: Line, events: Iterator[LineEvent]) -> None:
        """Post the events of a turn; whatever happens, its line ends exactly once."""
        end = ended_unheard(line, "failed", "the turn ended without an end")
        try:
            for event in events:
                self._note(line, event)
                self.inbox.post(event)
                if isinstance(event, LineEnded):
                    return
        except LateWriteError as error:
            end = ended_unheard(line, "cancelled", str(error))
        except NpcEngineError as error:
            end = ended_unheard(line, "failed", str(error))
        except Exception as error:  # noqa: BLE001  a turn must end its line, whatever broke
            _log.exception("a turn of %s failed", line.npc)
            end = ended_unheard(line, "failed", f"{type(error).__name__}: {error}")
        finally:
            self._is_read(line)
        if end.reason == "failed":
            self.inbox.post(Notice("error", end.detail))
        self.inbox.post(end)

    def cancel_all(self) -> None:
        """Ask every line to end."""
        for line in self.lines.all():
            line.cancel()

    # -- delivery -----------------------------------------------------------------------------

    def tick(self, budget_ms: float | None) -> int:
        """Deliver waiting events on this thread; see `Engine.tick`."""
        with self.journal.aside():
            return self.delivery.tick(budget_ms)

    def tick_if_free(self) -> None:
        """Deliver what waits, unless another thread does."""
        with self.journal.aside():
            self.delivery.tick_if_free()

    def stats(self) -> EngineStats:
        """See `Engine.stats`."""
        return self.delivery.stats(self.pace)

    def wait(self, line: Line) -> None:
        """Deliver events on this thread until a line has ended."""
        while not line.done:
            self.inbox.wait(_WAIT_S)
            self.tick_if_free()

    def subscribe(self, listen: Callable[[Event], None]) -> Callable[[], None]:
        """See `Engine.subscribe`."""
        return self.delivery.subscribe(listen)

    def close(self) -> None:
        """End all lines, finish the turns under way, stop the threads and free the model."""
        self._closed = True
        self._loading.stop()
        self.cancel_all()
        self.desk.close()
        in_time = self._turns.close(_CLOSE_S)
        self.folds.stop()
        if self._loading.session is not None:
            self._loading.session.close()
        if not in_time and not self._turns.close(_CLOSE_S):
            _log.error("a turn did not end within %g s of closing", 2 * _CLOSE_S)
        self.warmer.close(_CLOSE_S)
        self.folds.close(_CLOSE_S)

    # -- inside -------------------------------------------------------------------------------

    def _session_to_warm(self) -> ModelSession | None:
        while not self._loading.wait(_WAIT_S):
            if self._closed:
                return None
        return None if self._closed else self._loading.session

    def _store_late(self, call: LateCall, settlement: Settlement) -> None:
        if self.late_calls is not None:
            self.late_calls(call, settlement)

    def _note(self, line: Line, event: LineEvent) -> None:
        """Measure how fast a reply comes."""
        if isinstance(event, TextDelta) and line.first_text_at is None:
            line.first_text_at = self.clock.monotonic()
            self.pace.note_first_text(line.first_text_at - line.handed_in_at)
            self._is_read(line)
        elif isinstance(event, ReplyStarted) and event.prompt_tokens and not line.is_being_read:
            line.is_being_read = True
            self.pace.begin()
        elif isinstance(event, LineEnded):
            line.handle.settle()
            line.stored_entry_id = event.entry_id
            self.pace.note(event.usage)

    def _is_read(self, line: Line) -> None:
        if line.is_being_read:
            line.is_being_read = False
            self.pace.first_text_or_end()

    def _urgency(self, line: Line) -> Urgency:
        """What is over comes first, for it only has to be told; then who waits for it."""
        if line.handle.has_ended:
            return (-1.0, 0.0, 0.0)
        deadline = inf if line.deadline is None else line.deadline
        return (RANK[line.priority], deadline, self.attention.distance(line.npc))


def actor_of(line: Line) -> str:
    """Who acts in a journal while a line is answered."""
    return f"line:{line.id}"
