"""One NPC in one chat: speaking with it, looking at it, changing what was said."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from npc_engine.content.character import CharacterSheet
from npc_engine.content.state import WorldState
from npc_engine.dialogue.commands import CommandContext, CommandResult, run_command
from npc_engine.dialogue.fold import Folder, FoldJob
from npc_engine.dialogue.history import HistoryLine, history
from npc_engine.dialogue.plain_text import player_words
from npc_engine.dialogue.talk import Talk
from npc_engine.engine.line import Line
from npc_engine.engine.loop import Loop
from npc_engine.engine.world import WorldHandle
from npc_engine.errors import CommandError
from npc_engine.events import LineEvent, LineRecorded
from npc_engine.memory.store import SaveStore
from npc_engine.memory.view import View
from npc_engine.messages import Reason
from npc_engine.prompt.plan import Plan
from npc_engine.protocols import ModelSession

_log = logging.getLogger(__name__)

_AFTER_S = 5.0
_AWAIT_S = 0.05
"""How often an awaiting caller looks at deadlines."""


class Npc:
    """One NPC in one chat."""

    def __init__(
        self, loop: Loop, store: SaveStore, talk: Talk, folder: Folder, world: WorldHandle
    ) -> None:
        """Made by `Engine.npc`."""
        self.id = talk.npc
        self.talk = talk
        self.world = world
        """The world of this chat."""
        self._loop = loop
        self._store = store
        self._folder = folder
        self._live: Line | None = None
        self._between_turns = threading.Condition(threading.RLock())

    @property
    def sheet(self) -> CharacterSheet:
        """The sheet in force."""
        return self.talk.sheet

    @property
    def chat_id(self) -> int:
        """The chat this NPC speaks in."""
        return self.talk.chat_id

    @property
    def is_speaking(self) -> bool:
        """Whether a line to this NPC has not ended yet."""
        return self._live is not None

    # -- speaking -----------------------------------------------------------------------------

    def say(self, text: str, *, deadline_s: float | None = None) -> Line:
        """Speak to the NPC; returns at once.

        A reply that is under way is interrupted: the memory keeps what was heard of it.

        Args:
            text: The player's words.
            deadline_s: When the reply must be over, in seconds from now. What was said by then is
                cut at its last sentence; where there is none, an authored bark is said. None waits.

        Raises:
            CommandError: The text is empty or over a million characters, or the engine is closed.
        """
        words = player_words(text)

        def events(line: Line) -> Iterator[LineEvent]:
            self.world.settle()
            entry = self.talk.record(words)
            yield LineRecorded(line.id, entry.id)
            yield from self._answered(line, entry.id)

        return self._start(words, deadline_s, events)

    def greet(self) -> Line:
        """Let the NPC open the talk with an authored greeting."""
        return self._start("", None, lambda line: self.talk.greet(line.id))

    def regenerate(self, *, deadline_s: float | None = None) -> Line:
        """Ask for another reply to the player's last line; the earlier ones stay as swipes.

        Raises:
            CommandError: The player has said nothing yet.
        """
        self.talk.last_player_entry()
        return self._start(
            "",
            deadline_s,
            lambda line: self._answered(line, self.talk.last_player_entry().id),
        )

    def ask(self, text: str, *, deadline_s: float | None = None) -> Line:
        """Speak and wait for the whole reply; delivers events on this thread meanwhile."""
        return self.wait(self.say(text, deadline_s=deadline_s))

    def wait(self, line: Line) -> Line:
        """Wait until a line has ended; delivers events on this thread meanwhile."""
        self._loop.wait(line)
        return line

    async def reply(self, text: str, *, deadline_s: float | None = None) -> Line:
        """Speak and await the whole reply; delivers events on the running event loop."""
        line = self.say(text, deadline_s=deadline_s)
        async for _ in self._events_of(line):
            pass
        return line

    async def stream(
        self, text: str, *, deadline_s: float | None = None
    ) -> AsyncIterator[LineEvent]:
        """Speak and yield the events of the line as they come; leaving early cancels it."""
        async for event in self._events_of(self.say(text, deadline_s=deadline_s)):
            yield event

    # -- looking ------------------------------------------------------------------------------

    def history(self) -> tuple[HistoryLine, ...]:
        """The lines of this chat, oldest first, as a person sees them."""
        return history(self._store, self.chat_id, self.talk.path())

    def memory(self) -> View:
        """What the NPC remembers word for word, and its folds."""
        return self.talk.view()

    def state(self) -> WorldState:
        """The world at the current point of this chat."""
        return self.world.state

    def plan(self, text: str) -> Plan:
        """What saying `text` would send to the model; waits for the model to be loaded.

        A fold that follows the last reply is waited for, because it changes the plan.
        """
        tokenizer = self._loop.wait_ready(None).tokenizer
        with self._between_turns:
            self._wait_for_fold()
            return self.talk.plan(text, tokenizer)

    # -- changing what was said ---------------------------------------------------------------

    def swipe_to(self, index: int) -> None:
        """Make another reply to the last line the current one; `index` counts from 0."""
        with self._quiet():
            self.talk.swipe_to(index)

    def undo(self) -> str:
        """Take back the player's last line and what followed; returns that line."""
        with self._quiet():
            return self.talk.undo()

    def edit(self, entry_id: int, text: str) -> None:
        """Change the words of a line; the old ones stay in the save."""
        with self._quiet():
            self.talk.edit(entry_id, text)

    def branch(self, entry_id: int) -> None:
        """Go back to a line and talk on from there."""
        with self._quiet():
            self.talk.branch(entry_id)

    def command(self, line: str) -> CommandResult:
        """Run a slash command; waits for the model to be loaded.

        Raises:
            CommandError: It makes no sense here; the text says what would.
        """
        tokenizer = self._loop.wait_ready(None).tokenizer
        with self._quiet():
            return run_command(line, CommandContext(self.talk, self._store, tokenizer))

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

    def _answered(self, line: Line, parent_id: int) -> Iterator[LineEvent]:
        session = self._loop.session_for(line)
        if session is not None:
            yield from self.talk.answer(line.id, parent_id, session, line.handle)
            return
        error = self._loop.load_error
        ended_by = line.handle.ended_by
        reason: Reason = "loading" if ended_by == "late_first" else ended_by or "failed"
        detail = str(error) if error else "the model was not loaded in time"
        yield from self.talk.stand_in(line.id, parent_id, reason, detail)

    def _start(
        self,
        said: str,
        deadline_s: float | None,
        events: Callable[[Line], Iterator[LineEvent]],
    ) -> Line:
        line = self._loop.new_line(self.id, said, deadline_s)
        with self._between_turns:
            if self._live is not None:
                self._live.cancel()
            self._live = line
        self._loop.run_turn(line, lambda: events(line), lambda: self._after(line))
        return line

    def _after(self, line: Line) -> None:
        """On the turn thread, once the reply was handed over: fold if it is time."""
        session = self._loop.session
        with self._between_turns:
            if self._live is line:
                self._live = None
            self._between_turns.notify_all()
            if session is None or self._loop.is_closed:
                return
            folded = self._folder.apply_if_due(session)
            if folded is not None:
                self._loop.inbox.post(folded)
            job = self._folder.job_if_due(session)
            if job is not None:
                self._prepare_aside(job, session)

    def _prepare_aside(self, job: FoldJob, session: ModelSession) -> None:
        def prepare() -> None:
            faults = self._folder.prepare(job, session)
            if faults:
                _log.info("a summary of %s was rejected: %s", self.id, "; ".join(faults))

        self._loop.run_aside(prepare)

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Holds the path still while it is changed; refused while a reply is under way."""
        with self._between_turns:
            live = self._live
            if live is not None and not live.done:
                raise CommandError(f"{self.sheet.nickname} is speaking; stop the reply first")
            self._wait_for_fold()
            yield

    def _wait_for_fold(self) -> None:
        """Wait until what follows a delivered reply is over; it takes milliseconds.

        The turn thread lets go of `_live` under the same lock under which it folds.
        """
        self._between_turns.wait_for(lambda: self._live is None or not self._live.done, _AFTER_S)

    async def _events_of(self, line: Line) -> AsyncIterator[LineEvent]:
        running = asyncio.get_running_loop()
        arrived = asyncio.Event()
        events: list[LineEvent] = []

        def wake() -> None:
            running.call_soon_threadsafe(arrived.set)

        line.listeners.append(events.append)
        self._loop.inbox.add_waker(wake)
        try:
            while True:
                self._loop.tick(None)
                while events:
                    yield events.pop(0)
                if line.done:
                    return
                try:
                    await asyncio.wait_for(arrived.wait(), _AWAIT_S)
                except TimeoutError:
                    continue
                arrived.clear()
        finally:
            self._loop.inbox.remove_waker(wake)
            line.cancel()
