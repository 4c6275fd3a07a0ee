"""A line: what `npc.say` returns at once, and what it becomes while the NPC speaks."""

from collections.abc import Callable

from npc_engine.dialogue.handle import TurnHandle
from npc_engine.dialogue.speech_parts import SpeechReader
from npc_engine.engine.action_call import ActionCall
from npc_engine.errors import CommandError
from npc_engine.events import (
    AuthoredLineFound,
    EmotionShown,
    LineEnded,
    LineEvent,
    LineRecorded,
    TextDelta,
    TextReset,
)
from npc_engine.messages import Emotion, Priority, Reason, Rung, Usage


class Line:
    """One line of the player and the reply to it.

    Its fields change only while events are delivered, on the thread that calls `Engine.tick` (or
    `ask`, `reply`, `stream`): a game reads them without locks.
    """

    def __init__(
        self,
        line_id: int,
        npc: str,
        said: str,
        deadline: float | None,
        *,
        first_deadline: float | None = None,
        priority: Priority = "player",
        interruptible: bool = True,
        handed_in_at: float = 0.0,
    ) -> None:
        """A line that was just handed in.

        Args:
            line_id: Unique in this engine.
            npc: Who is spoken to.
            said: The player's words; empty for a greeting or another try.
            deadline: Monotonic seconds at which the reply must be over; None is never.
            first_deadline: The same for its first text.
            priority: Who waits for it.
            interruptible: Whether a newer line may end it.
            handed_in_at: Monotonic seconds.
        """
        self.id = line_id
        self.npc = npc
        self.said = said
        self.deadline = deadline
        self.first_deadline = first_deadline
        self.priority: Priority = priority
        """Who waits for it by now."""
        self.interruptible = interruptible
        """Whether it may be cut short: where not, let it be spoken to its end."""
        self.handed_in_at = handed_in_at
        self.first_text_at: float | None = None
        """Monotonic seconds at which the first text was there to be delivered."""
        self.text = ""
        """What was heard so far, as it was written; complete once `done`."""
        self.emotion: Emotion = "neutral"
        """How it sounds so far."""
        self.recorded = False
        """Whether the player's words are in the save."""
        self.done = False
        self.reason: Reason | None = None
        """Why the line ended; None while it runs."""
        self.rung: Rung | None = None
        """What kind of answer it became; None while it runs."""
        self.entry_id: int | None = None
        """The reply's entry in the save."""
        self.usage = Usage()
        self.detail = ""
        self.actions: tuple[ActionCall, ...] = ()
        """What the NPC does with this line, as far as it was given to the game."""
        self.handle = TurnHandle()
        self.listeners: list[Callable[[LineEvent], None]] = []
        """Called with each event of this line as it is delivered."""
        self.is_being_read = False
        """Whether the model was asked and no text has come."""
        self.stored_entry_id: int | None = None
        """As `entry_id`, but known before the end is delivered."""
        self.cut_to: Callable[[int], None] | None = None
        """How a reply that is stored already is cut; set by the engine."""
        self._reader = SpeechReader()
        self._num_read = 0
        self._is_read = False

    @property
    def speech(self) -> str:
        """What is spoken of the text: no stage directions, no tags.

        A direction that is still being written is not among it.
        """
        return self._read().speech

    @property
    def stage(self) -> tuple[str, ...]:
        """The stage directions of the text, such as `wipes hands`, in order."""
        return tuple(self._read().stage)

    @property
    def stored_parts(self) -> tuple[tuple[int, int], ...]:
        """Entries of the reply as far as it is stored, and where in `text` each begins."""
        before, last = self.handle.said_before, self.stored_entry_id
        if before is None:
            return () if last is None else ((last, 0),)
        if last is None or last == before[0]:
            return ((before[0], 0),)
        return (before[0], 0), (last, before[1])

    def cancel(self, heard: int | None = None) -> None:
        """End the reply within one token; what was heard stays in the NPC's memory.

        A line that is done may still be in the middle of being voiced: with `heard` it is cut too.

        Args:
            heard: How many characters of `text` were played. What comes after them is known to
                nobody: not to the NPC, nor to who stood by; it stays in the record alone. 0 leaves
                no reply; more than there are, or None, keeps all that was written.

        Raises:
            CommandError: `heard` is not a number of characters.
        """
        if heard is not None and (isinstance(heard, bool) or not isinstance(heard, int)):
            raise CommandError(f"heard: found {heard!r}; expected a number of characters")
        if heard is not None and heard < 0:
            raise CommandError(f"heard: found {heard}; expected 0 or more characters")
        in_time = self.handle.end("cancelled", heard)
        if heard is not None and not in_time and self.cut_to is not None:
            self.cut_to(heard)

    def expire(self, now: float) -> None:
        """End the reply if a deadline of it has passed; `now` is in monotonic seconds."""
        if self.done:
            return
        if self.deadline is not None and now >= self.deadline:
            self.handle.end("late_total" if self.text else "late_first")
        elif (
            self.first_deadline is not None
            and self.first_text_at is None
            and now >= self.first_deadline
        ):
            self.handle.end("late_first")

    def serve_as(self, priority: Priority) -> None:
        """Let it be served as if somebody of this class waited for it."""
        self.priority = priority
        self.handle.serve_as(priority)

    def deliver(self, event: LineEvent) -> None:
        """Take in one event."""
        if isinstance(event, TextDelta):
            self.text += event.text
        elif isinstance(event, TextReset):
            self._begin("")
        elif isinstance(event, EmotionShown):
            self.emotion = event.emotion
        elif isinstance(event, LineRecorded):
            self.recorded = True
        elif isinstance(event, AuthoredLineFound):
            self.interruptible = self.interruptible and event.interruptible
        elif isinstance(event, LineEnded):
            if event.text != self.text:
                emotion = self.emotion
                self._begin(event.text)
                self.emotion = emotion
            self.reason, self.rung = event.reason, event.rung
            self.entry_id, self.usage, self.detail = event.entry_id, event.usage, event.detail
            self.done = True

    def _begin(self, text: str) -> None:
        self.text = text
        self.emotion = "neutral"
        self._reader = SpeechReader()
        self._num_read = 0
        self._is_read = False

    def _read(self) -> SpeechReader:
        """What was heard, taken apart as far as it is there; only for those who ask."""
        if self._num_read < len(self.text):
            self._reader.feed(self.text[self._num_read :])
            self._num_read = len(self.text)
        if self.done and not self._is_read:
            self._reader.finish()
            self._is_read = True
        return self._reader
