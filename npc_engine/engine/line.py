"""A line: what `npc.say` returns at once, and what it becomes while the NPC speaks."""

from collections.abc import Callable

from npc_engine.dialogue.handle import TurnHandle
from npc_engine.dialogue.speech_parts import SpeechReader
from npc_engine.engine.action_call import ActionCall
from npc_engine.events import (
    EmotionShown,
    LineEnded,
    LineEvent,
    LineRecorded,
    TextDelta,
    TextReset,
)
from npc_engine.messages import Emotion, Reason, Rung, Usage


class Line:
    """One line of the player and the reply to it.

    Its fields change only while events are delivered, on the thread that calls `Engine.tick` (or
    `ask`, `reply`, `stream`): a game reads them without locks.
    """

    def __init__(self, line_id: int, npc: str, said: str, deadline: float | None) -> None:
        """A line that was just handed in.

        Args:
            line_id: Unique in this engine.
            npc: Who is spoken to.
            said: The player's words; empty for a greeting or another try.
            deadline: Monotonic seconds at which the reply must be over; None is never.
        """
        self.id = line_id
        self.npc = npc
        self.said = said
        self.deadline = deadline
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

    def cancel(self) -> None:
        """End the reply within one token; what was heard stays in the NPC's memory."""
        self.handle.end("cancelled")

    def expire(self, now: float) -> None:
        """End the reply if its deadline has passed; `now` is in monotonic seconds."""
        if self.deadline is not None and not self.done and now >= self.deadline:
            self.handle.end("late_total" if self.text else "late_first")

    def deliver(self, event: LineEvent) -> None:
        """Take in one event, then tell the listeners."""
        if isinstance(event, TextDelta):
            self.text += event.text
        elif isinstance(event, TextReset):
            self._begin("")
        elif isinstance(event, EmotionShown):
            self.emotion = event.emotion
        elif isinstance(event, LineRecorded):
            self.recorded = True
        elif isinstance(event, LineEnded):
            if event.text != self.text:
                emotion = self.emotion
                self._begin(event.text)
                self.emotion = emotion
            self.reason, self.rung = event.reason, event.rung
            self.entry_id, self.usage, self.detail = event.entry_id, event.usage, event.detail
            self.done = True
        for listen in tuple(self.listeners):
            listen(event)

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
