"""How one NPC takes its turns in one chat, and what follows each of them: folds and warm-ups."""

import logging
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from npc_engine.content.character import PLAYER
from npc_engine.dialogue.cue import Cue
from npc_engine.dialogue.fold import Folder, discarded_event
from npc_engine.dialogue.fold_job import FoldJob
from npc_engine.dialogue.handle import TurnHandle, TurnOrder
from npc_engine.dialogue.spoken_events import mood_of, with_speech
from npc_engine.dialogue.talk import Talk
from npc_engine.engine.bystanders import Bystanders
from npc_engine.engine.line import Line
from npc_engine.engine.loop import Loop, actor_of
from npc_engine.engine.say_options import WhileSpeaking
from npc_engine.engine.turn_gate import TurnGate
from npc_engine.engine.warming import WarmUp
from npc_engine.errors import LateWriteError
from npc_engine.events import LineEvent
from npc_engine.memory.entries import LineSaid
from npc_engine.memory.store import SaveStore
from npc_engine.messages import Priority, Reason
from npc_engine.protocols import ModelSession

_log = logging.getLogger(__name__)

Events = Callable[[TurnOrder], Iterator[LineEvent]]
Cut = Callable[[Sequence[tuple[int, int]], int, int], None]


class Speaker:
    """Takes the turns of one NPC in one chat, in the order in which its lines came."""

    def __init__(
        self,
        loop: Loop,
        store: SaveStore,
        talk: Talk,
        gate: TurnGate,
        bystanders: Bystanders,
        *,
        prewarm: bool,
        cut: Cut,
    ) -> None:
        """Bind a talk to the loop.

        Args:
            loop: Where turns run.
            store: The save of the talk.
            talk: Who speaks.
            gate: The gate of the talk's chat.
            bystanders: Of the talk's chat.
            prewarm: Whether to read ahead after every turn.
            cut: Cuts a stored reply, see `Npc.cut_reply`.
        """
        self._loop = loop
        self._store = store
        self._talk = talk
        self._gate = gate
        self._bystanders = bystanders
        self._prewarm = prewarm
        self._cut = cut
        self._folder = Folder(talk, store, lock=loop.journal.lock())
        self._folding = loop.journal.lock()
        self._num_restored = 0

    def start(
        self,
        said: str,
        deadline_s: float | None,
        priority: Priority,
        events: Events,
        *,
        alone: bool = False,
        first_s: float | None = None,
        while_speaking: WhileSpeaking = "interrupt",
        uninterruptible: bool = False,
    ) -> Line:
        """Queue a turn behind the earlier ones, unless it is refused; see `SayOptions`.

        Args:
            said: The player's words.
            deadline_s: When the reply must be over, in seconds from now; None is never.
            priority: Who waits for it.
            events: The turn itself; iterated on another thread.
            alone: It moves the path of the chat, so nobody else may speak meanwhile.
            first_s: When its first text must be there, in seconds from now.
            while_speaking: What becomes of the reply under way.
            uninterruptible: Whether later lines wait for its end.
        """
        epoch = self._store.epoch
        line = self._loop.new_line(
            self._talk.npc,
            said,
            deadline_s,
            first_s=first_s,
            priority=priority,
            interruptible=not uninterruptible,
        )
        if not self._loop.admission.admit(line, lambda: self._why_refused(line, while_speaking)):
            return line
        if priority == "player":
            self._loop.folds.hold(line.id)
        order = TurnOrder(
            line.id, line.handle, epoch, priority, line.deadline, pace=self._loop.pace
        )
        line.cut_to = lambda heard: self._loop.run_in_lane(
            self._lane, lambda: self._cut_as_heard(line, heard, epoch)
        )
        self._loop.admission.supersede(self._gate.hand_in(line, while_speaking))
        self._loop.run_turn(
            self._lane,
            line,
            lambda: self._take_turn_of(line, order, events, alone=alone),
        )
        return line

    @property
    def _lane(self) -> tuple[int, str]:
        return self._talk.chat_id, self._talk.npc

    def _why_refused(self, line: Line, while_speaking: WhileSpeaking) -> Reason | None:
        """Why a line can have no turn now; None if it can."""
        if self._loop.attention.is_too_far(line.npc):
            return "too_far"
        if while_speaking == "refuse" and self._gate.is_speaking(line.npc):
            return "busy"
        return None

    def _cut_as_heard(self, line: Line, heard: int, epoch: int) -> None:
        """Cut a reply that was stored before the game said how much of it was heard."""
        if parts := line.stored_parts:
            self._cut(parts, heard, epoch)

    def answer(
        self, order: TurnOrder, parent_id: int, blocked: str | None = None
    ) -> Iterator[LineEvent]:
        """The reply to the player's line `parent_id`, or what stands in for it without a model.

        An authored line is said at once, also while the model loads.

        Args:
            order: The turn.
            parent_id: Entry of the player's line.
            blocked: Why the content policy forbids the line, empty if it does not; None asks it.
        """
        why = self._talk.why_line_blocked(parent_id) if blocked is None else blocked
        if why:
            yield from self._talk.refuse(order, parent_id, why)
            return
        if order.handle.ended_by is None and (found := self._talk.line_for(parent_id)) is not None:
            order.handle.settle()
            yield from self._talk.say_line(order, parent_id, found)
            return
        session = self._loop.session_for(order.handle)
        if session is not None:
            yield from self._talk.answer(order, parent_id, session)
            return
        error = self._loop.journal.meet("load_error", lambda: str(self._loop.load_error or ""))
        ended_by = order.handle.ended_by
        reason: Reason = "loading" if ended_by == "late_first" else ended_by or "failed"
        detail = error or "the model was not loaded in time"
        yield from self._talk.stand_in(order, parent_id, reason, detail)

    def speak(self, order: TurnOrder, cue: Cue) -> Iterator[LineEvent]:
        """Words on a cue; silence without a model. An authored line may answer the player."""
        if order.handle.ended_by is None and cue.asked is not None and cue.to == PLAYER:
            found = self._talk.line_for(cue.asked)
            if found is not None:
                order.handle.settle()
                yield from self._talk.say_line(order, cue.asked, found)
                return
        session = self._loop.session_for(order.handle)
        if session is not None and order.handle.ended_by is None:
            yield from self._talk.speak(order, cue, session)
            return
        yield from self._talk.stay_silent(order, order.handle.ended_by or "failed", "no model")

    def warm(self) -> None:
        """Read ahead what the next prompt begins with, unless a line comes first."""
        self._loop.warmer.ask(
            WarmUp(
                self._talk.conversation,
                self._talk.stable_ids,
                lambda: not (self._loop.is_closed or self._gate.is_speaking(self._talk.npc)),
            )
        )

    def path_changed(self) -> None:
        """After a change of what was said: drop folds of what is gone, and read ahead anew."""
        session = self._loop.session
        if session is not None and not self._loop.is_closed:
            with self._folding:
                thrown_away = self._folder.path_changed(session)
            for event in thrown_away:
                self._loop.inbox.post(event)
        self._warm_if_wanted()

    def restored(self) -> None:
        """After a restore: drop folds of the other timeline and go on with those of this one."""
        self._num_restored += 1
        chat_id, npc = self._lane
        actor = f"restored:{chat_id}:{npc}:{self._num_restored}"
        self._loop.run_in_lane(self._lane, lambda: self._begin_anew(actor))

    def fold(self) -> None:
        """Fold if it is time; not to be called while a turn of this NPC keeps others waiting."""
        session = self._loop.session
        if session is None or self._loop.is_closed:
            return
        with self._folding:
            folded = self._folder.apply_if_due(session)
        for event in folded:
            self._loop.inbox.post(event)
        self._prepare_next(session)

    def _begin_anew(self, actor: str) -> None:
        with self._loop.journal.acting(actor), suppress(LateWriteError):  # of a later chat
            session = self._loop.session
            self.path_changed()
            if session is not None and not self._loop.is_closed:
                self._prepare_next(session)

    def _warm_if_wanted(self) -> None:
        if self._prewarm:
            self.warm()

    # -- in a turn ----------------------------------------------------------------------------

    def _take_turn_of(self, line: Line, order: TurnOrder, events: Events, *, alone: bool) -> None:
        with self._loop.journal.acting(actor_of(line)):
            self._take_turn(line, order, events, alone=alone)

    def _take_turn(self, line: Line, order: TurnOrder, events: Events, *, alone: bool) -> None:
        if not self._loop.admission.begin(line):
            self._gate.reply_is_over(line)
            self._loop.folds.release(line.id)
            return
        if not self._loop.journal.begin(lambda: self._gate.begin(line, alone=alone)):
            reason = line.handle.ended_by or "cancelled"
            detail = "it was ended while another reply in this chat was written anew"
            self._loop.post_turn(line, self._talk.stay_silent(order, reason, detail))
            self._gate.reply_is_over(line)
            self._loop.folds.release(line.id)
            return
        try:
            before = self._last_entry_id()
            self._loop.post_turn(line, self._as_heard(events(order)))
            self._gate.reply_is_over(line)
            self._loop.folds.release(line.id)
            self.fold()
            self._let_bystanders_fold(before)
            self._warm_if_wanted()
        finally:
            self._loop.folds.release(line.id)
            self._gate.end(line)

    def _as_heard(self, events: Iterator[LineEvent]) -> Iterator[LineEvent]:
        """The events of a turn, with its sentences and how they sound."""
        allowed = self._talk.sheet.speech.emotions
        return with_speech(events, allowed=allowed, mood=lambda: mood_of(self._talk))

    def _last_entry_id(self) -> int:
        with suppress(LateWriteError):  # of a deleted chat, which the turn will meet as well
            path = self._talk.path()
            return path[-1].id if path else 0
        return 0

    def _let_bystanders_fold(self, before: int) -> None:
        """Fold for those who overheard what this turn added behind an entry."""
        path = self._talk.path()
        npc = self._talk.npc
        turn = [
            entry
            for entry in path[bisect_right(path, before, key=lambda entry: entry.id) :]
            if isinstance(entry.payload, LineSaid)
            and npc in (entry.payload.speaker, entry.payload.to)
        ]
        self._bystanders.overhear(path, turn)

    def _prepare_next(self, session: ModelSession) -> None:
        with self._folding:
            job = self._folder.job_if_due(session)
        if job is not None:
            self._prepare_aside(job, session)

    def _prepare_aside(self, job: FoldJob, session: ModelSession) -> None:
        npc, journal = self._talk.npc, self._loop.journal
        actor = journal.fold_actor(f"fold:{self._talk.chat_id}:{npc}:{job.key[:16]}")

        def prepare(handle: TurnHandle) -> bool:
            with journal.acting(actor):
                prepared = self._folder.prepare(job, session, journal.watch(handle, actor))
            if prepared.faults:
                _log.info("a summary of %s was rejected: %s", npc, "; ".join(prepared.faults))
            if prepared.discarded:
                self._loop.inbox.post(discarded_event(npc, job, prepared.discarded))
            return prepared.is_over

        self._loop.folds.submit(prepare)
