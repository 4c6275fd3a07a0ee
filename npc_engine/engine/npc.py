"""One NPC in one chat: speaking with it, looking at it, changing what was said."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Unpack

from npc_engine.content.character import CharacterSheet
from npc_engine.content.state import WorldState
from npc_engine.dialogue.barge_in import cut_parts
from npc_engine.dialogue.candidates import require_candidates
from npc_engine.dialogue.commands import CommandContext, CommandResult, run_command
from npc_engine.dialogue.cue import Cue
from npc_engine.dialogue.handle import TurnOrder
from npc_engine.dialogue.history import HistoryLine, history
from npc_engine.dialogue.memory_files import export_memory, import_memory
from npc_engine.dialogue.plain_text import given_texts, player_words
from npc_engine.dialogue.talk import Talk
from npc_engine.engine.awaiting import events_of
from npc_engine.engine.barking import Barker
from npc_engine.engine.bystanders import Bystanders
from npc_engine.engine.journal import Address, Journal, recorded
from npc_engine.engine.late_calls import store_settled
from npc_engine.engine.line import Line
from npc_engine.engine.loop import Loop
from npc_engine.engine.say_options import SayOptions, start_options
from npc_engine.engine.saying import hearers_of, speaker_of
from npc_engine.engine.speaker import Speaker
from npc_engine.engine.taking_back import take_back
from npc_engine.engine.turn_gate import TurnGate
from npc_engine.engine.world import WorldHandle
from npc_engine.errors import LateWriteError
from npc_engine.events import ActionEnded, LineEvent, LineRecorded
from npc_engine.memory.entries import Entry
from npc_engine.memory.store import SaveStore
from npc_engine.memory.view import View
from npc_engine.messages import CallOutcome, Priority
from npc_engine.prompt.plan import Plan


class Npc:
    """One NPC in one chat."""

    def __init__(
        self,
        loop: Loop,
        store: SaveStore,
        talk: Talk,
        world: WorldHandle,
        gate: TurnGate,
        bystanders: Bystanders,
        barker: Barker,
        *,
        prewarm: bool,
    ) -> None:
        """Made by `Engine.npc`."""
        self.id = talk.npc
        self.talk = talk
        self.world = world
        """The world of this chat."""
        self._loop = loop
        self._store = store
        self._gate = gate
        self._barker = barker
        talk.past.before_leaving = lambda entries: take_back(
            entries, talk.cast, loop.met_desk, loop.inbox.post
        )
        self._speaker = Speaker(
            loop, store, talk, gate, bystanders, prewarm=prewarm, cut=self.cut_reply
        )

    @property
    def sheet(self) -> CharacterSheet:
        """The sheet in force."""
        return self.talk.sheet

    @property
    def chat_id(self) -> int:
        """The chat this NPC speaks in."""
        return self.talk.chat_id

    @property
    def journal(self) -> Journal:
        """Of the engine, for recordings."""
        return self._loop.journal

    @property
    def address(self) -> Address:
        """How a replay finds this NPC."""
        return ("npc", self.id, self.chat_id)

    @property
    def is_speaking(self) -> bool:
        """Whether a line to this NPC has not ended yet."""
        return self._gate.is_speaking(self.id)

    # -- speaking -----------------------------------------------------------------------------

    def approach(self) -> None:
        """The player comes near: read this NPC's part of the next prompt ahead.

        Returns at once. The reading is done in the model's spare time and costs no turn anything;
        without it the first reply begins later by that much. Calling it again, while the NPC
        speaks, or while the model still loads is harmless.
        """
        self._speaker.warm()

    def fold_if_due(self) -> None:
        """Fold what this NPC remembers, if it is time; the engine does so by itself."""
        self._speaker.fold()

    def restored(self) -> None:
        """Go on from where a restore has put this chat; the engine says so by itself."""
        self._speaker.restored()

    @recorded
    def settled_late(
        self,
        line_id: int,
        call_id: str,
        action: str,
        outcome: CallOutcome,
        result: str,
        detail: str,
    ) -> None:
        """Store what became of an action whose turn is over; the engine says so by itself."""
        epoch, journal = self._store.epoch, self._loop.journal
        ended = ActionEnded(line_id, self.id, call_id, action, outcome, result, detail)

        def store() -> None:
            with journal.acting(f"late:{call_id}"), suppress(LateWriteError):
                store_settled(ended, self.talk, self._store, epoch)
                self._loop.inbox.post(ended)

        self._loop.run_in_lane((self.chat_id, "world"), store)

    @recorded
    def cut_reply(self, parts: Sequence[tuple[int, int]], heard: int, epoch: int) -> None:
        """Cut a stored reply to what was heard of it; `Line.cancel` says so by itself.

        Args:
            parts: Entries of the reply, and where in its text each begins.
            heard: How many characters of the text were heard.
            epoch: When its line was handed in.
        """
        if cut_parts(self._store, self.chat_id, parts, heard, epoch):
            self._speaker.path_changed()

    @recorded
    def say(self, text: str, **options: Unpack[SayOptions]) -> Line:
        """Speak to the NPC; returns at once.

        A reply of this NPC that is under way is interrupted, unless `while_speaking` says
        otherwise: the memory keeps what was written of it, or what `Line.cancel(heard=)` said was
        heard. Other NPCs go on speaking. A line that cannot be answered now (`too_far`, `busy`,
        `queue_full`) ends with the next tick, and nothing of it is recorded.

        Args:
            text: The player's words.
            options: See `SayOptions`.

        Raises:
            CommandError: The text is empty, the text or a context is over a million characters, a
                hearer is unknown, `candidates` is not 1 to 4, a deadline is no time, the engine is
                closed, or a thousand refused lines wait because nobody ticks.
        """
        words = player_words(text)
        self._loop.require_open()
        speaker = speaker_of(options, self.id, self.talk.cast)
        audience = hearers_of(options, self.id, self.talk.cast, self.world.state)
        contexts = given_texts(options.get("contexts", ()))
        candidates = options.get("candidates")
        if candidates is not None:
            require_candidates(candidates)

        def events(order: TurnOrder) -> Iterator[LineEvent]:
            self.world.settle()
            why_blocked = self.talk.why_blocked(words)
            entry = self.talk.record(
                words, order.epoch, audience, speaker, blocked=bool(why_blocked)
            )
            yield LineRecorded(order.line_id, entry.id)
            yield from self._speaker.answer(
                replace(order, contexts=contexts, candidates=candidates), entry.id, why_blocked
            )

        deadline_s, priority = options.get("deadline_s"), options.get("priority", "player")
        return self._speaker.start(words, deadline_s, priority, events, **start_options(options))

    @recorded
    def speak(self, cue: Cue, *, priority: Priority = "ambient") -> Line:
        """Let the NPC say something that nobody waits for; see `Scene`, which gives such cues."""

        def events(order: TurnOrder) -> Iterator[LineEvent]:
            self.world.settle()
            yield from self._speaker.speak(order, cue)

        return self._speaker.start("", None, priority, events)

    @recorded
    def bark(self, kind: str, *, record: bool = False) -> Line:
        """Let the NPC say one of the sheet's `barks:`, at once and without the model.

        It waits for nothing and interrupts nothing: the line is done with the next tick, rung
        `bark`. No bark of a kind comes again before all of it were said; the order depends on the
        engine's seed and begins anew in each run. A sheet without the kind stays silent.

        Args:
            kind: Such as `idle`, `greet` or `hurt`; see `barks:` of the sheets.
            record: Whether it is remembered, by the NPC and by whoever is with it. Otherwise it is
                no part of the talk.

        Raises:
            CommandError: No sheet of this world has the kind, or the engine is closed.
        """
        return self._barker.bark(kind, record=record)

    @recorded
    def greet(self) -> Line:
        """Let the NPC open the talk with an authored greeting."""

        def events(order: TurnOrder) -> Iterator[LineEvent]:
            self.world.settle()
            yield from self.talk.greet(order)

        return self._speaker.start("", None, "player", events)

    @recorded
    def regenerate(self, *, deadline_s: float | None = None, priority: Priority = "player") -> Line:
        """Ask for another reply to the player's last line; the earlier ones stay as swipes.

        What others said in this chat after that reply leaves the path with it. So the new reply
        waits until nobody else speaks here, and they wait for it.

        Raises:
            CommandError: The player has said nothing yet.
        """
        past = self.talk.past
        taken_back = past.take_back_after(past.last_player_entry().id)

        def events(order: TurnOrder) -> Iterator[LineEvent]:
            asked = past.last_player_entry()
            past.leave_acts_after(asked.id, order.epoch, taken_back)
            yield from self._speaker.answer(order, asked.id)

        return self._speaker.start("", deadline_s, priority, events, alone=True)

    def ask(self, text: str, **options: Unpack[SayOptions]) -> Line:
        """Speak and wait for the whole reply; delivers events on this thread meanwhile."""
        return self.wait(self.say(text, **options))

    def wait(self, line: Line) -> Line:
        """Wait until a line has ended; delivers events on this thread meanwhile."""
        self._loop.wait(line)
        return line

    async def reply(self, text: str, **options: Unpack[SayOptions]) -> Line:
        """Speak and await the whole reply; delivers events on the running event loop."""
        line = self.say(text, **options)
        async for _ in events_of(self._loop, line):
            pass
        return line

    async def stream(self, text: str, **options: Unpack[SayOptions]) -> AsyncIterator[LineEvent]:
        """Speak and yield the events of the line as they come; leaving early cancels it."""
        line = self.say(text, **options)
        async for event in events_of(self._loop, line):
            yield event

    # -- looking ------------------------------------------------------------------------------

    def history(self) -> tuple[HistoryLine, ...]:
        """The lines of this chat, oldest first, as a person sees them."""
        return history(self._store, self.talk.path())

    def memory(self) -> View:
        """What the NPC remembers word for word, and its folds."""
        return self.talk.view()

    def state(self) -> WorldState:
        """The world at the current point of this chat."""
        return self.world.state

    def plan(self, text: str, *, contexts: Sequence[str] = ()) -> Plan:
        """What saying `text` would send to the model; waits for the model to be loaded.

        Folds that follow the last replies are waited for, because they change the plan.

        Args:
            text: The player's words.
            contexts: See `SayOptions`.
        """
        given = given_texts(contexts)
        tokenizer = self._loop.wait_ready(None).tokenizer
        self._gate.wait_for_folds()
        return self.talk.plan(text, tokenizer, given)

    # -- changing what was said ---------------------------------------------------------------
    # All of it is refused with `CommandError` while somebody in this chat is speaking, and where it
    # would leave something done behind that the game does not take back.

    def swipes(self) -> tuple[tuple[Entry, ...], int]:
        """All replies to the last line, oldest first, and the index of the current one, or -1."""
        return self.talk.past.swipes()

    @recorded
    def swipe_to(self, index: int) -> None:
        """Make another reply to the last line the current one; `index` counts from 0."""
        with self._still():
            self.talk.past.swipe_to(index)

    @recorded
    def undo(self) -> str:
        """Take back the player's last line and what followed; returns that line."""
        with self._still():
            return self.talk.past.undo()

    @recorded
    def edit(self, entry_id: int, text: str) -> None:
        """Change the words of a line; the old ones stay in the save."""
        with self._still():
            self.talk.past.edit(entry_id, text, self.talk.state())

    @recorded
    def branch(self, entry_id: int) -> None:
        """Go back to a line and talk on from there."""
        with self._still():
            self.talk.past.branch(entry_id)

    def export_memory(self) -> str:
        """What this NPC remembers in this chat as readable JSON; nothing that only others know."""
        self.world.settle()
        self._gate.wait_for_folds()
        return export_memory(self.talk)

    @recorded
    def import_memory(self, text: str) -> int:
        """Remember what an exported memory holds, behind all that is remembered here already.

        Returns:
            How many rows it had. It is taken in whole or not at all.

        Raises:
            MemoryFileError: It is damaged, of another version or too large, or another NPC's.
        """
        self.world.settle()
        with self._still():
            return import_memory(self.talk, self._store, text)

    @recorded
    def command(self, line: str) -> CommandResult:
        """Run a slash command; waits for the model to be loaded.

        Raises:
            CommandError: It makes no sense here; the text says what would.
        """
        tokenizer = self._loop.wait_ready(None).tokenizer
        with self._gate.still():
            result = run_command(line, CommandContext(self.talk, self._store, tokenizer))
        if result.effect == "changed":
            self._speaker.path_changed()
        return result

    def save_typed(self, text: str) -> None:
        """Keep a half-typed line, so that it is there after a crash; an empty one is forgotten."""
        if text:
            self._store.save_draft(self.chat_id, "typed", text)
        else:
            self._store.clear_draft(self.chat_id, "typed")

    def typed(self) -> str:
        """The half-typed line that was kept, or an empty text."""
        draft = self._store.draft(self.chat_id, "typed")
        return draft.text if draft else ""

    # -- inside -------------------------------------------------------------------------------

    @contextmanager
    def _still(self) -> Iterator[None]:
        """Hold the path still for a change, then read ahead what the prompt begins with now."""
        with self._gate.still():
            yield
        self._speaker.path_changed()
