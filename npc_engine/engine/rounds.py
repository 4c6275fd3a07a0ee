"""A round of a scene: one line, and what those who heard it say, one after the other."""

from collections.abc import Callable
from typing import Literal

from npc_engine.dialogue.next_speaker import Decision
from npc_engine.engine.line import Line
from npc_engine.events import LineEvent

RoundEnd = Literal[
    "said", "silence", "cap", "interrupted", "left", "happened", "cooldown", "closed"
]
"""Why a round is over. `said`: whoever wanted to has spoken. `silence`: nobody spoke. `cap`: as
many as may have spoken. `interrupted`: somebody spoke, or the game took it back. `left`: who was to
speak or be spoken to has gone. `happened`: something happened. `cooldown`: those who are there have
talked a short time ago. `closed`: the engine is closed."""


class Round:
    """What follows one line in a scene. Its fields change only while events are delivered."""

    def __init__(self, speaker: str, said: str, max_replies: int) -> None:
        """A round that has just begun."""
        self.speaker = speaker
        """Id of who began it."""
        self.said = said
        """The words that began it; empty where NPCs talk of their own accord."""
        self.max_replies = max_replies
        self.lines: list[Line] = []
        """The replies, in the order in which they began."""
        self.decisions: list[Decision] = []
        """Who was to speak, and why, in that order."""
        self.done = False
        self.reason: RoundEnd | None = None
        """Why it is over; None while it goes on."""
        self.listeners: list[Callable[[LineEvent], None]] = []
        """Called with each event of each of its lines, as it is delivered."""

    @property
    def text(self) -> str:
        """All that was answered so far, a reply a line."""
        return "\n".join(line.text for line in self.lines if line.text)

    def cancel(self) -> None:
        """Nobody says more; what was heard stays in memory."""
        self.end("interrupted")
        for line in self.lines:
            if not line.done:
                line.cancel()

    def end(self, reason: RoundEnd) -> None:
        """Note why it is over; the first reason counts."""
        if not self.done:
            self.done, self.reason = True, reason
