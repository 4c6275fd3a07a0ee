"""What the screen shows, as plain data, and how events of the engine change it.

Pure functions from state to state. Knows no widget, no store and no thread.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from npc_engine.dialogue.history import HistoryLine
from npc_engine.dialogue.plain_text import plain
from npc_engine.events import (
    Event,
    FoldEnded,
    LineEnded,
    LineRecorded,
    ModelLoading,
    ModelReady,
    Notice,
    ReplyStarted,
    TextDelta,
    TextReset,
)
from npc_engine.messages import ModelInfo
from npc_engine.prompt.plan import Plan
from npc_engine.tui.reasons import mark_of, reason_text
from npc_engine.tui.rehearsal import ACT_EVENTS, act_in_words

LineRole = Literal["player", "npc", "narrator", "note"]
"""Who a shown line is from; a note is the app's own, such as the answer to a command."""

Level = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One line of the log."""

    key: int
    """Stays the same while the line is shown, also when its text or its entry changes."""
    role: LineRole
    name: str
    text: str
    entry_id: int | None = None
    """None until the line is in the save."""
    mark: str = ""
    """Why it is no full reply, in words; empty if it is one."""
    version: int = 1
    versions: int = 1
    folded: bool = False
    """Whether the NPC remembers it only through a fold."""
    writing: bool = False


@dataclass(frozen=True, slots=True)
class ModelState:
    """Where the loading of the model stands."""

    phase: Literal["loading", "ready", "failed"] = "loading"
    text: str = ""
    """Loading: the step. Ready: device and number format. Failed: what is wrong and the mend."""
    share: float | None = None
    """How much of the step is done, 0..1."""
    name: str = ""


@dataclass(frozen=True, slots=True)
class ShownNotice:
    """A short message in the status line; the next thing the person does takes it away."""

    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class LiveLine:
    """A line under way."""

    line_id: int
    words: str
    """What the player said; empty for a greeting or another try."""
    said_key: int | None
    """The shown line of the player."""
    reply_key: int | None = None
    """The shown line of the reply, once there is one."""
    versions: int = 1
    """How many replies to the same line there will be."""
    recorded: bool = False
    started: bool = False
    """Whether the model has been asked."""


@dataclass(frozen=True, slots=True)
class ChatState:
    """One open chat, as it is shown."""

    npc: str
    npc_name: str
    world_name: str
    clock: str = ""
    lines: tuple[ShownLine, ...] = ()
    live: tuple[LiveLine, ...] = ()
    next_key: int = 1
    plan: Plan | None = None
    """The plan of the last reply, or of the next one where nothing was said yet."""
    tokens_per_s: float = 0.0
    """Speed of the last reply."""
    notice: ShownNotice | None = None
    returned_words: str = ""
    """Words of the player that could not be stored; they belong back into the box."""

    @property
    def is_writing(self) -> bool:
        """Whether a reply is awaited or being written."""
        return bool(self.live)


def on_model_event(model: ModelState, event: Event) -> ModelState:
    """The model after an event; events of other kinds change nothing."""
    if isinstance(event, ModelLoading) and model.phase == "loading":
        return replace(model, text=plain(event.step), share=event.share)
    if isinstance(event, ModelReady):
        return ModelState("ready", f"{event.device}, {event.dtype}", name=plain(event.name))
    return model


def model_ready(info: ModelInfo) -> ModelState:
    """The state of a model that was ready before anybody looked."""
    return ModelState("ready", f"{info.device}, {info.dtype}", name=plain(info.name))


def on_event(chat: ChatState, event: Event) -> ChatState:
    """The chat after an event of the engine.

    Events of lines that this chat did not begin change nothing.
    """
    if isinstance(event, Notice):
        return with_notice(chat, event.text, event.level)
    if isinstance(event, FoldEnded):
        return _folded(chat, event)
    if isinstance(event, ACT_EVENTS) and event.npc == chat.npc:
        acted = act_in_words(event)
        return with_note(chat, f"{chat.npc_name} acts", acted) if acted else chat
    if not isinstance(event, LineRecorded | ReplyStarted | TextDelta | TextReset | LineEnded):
        return chat
    live = next((one for one in chat.live if one.line_id == event.line_id), None)
    if live is None:
        return chat
    if isinstance(event, LineRecorded):
        entry_id = event.entry_id
        stored = _change_line(chat, live.said_key, lambda line: replace(line, entry_id=entry_id))
        return _change_live(stored, replace(live, recorded=True))
    if isinstance(event, ReplyStarted):
        return _change_live(chat, replace(live, started=True))
    if isinstance(event, TextDelta):
        return _grown(chat, live, event.text)
    if isinstance(event, TextReset):
        return _change_line(chat, live.reply_key, lambda line: replace(line, text=""))
    return _ended(chat, live, event)


def said(chat: ChatState, line_id: int, words: str) -> ChatState:
    """The chat right after the player spoke: the words are shown at once."""
    line = ShownLine(chat.next_key, "player", "You", plain(words).strip())
    return replace(
        chat,
        lines=(*chat.lines, line),
        next_key=chat.next_key + 1,
        live=(*chat.live, LiveLine(line_id, words, line.key)),
        notice=None,
    )


def greeted(chat: ChatState, line_id: int) -> ChatState:
    """The chat while the NPC opens it."""
    return replace(chat, live=(*chat.live, LiveLine(line_id, "", None, recorded=True)))


def asked_again(chat: ChatState, line_id: int) -> ChatState:
    """The chat while another reply to the player's last line is written.

    What stood below that line is no longer shown; it stays in the save.
    """
    last = max((i for i, line in enumerate(chat.lines) if line.role == "player"), default=-1)
    replies = [line for line in chat.lines[last + 1 :] if line.role == "npc"]
    versions = replies[0].versions + 1 if replies else 1
    said_key = chat.lines[last].key if last >= 0 else None
    live = LiveLine(line_id, "", said_key, versions=versions, recorded=True)
    return replace(chat, lines=chat.lines[: last + 1], live=(*chat.live, live), notice=None)


def with_history(chat: ChatState, history: Sequence[HistoryLine]) -> ChatState:
    """The chat with the lines of the save; lines that are shown already keep their keys."""
    keys = {line.entry_id: line.key for line in chat.lines if line.entry_id is not None}
    lines = []
    next_key = chat.next_key
    for past in history:
        key = keys.get(past.entry_id)
        if key is None:
            key, next_key = next_key, next_key + 1
        lines.append(
            ShownLine(
                key=key,
                role=past.role,
                name=_name(chat, past),
                text=plain(past.text).strip(),
                entry_id=past.entry_id,
                mark=mark_of(past.reason, past.rung, edited=past.edited),
                version=past.version,
                versions=past.versions,
                folded=past.folded,
            )
        )
    return replace(chat, lines=tuple(lines), next_key=next_key)


def with_notice(chat: ChatState, text: str, level: Level = "info") -> ChatState:
    """The chat with a message in the status line."""
    return replace(chat, notice=ShownNotice(level, plain(text).strip()))


def with_note(chat: ChatState, title: str, text: str) -> ChatState:
    """The chat with a text of the app's own at the end of the log; it is not stored."""
    line = ShownLine(chat.next_key, "note", plain(title), plain(text).strip("\n"))
    return replace(chat, lines=(*chat.lines, line), next_key=chat.next_key + 1, notice=None)


