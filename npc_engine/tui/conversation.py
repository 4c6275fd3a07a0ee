"""One open chat: what the person asks for goes to the engine, what comes back becomes state.

Knows no widget. Refusals and faults become notices in the state; nothing here raises them.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from npc_engine.dialogue.commands import COMMANDS
from npc_engine.engine import Engine, Line, Npc
from npc_engine.errors import CommandError, NpcEngineError
from npc_engine.events import Event, FoldEnded, LineEnded, ReplyStarted, WorldChanged
from npc_engine.prompt.plan import Plan
from npc_engine.tui import state as change
from npc_engine.tui.state import ChatState, Level

Effect = Literal["none", "new_chat", "quit", "help"]
"""What a command leaves to the screen."""

_ANY_TIME: dict[str, Effect] = {"new": "new_chat", "quit": "quit", "help": "help"}
"""Commands that work while a reply is written and while the model loads."""


class Conversation:
    """One NPC in one chat, as the screen uses it. Belongs to the thread that ticks the engine."""

    def __init__(self, engine: Engine, npc: Npc) -> None:
        """Show an NPC's chat as it was left; `begin` then lets the NPC greet in an empty one."""
        self._engine = engine
        self._npc = npc
        self._line: Line | None = None
        self._last_words = ""
        self._wants_plan = True
        sheet = npc.sheet
        world = engine.cast.world
        self.state = ChatState(npc=npc.id, npc_name=sheet.nickname, world_name=world.name)
        self._guarded(self._read)
        if engine.load_error is not None:
            self.notice(str(engine.load_error), "error")

    @property
    def colour(self) -> str:
        """The colour of the NPC's name, as its sheet gives it; may be empty."""
        return self._npc.sheet.display.colour or ""

    @property
    def npc_id(self) -> str:
        """Who is spoken with."""
        return self._npc.id

    def begin(self) -> None:
        """Let the NPC speak first if nothing was said yet."""
        if not self.state.lines and not self._npc.is_speaking:
            self._guarded(self._greet)
        else:
            self._npc.approach()

    # -- speaking -----------------------------------------------------------------------------

    def send(self, text: str) -> bool:
        """Say something; False if it was refused, and the words should stay in the box."""
        words = text[1:] if text.startswith("//") else text

        def say() -> None:
            self._line = self._npc.say(words)
            self._last_words = words
            self.state = change.said(self.state, self._line.id, words)

        return self._guarded(say)

    def stop(self) -> bool:
        """Stop the reply under way; False if there is none."""
        if self._line is None or self._line.done:
            return False
        self._line.cancel()
        return True

    def regenerate(self) -> None:
        """Ask for another reply to the last line."""

        def again() -> None:
            if self._npc.is_speaking and self.state.is_writing:
                raise CommandError("a reply is being written; esc stops it")
            self._line = self._npc.regenerate()
            self.state = change.asked_again(self.state, self._line.id)

        self._guarded(again)

    def swipe(self, step: int) -> None:
        """Go to the reply before or after; after the last one, a new one is written."""

        def move() -> None:
            replies, current = self._npc.swipes()
            if not replies:
                raise CommandError("there is no reply to swipe yet; say something first")
            if current + step < 0:
                raise CommandError("this is the first reply")
            if current + step >= len(replies):
                self.regenerate()
                return
            self._npc.swipe_to(current + step)
            self._changed("")

        self._guarded(move)

    # -- commands -----------------------------------------------------------------------------

    def command(self, text: str) -> Effect:
        """Run a slash command; its answer becomes a notice or a note in the log."""
        name = text[1:].split(maxsplit=1)[0].casefold() if text[1:].split() else ""
        for command in COMMANDS:
            if name in (command.name, *command.aliases) and command.name in _ANY_TIME:
                return _ANY_TIME[command.name]
        self._guarded(lambda: self._run_command(text))
        return "none"

    def recall(self) -> str:
        """What the player said last, to say it again in other words."""
        if self._last_words:
            return self._last_words
        said = [line.text for line in self.state.lines if line.role == "player"]
        return said[-1] if said else ""

    def notice(self, text: str, level: Level = "info") -> None:
        """Show a short message."""
        self.state = change.with_notice(self.state, text, level)

    def clear_notice(self) -> None:
        """Take the message away."""
        if self.state.notice is not None:
            self.state = replace(self.state, notice=None)

    # -- the half-typed line ------------------------------------------------------------------

    def typed(self) -> str:
        """The line that was left half typed."""
        return self._npc.typed()

    def keep_typed(self, text: str) -> None:
        """Keep a half-typed line, so that a crash does not lose it."""
        self._guarded(lambda: self._npc.save_typed(text))

    def take_returned_words(self) -> str:
        """Words that could not be stored, once."""
        words = self.state.returned_words
        if words:
            self.state = replace(self.state, returned_words="")
        return words

    # -- plans --------------------------------------------------------------------------------

    def plan_job(self) -> Callable[[], Plan] | None:
        """How to work out the plan of the next line, if one is wanted; may run on any thread.

        None while the model loads or a reply is written: then `ReplyStarted` brings the plan.
        """
        session = self._engine.session
        if not self._wants_plan or session is None or self.state.is_writing:
            return None
        self._wants_plan = False
        talk, tokenizer = self._npc.talk, session.tokenizer
        return lambda: talk.plan("", tokenizer)

    def show_plan(self, plan: Plan) -> None:
        """Take in a plan that was worked out, unless a reply has brought a newer one."""
        if not self.state.is_writing:
            self.state = replace(self.state, plan=plan)

    # -- events -------------------------------------------------------------------------------

    def on_event(self, event: Event) -> None:
        """Take in an event that a tick delivered."""
        mine = {live.line_id for live in self.state.live}
        self.state = change.on_event(self.state, event)
        if isinstance(event, ReplyStarted) and event.prompt_tokens and event.line_id in mine:
            self._wants_plan = False
            self.state = replace(self.state, plan=self._npc.talk.last_plan or self.state.plan)
        elif isinstance(event, LineEnded) and event.npc == self.npc_id:
            self._guarded(lambda: self._after_line(event, is_mine=event.line_id in mine))
        elif isinstance(event, FoldEnded) and event.npc == self.npc_id:
            self._wants_plan = True
            if not self.state.is_writing:
                self._guarded(self._read)
        elif isinstance(event, WorldChanged):
            self._guarded(self._read_clock)

    # -- inside -------------------------------------------------------------------------------

    def _after_line(self, event: LineEnded, *, is_mine: bool) -> None:
        """A reply that was not stored leaves the older one in place: show what the save holds."""
        if is_mine and self.state.plan is None:
            self._wants_plan = True
        if not self.state.is_writing and (not is_mine or event.entry_id is None):
            self._read()
        else:
            self._read_clock()

    def _run_command(self, text: str) -> None:
        if self._engine.session is None and self._engine.load_error is None:
            raise CommandError("the model is still loading; /help, /new and /quit work meanwhile")
        result = self._npc.command(text)
        if result.effect == "regenerate":
            self.regenerate()
        elif result.effect == "changed":
            self._changed(result.text)
        elif "\n" in result.text:
            self.state = change.with_note(self.state, text, result.text)
        elif result.text:
            self.notice(result.text)

    def _greet(self) -> None:
        self._line = self._npc.greet()
        self.state = change.greeted(self.state, self._line.id)

    def _changed(self, text: str) -> None:
        self._read()
        self._wants_plan = True
        self.state = replace(self.state, notice=None)
        if text:
            self.notice(text)

    def _read(self) -> None:
        self.state = change.with_history(self.state, self._npc.history())
        self._read_clock()

    def _read_clock(self) -> None:
        clock = self._npc.state().clock_text
        if clock != self.state.clock:
            self.state = replace(self.state, clock=clock)

    def _guarded(self, act: Callable[[], None]) -> bool:
        """Do something that the engine may refuse; a refusal becomes a notice."""
        try:
            act()
        except CommandError as error:
            self.notice(str(error), "warning")
            return False
        except NpcEngineError as error:
            self.notice(str(error), "error")
            return False
        return True
