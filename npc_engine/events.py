"""What the engine tells its users, as plain values.

Every event of a line carries its `line_id`; exactly one `LineEnded` closes each line.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from npc_engine.messages import CallOutcome, DropReason, Emotion, Reason, Rung, Usage


@dataclass(frozen=True, slots=True)
class LineRecorded:
    """The player's words are in the save: a crash after this loses nothing."""

    line_id: int
    entry_id: int


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """The prompt was planned and handed to the model, or an authored line is said without one."""

    line_id: int
    prompt_tokens: int
    """0 for an authored line."""
    shared_prefix_tokens: int
    """Leading tokens equal to this chat's previous plan."""


@dataclass(frozen=True, slots=True)
class AuthoredLineFound:
    """The player's words call for one of the sheet's `lines:`; its text comes next."""

    line_id: int
    phrase: str
    """The sheet's phrase that they were found to say."""
    by: Literal["words", "stems"]
    """Word for word, or by what the words mean alone."""
    score: float
    """How well it fitted, 0 to 1."""
    interruptible: bool = True
    """Whether it may be cut short; where not, a game lets it be spoken to its end."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the reply, already past the output guard."""

    line_id: int
    text: str


@dataclass(frozen=True, slots=True)
class TextReset:
    """What was shown of this reply so far is taken back; it starts again from nothing.

    Sent before a retry and before an authored line replaces a reply that came to nothing.
    """

    line_id: int


@dataclass(frozen=True, slots=True)
class ActionProposed:
    """An NPC is about to do something; it is done once the game has done it.

    What handles the action is called when this event is delivered. The same id never stands for two
    actions: whoever sees it twice must do it once.
    """

    line_id: int
    npc: str
    call_id: str
    action: str
    arguments: Mapping[str, Any]
    """Checked against the declaration; whatever may be left out and has a default is there."""
    held_as: str = ""
    """The id under which it was held until the player agreed; empty for any other action."""


@dataclass(frozen=True, slots=True)
class ActionHeld:
    """An action waits for the player to agree with the next line (`confirm: true`)."""

    line_id: int
    npc: str
    call_id: str
    action: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ActionEnded:
    """What became of an action; may come after the end of its line."""

    line_id: int
    npc: str
    call_id: str
    action: str
    outcome: CallOutcome
    result: str = ""
    """What the game gave back, as a JSON value; empty: nothing."""
    detail: str = ""
    """For people: why it was not done."""


@dataclass(frozen=True, slots=True)
class ActionDropped:
    """The model called for an action that cannot be; what it said stands."""

    line_id: int
    npc: str
    action: str
    """As the model wrote it."""
    reason: DropReason
    detail: str


@dataclass(frozen=True, slots=True)
class EmotionShown:
    """A line sounds different from now on. It begins, and begins again after a reset, `neutral`."""

    line_id: int
    emotion: Emotion


@dataclass(frozen=True, slots=True)
class SentenceSpoken:
    """A whole sentence of what is spoken, for a subtitle or a voice; see `Line.speech`.

    Each comes once and in order, behind the text it stands in; the last one, finished or not, in
    front of `LineEnded`. After a `TextReset` what was told is void, and `index` begins at 0 again.
    """

    line_id: int
    index: int
    """From 0, without gaps."""
    text: str
    """Stripped; all sentences joined by a space are the speech."""
    emotion: Emotion = "neutral"
    """How the line sounds up to here."""


@dataclass(frozen=True, slots=True)
class LineEnded:
    """A line is over. `text` is what was heard, complete."""

    line_id: int
    npc: str
    text: str
    reason: Reason
    rung: Rung
    entry_id: int | None
    """The reply's entry in the save; None when nothing was stored, because nothing was said."""
    usage: Usage
    detail: str = ""
    """For people: why a reply was cut, retried or replaced."""


@dataclass(frozen=True, slots=True)
class FoldEnded:
    """Old turns of an NPC were folded into a summary, or a fold was thrown away."""

    npc: str
    kind: Literal["model", "digest", "discarded"]
    turns: int
    tokens_before: int
    tokens_after: int
    reason: str = ""
    """For people: why it was thrown away."""


@dataclass(frozen=True, slots=True)
class WorldChanged:
    """A named value of the world changed, or something happened that was witnessed."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ModelLoading:
    """The model is being fetched, converted or read. `share` is 0..1, or None if unknown."""

    step: str
    share: float | None


@dataclass(frozen=True, slots=True)
class ModelReady:
    """The model can answer now."""

    name: str
    device: str
    dtype: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should know; never a substitute for an error."""

    level: Literal["info", "warning", "error"]
    text: str


LineEvent = (
    LineRecorded
    | ReplyStarted
    | AuthoredLineFound
    | TextDelta
    | TextReset
    | ActionProposed
    | ActionHeld
    | ActionEnded
    | ActionDropped
    | EmotionShown
    | SentenceSpoken
    | LineEnded
)
Event = LineEvent | FoldEnded | WorldChanged | ModelLoading | ModelReady | Notice
