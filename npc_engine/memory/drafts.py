"""Drafts, as SQL: text beside the tree that becomes an entry, or is thrown away."""

import json
import sqlite3
from collections.abc import Sequence
from itertools import islice

from npc_engine.memory.entries import Draft, DraftKind, Entry, LineSaid, Payload
from npc_engine.memory.paths import place_of

_COLUMNS = "chat_id, kind, text, parent_id, speaker, hearers, epoch, at"


def write_draft(connection: sqlite3.Connection, draft: Draft) -> None:
    """Keep the newest text; there is one draft for each chat, kind and speaker."""
    connection.execute(
        "INSERT OR REPLACE INTO draft (chat_id, kind, text, parent_id, speaker, hearers, epoch, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            draft.chat_id,
            draft.kind,
            draft.text,
            draft.parent_id,
            draft.speaker,
            json.dumps(draft.hearers),
            draft.epoch,
            draft.at,
        ),
    )


def read_drafts(connection: sqlite3.Connection, chat_id: int | None = None) -> list[Draft]:
    """Drafts of one chat, or of all, the oldest first."""
    where = "" if chat_id is None else "WHERE chat_id = :chat"
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM draft {where} ORDER BY at, chat_id, kind, speaker",
        {"chat": chat_id},
    )
    return [
        Draft(chat, kind, text, parent, speaker, tuple(json.loads(hearers)), epoch, at)
        for chat, kind, text, parent, speaker, hearers, epoch, at in rows
    ]


def remove_draft(
    connection: sqlite3.Connection, chat_id: int, kind: DraftKind, speaker: str | None = None
) -> None:
    """Throw a draft away; without a speaker, all of that kind in the chat."""
    connection.execute(
        "DELETE FROM draft WHERE chat_id = ? AND kind = ? AND (? IS NULL OR speaker = ?)",
        (chat_id, kind, speaker, speaker),
    )


def remove_draft_of(connection: sqlite3.Connection, chat_id: int, payload: Payload) -> None:
    """Throw away the draft that `payload` was written from, if it is a line."""
    if isinstance(payload, LineSaid):
        if payload.role == "npc":
            remove_draft(connection, chat_id, "reply", payload.speaker)
        else:
            remove_draft(connection, chat_id, "typed")


def line_of(draft: Draft, answered: Entry | None) -> LineSaid:
    """The line a half-streamed reply becomes when its process died.

    Args:
        draft: What was written down of it.
        answered: The entry it followed; a reply is said where the line was, and as loud. Words
            that go on from the speaker's own are said to the same.
    """
    asked = answered.payload if answered is not None else None
    to = "player"
    if isinstance(asked, LineSaid):
        to = asked.to if asked.speaker == draft.speaker else asked.speaker
    return LineSaid(
        role="npc",
        speaker=draft.speaker,
        text=draft.text,
        hearers=draft.hearers,
        to=to,
        place=asked.place if isinstance(asked, LineSaid) else "",
        whispered=isinstance(asked, LineSaid) and asked.whispered,
        reason="stopped",
        rung="short",
        detail="the program ended while this was being said",
    )


def place_of_answer(
    asked_id: int | None, speaker: str, path: Sequence[Entry]
) -> tuple[int | None, bool]:
    """Where a reply belongs: its parent, and whether the path should lead to it.

    Beside the answer that this speaker has given already, as for a swipe; else at the end of the
    path, so that what happened beside the reply stays on it. If the line it answers has left the
    path, the reply is kept as a branch of it.

    Args:
        asked_id: The line that is answered; None for a reply to nothing at the start of a chat.
        speaker: Who replies.
        path: The current path of the chat.
    """
    if asked_id is not None and place_of(path, asked_id) is None:
        return asked_id, False
    earlier = answer_to(path, asked_id, speaker)
    if earlier is not None:
        return earlier.parent_id, True
    return (path[-1].id if path else None), True


def answer_to(path: Sequence[Entry], asked_id: int | None, speaker: str) -> Entry | None:
    """The first line of `speaker` on the path after a line, or after its start; None if none."""
    asked_at = -1 if asked_id is None else place_of(path, asked_id)
    if asked_at is None:
        return None
    for entry in islice(path, asked_at + 1, None):
        said = entry.payload
        if isinstance(said, LineSaid) and said.role == "npc" and said.speaker == speaker:
            return entry
    return None
