"""The recorder: notes inputs, prompts, what the model wrote, and the order of what was shared.

A replay without a model needs no more: what an actor does is fixed by what it meets, and all that
it meets is noted here.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from npc_engine.dialogue.handle import TurnHandle
from npc_engine.engine.journal import Address, Journal
from npc_engine.engine.ordered_lock import OrderedLock
from npc_engine.engine.recorded_acts import ACTS, act_row
from npc_engine.engine.recorded_clock import RecordedClock
from npc_engine.engine.recorded_files import WatchedFiles
from npc_engine.engine.recorded_queue import RecordedQueue
from npc_engine.engine.recorded_session import RecordedSession, model_row
from npc_engine.engine.recording_file import Item, RecordingWriter, as_plain
from npc_engine.engine.recording_header import (
    entry_digest,
    section_digests,
    where_chats_stand,
)
from npc_engine.events import Event, LineEnded, LineRecorded
from npc_engine.memory.entries import Entry
from npc_engine.memory.store import SaveStore
from npc_engine.messages import Reason
from npc_engine.prompt.plan import Plan
from npc_engine.protocols import Clock, ModelSession

_Met = TypeVar("_Met")


@dataclass(slots=True)
class _Seen:
    """What one actor met that no other row holds, since it was last written down."""

    clock: list[float] = field(default_factory=list)
    unloaded: int = 0
    rounds: list[list[int]] = field(default_factory=list)
    met: dict[str, list[Any]] = field(default_factory=dict)


class Recorder(Journal):
    """Records one run of an engine. What costs time is done on the writer's thread."""

    keeps_order = True

    def __init__(self, path: Path) -> None:
        """Begin a recording.

        Raises:
            RecordingError: There is one already at `path`, or it cannot be written.
        """
        super().__init__()
        self.path = path
        self.files: WatchedFiles | None = None
        """Of the project that is played."""
        self._writer = RecordingWriter(path)
        self._lock = threading.Lock()
        self._last_actor = ""
        self._num_taken = 0
        self._num_inputs = 0
        self._threads: dict[tuple[int, str], int] = {}
        self._seen: dict[str, _Seen] = {}
        self._folds: dict[str, int] = {}
        self._watched: dict[str, int] = {}
        self._looks: dict[str, tuple[int, bool]] = {}
        self._closed = False
        self._clock: Clock | None = None

    def put_header(self, header: Item) -> None:
        """Write the first row; to be called before anything else happens."""
        self._put(header)

    # -- actors and what they share -----------------------------------------------------------

    @contextmanager
    def acting(self, actor: str) -> Iterator[None]:
        """See `Journal.acting`."""
        with super().acting(actor):
            try:
                yield
            finally:
                self._write_seen(actor)
                if not actor.startswith("fold:"):
                    self._looks.pop(actor, None)

    @contextmanager
    def input(
        self, address: Address, verb: str, args: tuple[Any, ...], options: dict[str, Any]
    ) -> Iterator[None]:
        """See `Journal.input`."""
        if self.actor or self._closed:
            yield
            return
        with self._lock:
            self._num_inputs += 1
            number = self._num_inputs
            row: dict[str, Any] = {
                "k": "input",
                "n": number,
                "thread": self._thread_number(),
                "at": self._clock.now() if self._clock is not None else 0.0,
                "to": address,
                "do": verb,
            }
            self._end_taking()
            self._writer.put(lambda: row | {"with": as_plain([args, options])})
        try:
            with self.acting(f"input:{number}"):
                yield
        except Exception as error:
            self._put({"k": "refused", "n": number, "why": str(error)})
            raise

    def lock(self) -> AbstractContextManager[Any]:
        """See `Journal.lock`."""
        return OrderedLock(self)

    def take(self, acquire: Callable[[], object]) -> None:
        """Take a lock, and note who did."""
        acquire()
        actor = self.actor
        with self._lock:
            if actor != self._last_actor:
                self._end_taking()
                self._last_actor = actor
            self._num_taken += 1

    def begin(self, call: Callable[[], bool]) -> bool:
        """See `Journal.begin`."""
        begun = call()
        self.take(lambda: None)
        self._put({"k": "begin", "of": self.actor, "begun": begun})
        return begun

    # -- what an actor meets ------------------------------------------------------------------

    def clock(self, clock: Clock) -> Clock:
        """See `Journal.clock`."""
        self._clock = clock
        return RecordedClock(clock, self._note_time)

    def session(self, session: ModelSession) -> ModelSession:
        """See `Journal.session`."""
        self._put(model_row(session))
        return RecordedSession(session, self._put)

    def loaded(self, session: ModelSession | None) -> ModelSession | None:
        """See `Journal.loaded`."""
        if session is None and self.actor:
            self._seen_by(self.actor).unloaded += 1
        return session

    def closing(self, is_closed: bool) -> bool:
        """See `Journal.closing`."""
        actor = self.actor
        if actor:
            looks, was_closed = self._looks.get(actor, (0, False))
            self._looks[actor] = looks + 1, is_closed
            if is_closed and not was_closed:
                self._put({"k": "closing", "of": actor, "look": looks + 1})
        return is_closed

    def watch(self, handle: TurnHandle, actor: str) -> TurnHandle:
        """See `Journal.watch`."""
        with self._lock:
            attempt = self._watched[actor] = self._watched.get(actor, 0) + 1
        looks = 0
        is_known = False

        def observe(reason: Reason | None) -> Reason | None:
            nonlocal looks, is_known
            looks += 1
            if reason is not None and not is_known:
                is_known = True
                row = {"k": "told", "of": actor, "handle": attempt, "look": looks, "why": reason}
                self._put(row)
            return reason

        handle.observe = observe
        handle.queue = lambda: RecordedQueue(self._new_round(actor))
        handle.meet_heard = lambda find: self.meet("heard", find)
        return handle

    def fold_actor(self, name: str) -> str:
        """See `Journal.fold_actor`."""
        with self._lock:
            number = self._folds[name] = self._folds.get(name, 0) + 1
        return f"{name}:{number}"

    def meet(self, what: str, find: Callable[[], _Met]) -> _Met:
        """See `Journal.meet`."""
        actor = self.actor
        if not actor or self._closed:
            return find()
        with self.aside():
            value = find()
        self._seen_by(actor).met.setdefault(what, []).append(value)
        return value

    # -- what comes of it ---------------------------------------------------------------------

    def note_handler(self, action: str) -> None:
        """See `Journal.note_handler`."""
        self._put({"k": "handler", "action": action})

    def note_reload(self) -> None:
        """See `Journal.note_reload`."""
        changes = self.files.changes() if self.files is not None else {}
        if changes:
            self._put({"k": "files", "of": self.actor, "files": changes})

    def note_npc(self, npc_id: str, chat_id: int) -> None:
        """See `Journal.note_npc`."""
        if not self.actor:  # else it comes of what the actor does
            with self._lock:
                thread = self._thread_number()
            self._put({"k": "met", "npc": npc_id, "chat": chat_id, "thread": thread})

    def note_event(self, event: Event) -> None:
        """See `Journal.note_event`."""
        if isinstance(event, LineRecorded):
            self._put({"k": "said", "line": event.line_id, "entry": event.entry_id})
        elif isinstance(event, LineEnded):
            if self.actor:
                self._write_seen(self.actor)
            self._put(ended_row(event))
        elif isinstance(event, ACTS):
            self._put(act_row(event))

    def note_plan(self, plan: Plan) -> None:
        """See `Journal.note_plan`."""
        actor = self.actor
        self._write_seen(actor)
        self._put_later(
            lambda: {
                "k": "plan",
                "of": actor,
                "npc": plan.npc,
                "digest": plan.digest,
                "sections": section_digests(plan),
            }
        )

    def note_entry(self, entry: Entry) -> None:
        """See `Journal.note_entry`."""
        self._write_seen(self.actor)  # a killed game must not leave it without what it came of
        self._put_later(lambda: {"k": "entry", "id": entry.id, "digest": entry_digest(entry)})

    def end(self, store: SaveStore) -> None:
        """Write how the save stands; nothing more is recorded."""
        if not self._closed:
            self._put({"k": "end", "chats": where_chats_stand(store)})
            self.close()

    def close(self) -> None:
        """Write what waits; may be called twice."""
        self._closed = True
        self._writer.close()

    # -- inside -------------------------------------------------------------------------------

    def _put(self, row: Item) -> None:
        with self._lock:
            self._end_taking()
            self._writer.put(row)

    def _put_later(self, make: Callable[[], Item]) -> None:
        with self._lock:
            self._end_taking()
            self._writer.put(make)

    def _end_taking(self) -> None:
        """Hand over how often the last actor took a lock; needs the lock."""
        if self._num_taken:
            self._writer.put({"k": "order", "of": self._last_actor, "n": self._num_taken})
            self._num_taken = 0

    def _thread_number(self) -> int:
        """Of this thread; another one while somebody waits on it. Needs the lock."""
        return self._threads.setdefault((threading.get_ident(), self.within), len(self._threads))

    def _seen_by(self, actor: str) -> _Seen:
        return self._seen.setdefault(actor, _Seen())

    def _note_time(self, value: float) -> None:
        if self.actor:
            self._seen_by(self.actor).clock.append(value)

    def _new_round(self, actor: str) -> list[int]:
        arrivals: list[int] = []
        self._seen_by(actor).rounds.append(arrivals)
        return arrivals

    def _write_seen(self, actor: str) -> None:
        seen = self._seen.pop(actor, None)
        if seen is None:
            return
        row: dict[str, Any] = {"k": "seen", "of": actor, "clock": seen.clock}
        if seen.unloaded:
            row["unloaded"] = seen.unloaded
        if seen.rounds:
            row["rounds"] = seen.rounds
        if seen.met:
            row["met"] = seen.met
        self._put(row)


def ended_row(event: LineEnded) -> dict[str, Any]:
    """The row of the end of a line; without what depends on the machine."""
    return {
        "k": "ended",
        "line": event.line_id,
        "npc": event.npc,
        "text": event.text,
        "reason": event.reason,
        "rung": event.rung,
        "entry": event.entry_id,
        "detail": event.detail,
    }