def _name(chat: ChatState, line: HistoryLine) -> str:
    if line.role == "player":
        return "You"
    return chat.npc_name if line.speaker == chat.npc else plain(line.speaker)


def _grown(chat: ChatState, live: LiveLine, text: str) -> ChatState:
    if live.reply_key is None:
        chat, live = _with_reply(chat, live)
    more = plain(text)
    return _change_line(chat, live.reply_key, lambda line: replace(line, text=line.text + more))


def _with_reply(chat: ChatState, live: LiveLine) -> tuple[ChatState, LiveLine]:
    """Show an empty reply right below the line that it answers; a greeting comes first of all."""
    reply = ShownLine(
        chat.next_key,
        "npc",
        chat.npc_name,
        "",
        version=live.versions,
        versions=live.versions,
        writing=True,
    )
    at = next((i + 1 for i, line in enumerate(chat.lines) if line.key == live.said_key), 0)
    live = replace(live, reply_key=reply.key, started=True)
    lines = (*chat.lines[:at], reply, *chat.lines[at:])
    chat = replace(chat, lines=lines, next_key=chat.next_key + 1)
    return _change_live(chat, live), live


def _ended(chat: ChatState, live: LiveLine, event: LineEnded) -> ChatState:
    if event.text and live.reply_key is None:
        chat, live = _with_reply(chat, live)
    if event.text:
        chat = _change_line(chat, live.reply_key, lambda line: _finished(line, event))
    else:
        chat = replace(chat, lines=tuple(line for line in chat.lines if line.key != live.reply_key))
    chat = replace(
        chat,
        live=tuple(one for one in chat.live if one.line_id != live.line_id),
        tokens_per_s=event.usage.tokens_per_s or chat.tokens_per_s,
    )
    return _explained(chat, live, event)


def _finished(line: ShownLine, event: LineEnded) -> ShownLine:
    return replace(
        line,
        text=plain(event.text).strip(),
        entry_id=event.entry_id,
        mark=mark_of(event.reason, event.rung),
        writing=False,
    )


def _explained(chat: ChatState, live: LiveLine, event: LineEnded) -> ChatState:
    """Say what a person would wonder about: no words, barks, words that were not stored."""
    if not live.recorded:
        lines = tuple(line for line in chat.lines if line.key != live.said_key)
        chat = replace(chat, lines=lines, returned_words=live.words)
        return with_notice(chat, f"not sent: {event.detail or reason_text(event.reason)}", "error")
    if event.rung == "silence" and event.reason == "cancelled":
        return with_notice(chat, "stopped before the first word")
    if event.rung == "silence" and event.reason != "done":
        return with_notice(chat, f"no reply: {event.detail or reason_text(event.reason)}", "error")
    if event.reason == "failed" or (event.rung == "bark" and event.detail):
        return with_notice(chat, event.detail or reason_text(event.reason), "warning")
    return chat


def _folded(chat: ChatState, event: FoldEnded) -> ChatState:
    if event.npc != chat.npc or event.kind == "discarded":
        return chat
    text = (
        f"fold: {event.turns} older turns are now a summary, "
        f"{event.tokens_before:,} to {event.tokens_after:,} tokens ({event.kind})"
    )
    return with_notice(chat, text)


def _change_line(
    chat: ChatState, key: int | None, change: Callable[[ShownLine], ShownLine]
) -> ChatState:
    """The chat with one line changed; lines are looked for from the end."""
    for index in range(len(chat.lines) - 1, -1, -1):
        if chat.lines[index].key == key:
            changed = change(chat.lines[index])
            lines = (*chat.lines[:index], changed, *chat.lines[index + 1 :])
            return replace(chat, lines=lines)
    return chat


def _change_live(chat: ChatState, live: LiveLine) -> ChatState:
    return replace(
        chat, live=tuple(live if one.line_id == live.line_id else one for one in chat.live)
    )
