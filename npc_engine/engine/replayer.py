"""The player: lets an engine meet again what a recording noted, and compares what comes of it."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar, cast

from npc_engine.dialogue.handle import TurnHandle
from npc_engine.engine.fold_work import FoldWork
from npc_engine.engine.journal import Journal
from npc_engine.engine.ordered_lock import OrderedLock
from npc_engine.engine.recorded_acts import ACTS, Act, ActsCompared
from npc_engine.engine.recording import ended_row
from npc_engine.engine.recording_header import entry_digest, section_digests
from npc_engine.engine.recording_read import Recording
from npc_engine.engine.replay_folds import ReplayedFolds
from npc_engine.engine.replay_order import DID_LESS, PATIENCE_S, ReplayOrder, ReplayOver
from npc_engine.engine.replay_queue import ReplayedQueue
from npc_engine.engine.replay_report import Difference, DifferenceKind, Differences, changed
from npc_engine.events import Event, LineEnded, LineRecorded
from npc_engine.memory.entries import Entry
from npc_engine.messages import Reason
from npc_engine.prompt.plan import Plan
from npc_engine.protocols import Clock, ModelSession

_COMPARED = ("text", "reason", "rung", "entry", "detail")
_FOLD = "fold:"
_Met = TypeVar("_Met")


class Replayer(Journal):
    """Replays one recording into one engine."""

    most_turns = 4096
    """Turns that wait for their place in the order must not keep others from theirs."""
    keeps_order = True

    def __init__(self, recording: Recording, *, patience_s: float = PATIENCE_S) -> None:
        """Nothing was replayed yet.

        Args:
            recording: What happened; its queues are used up.
            patience_s: So long nothing may happen before the order counts as broken.
        """
        super().__init__()
        self.differences = Differences()
        """What came out otherwise."""
        unkept = {f"input:{number}" for number in recording.refused}
        self.order = ReplayOrder(
            [group for group in recording.order if group[0] not in unkept],
            self._order_is_broken,
            is_torn=not recording.is_whole,
            patience_s=patience_s,
        )
        self.entries: set[int] = set()
        """Ids of entries that were made again."""
        self.on_reload: Callable[[str], None] | None = None
        """Changes the files that an actor is about to read again, as they had changed then."""
        self._recording = recording
        self._ends = {row["line"]: (at, row) for at, row in recording.steps if row["k"] == "ended"}
        self._ended: set[int] = set()
        self._num_acting = 0
        self._condition = threading.Condition()
        self._lock = threading.Lock()
        self._watched: dict[str, int] = {}
        self._unfinished: set[str] = set()
        """Actors of whom a torn recording does not hold all that they met."""
        self._looks: dict[str, int] = {}
        self._acts = ActsCompared(recording.acts)
        self._folds: dict[str, int] = {}

    @property
    def num_ended(self) -> int:
        """Lines that ended then and again."""
        return len(self._ended & self._ends.keys())

    def has_ended(self, line_id: int, timeout_s: float) -> bool:
        """Wait until a line has ended; False when the time ran out."""
        with self._condition:
            return self._condition.wait_for(lambda: line_id in self._ended, timeout_s)

    def wait_until_idle(self, timeout_s: float) -> None:
        """Wait until nobody acts, so that everything that was begun is in the save."""
        with self._condition:
            self._condition.wait_for(lambda: not self._num_acting, timeout_s)

    # -- actors and what they share -----------------------------------------------------------

    @contextmanager
    def acting(self, actor: str) -> Iterator[None]:
        """See `Journal.acting`."""
        with self._condition:
            self._num_acting += 1
        try:
            with super().acting(actor):
                yield
        finally:
            with self._condition:
                self._num_acting -= 1
                self._condition.notify_all()
        if not actor.startswith(_FOLD) and self.order.has_left(actor):
            self.order.give_up(actor, DID_LESS)

    def lock(self) -> AbstractContextManager[object]:
        """See `Journal.lock`."""
        return OrderedLock(self)

    def take(self, acquire: Callable[[], object]) -> None:
        """Wait for the turn of who acts here, then take a lock."""
        actor = self.actor
        if actor.startswith(_FOLD) and self.order.is_done_with(actor):
            raise ReplayOver(f"{actor} went no further in the recorded run")
        self.order.take(actor, acquire)

    def begin(self, call: Callable[[], bool]) -> bool:
        """See `Journal.begin`."""
        self.order.take(self.actor, lambda: None)
        return self._recording.begun.get(self.actor, True) and call()

    # -- what an actor meets ------------------------------------------------------------------

    def meet(self, what: str, find: Callable[[], _Met]) -> _Met:
        """See `Journal.meet`."""
        actor = self.actor
        if not actor:
            return find()
        waiting = self._recording.met.get((actor, what))
        if waiting:
            return cast(_Met, waiting.popleft())
        if self._recording.is_whole:
            self.differ("line", f'something of the game is looked up ("{what}") that was not then')
        self._unfinished.add(actor)
        return find()

    def clock(self, clock: Clock) -> Clock:
        """See `Journal.clock`."""
        return _ReplayedClock(clock, self._recorded_time)

    def loaded(self, session: ModelSession | None) -> ModelSession | None:
        """See `Journal.loaded`."""
        actor = self.actor
        if actor and self._recording.unloaded[actor] > 0:
            self._recording.unloaded[actor] -= 1
            return None
        return session

    def closing(self, is_closed: bool) -> bool:
        """See `Journal.closing`."""
        actor = self.actor
        if not actor or self._is_past_its_end:
            return is_closed
        self._looks[actor] = self._looks.get(actor, 0) + 1
        look = self._recording.closing.get(actor)
        return look is not None and self._looks[actor] >= look

    def watch(self, handle: TurnHandle, actor: str) -> TurnHandle:
        """See `Journal.watch`."""
        with self._lock:
            attempt = self._watched[actor] = self._watched.get(actor, 0) + 1
        told = self._recording.told.get((actor, attempt))
        looks = 0

        def observe(_: Reason | None) -> Reason | None:
            nonlocal looks
            looks += 1
            if told is None or looks < told[0]:
                return None
            return cast(Reason, told[1])

        handle.observe = observe
        handle.is_deaf = True
        handle.queue = lambda: ReplayedQueue(self._recorded_round(actor))
        handle.meet_heard = lambda find: self.meet("heard", find)
        return handle

    def fold_actor(self, name: str) -> str:
        """See `Journal.fold_actor`."""
        with self._lock:
            number = self._folds[name] = self._folds.get(name, 0) + 1
        return f"{name}:{number}"

    def fold_work(self, name: str) -> FoldWork:
        """See `Journal.fold_work`."""
        return ReplayedFolds(name)

    def reloading(self) -> None:
        """See `Journal.reloading`."""
        if self.on_reload is not None:
            self.on_reload(self.actor)

    # -- what comes of it ---------------------------------------------------------------------

    def note_event(self, event: Event) -> None:
        """Compare what a line came to."""
        if isinstance(event, LineRecorded):
            then = self._recording.said.get(event.line_id)
            if then is not None and then != event.entry_id:
                what = f"the player's words became entry {event.entry_id}, recorded {then}"
                self.differ("line", what)
        elif isinstance(event, LineEnded):
            self._compare_end(event)
            with self._condition:
                self._ended.add(event.line_id)
                self._condition.notify_all()
        elif isinstance(event, ACTS):
            self._compare_act(event)

    def compare_missing_acts(self) -> None:
        """Tell of actions of which nothing came again; to be called at the end."""
        for at, row in self._acts.left():
            what = f"{row['what']} of {row['action']} did not come again"
            self.differ("action", what, row["npc"], at, actor=f"line:{row['line']}")

    def note_plan(self, plan: Plan) -> None:
        """Compare a prompt."""
        waiting = self._recording.plans.get(self.actor)
        if not waiting:
            if self._recording.is_whole:
                self.differ("prompt", "a prompt is made that was not made then", plan.npc)
            return
        at, row = waiting.popleft()
        if plan.digest == row["digest"]:
            return
        sections = changed(list(row["sections"].items()), list(section_digests(plan).items()))
        first = f'the section "{sections[0]}" first' if sections else "its tokens"
        self.differ("prompt", f"the prompt differs, {first}", row["npc"], at, sections)

    def note_entry(self, entry: Entry) -> None:
        """Compare an entry of the save."""
        then = self._recording.entries.get(entry.id)
        with self._lock:
            self.entries.add(entry.id)
        if not self._recording.is_whole and (then is None or self.actor in self._unfinished):
            return
        if then != entry_digest(entry):
            what = "is another one" if then else "was not made then"
            self.differ("entry", f"entry {entry.id} ({entry.payload.type}) {what}")

    def differ(
        self,
        kind: DifferenceKind,
        what: str,
        npc: str = "",
        at: int = 0,
        sections: Sequence[str] = (),
        actor: str = "",
    ) -> None:
        """Note that something came out otherwise; for each actor the first counts."""
        actor = actor or self.actor
        if not self._recording.is_whole and self._is_unfinished(actor, kind):
            return
        line_id = int(actor.removeprefix("line:")) if actor.startswith("line:") else 0
        end = self._ends.get(line_id)
        if end is not None:
            at, npc = at or end[0], npc or end[1]["npc"]
        difference = Difference(kind, at, line_id, npc, what, tuple(sections))
        self.differences.add(actor, difference)

    # -- inside -------------------------------------------------------------------------------

    @property
    def _is_past_its_end(self) -> bool:
        """Whether a recording without an end is over."""
        return not self._recording.is_whole and self.order.is_over

    def _is_unfinished(self, actor: str, kind: DifferenceKind) -> bool:
        """Whether somebody lacks what was met then; an input may find what came of that."""
        return actor in self._unfinished or (kind == "input" and bool(self._unfinished))

    def _compare_end(self, event: LineEnded) -> None:
        at, then = self._ends.get(event.line_id, (0, None))
        if then is None:
            return
        now = ended_row(event)
        for name in _COMPARED:
            if now[name] != then[name]:
                what = f"{name}: recorded {then[name]!r}, now {now[name]!r}"
                self.differ("reply", what, event.npc, at, actor=f"line:{event.line_id}")
                return

    def _compare_act(self, event: Act) -> None:
        differs = self._acts.take(event)
        if differs is not None and self._recording.is_whole:
            at, what = differs
            self.differ("action", what, event.npc, at, actor=f"line:{event.line_id}")

    def _order_is_broken(self, actor: str, why: str) -> None:
        """Note who left the order. What comes from then on may differ by that alone."""
        what = f"{actor} went another way: {why}; what follows was not compared"
        self.differ("order", what, actor=actor)
        self.differences.is_closed = True

    def _recorded_time(self) -> float | None:
        if not self.actor:
            return None
        times = self._recording.clock.get(self.actor)
        if times:
            return times.popleft()
        self._unfinished.add(self.actor)
        return None

    def _recorded_round(self, actor: str) -> Sequence[int]:
        rounds = self._recording.rounds.get(actor)
        return rounds.popleft() if rounds else ()


class _ReplayedClock:
    """Tells the recorded times to who acts, and its own to all others."""

    def __init__(self, clock: Clock, recorded: Callable[[], float | None]) -> None:
        self._clock = clock
        self._recorded = recorded

    def now(self) -> float:
        """Unix seconds."""
        then = self._recorded()
        return self._clock.now() if then is None else then

    def monotonic(self) -> float:
        """Seconds that never go back."""
        then = self._recorded()
        return time.monotonic() if then is None else then
