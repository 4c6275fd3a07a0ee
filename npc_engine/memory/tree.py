"""The tree of entries and the chats that point into it, as SQL on an open transaction.

Functions take a connection and trust it to be inside a transaction of the caller.
"""

import sqlite3
from collections.abc import Iterable

from pydantic import ValidationError

from npc_engine.errors import StoreError
from npc_engine.memory.entries import (
    Chat,
    Entry,
    LeafMoved,
    MoveReason,
    Payload,
    payload_from_json,
    storable,
)

_ENTRY_COLUMNS = "id, chat_id, parent_id, at, day, minute, payload"
_CHAT_COLUMNS = "id, title, npc, leaf_id, created_at, updated_at"

Row = tuple[int, int, int | None, float, int, int, str]


def entry_from_row(row: Row) -> Entry:
    """The entry of a row; `StoreError` if its payload is none this version knows."""
    entry_id, chat_id, parent_id, at, day, minute, payload = row
    try:
        return Entry(entry_id, chat_id, parent_id, at, day, minute, payload_from_json(payload))
    except ValidationError as error:
        raise StoreError(
            f"entry {entry_id}: found a payload that cannot be read "
            f"({error.error_count()} faults); the save was changed by another program"
        ) from error


def read_entry(connection: sqlite3.Connection, entry_id: int) -> Entry | None:
    """One entry, or None."""
    row = connection.execute(
        f"SELECT {_ENTRY_COLUMNS} FROM entry WHERE id = ?", (entry_id,)
    ).fetchone()
    return None if row is None else entry_from_row(row)


def read_path(connection: sqlite3.Connection, leaf_id: int) -> list[Entry]:
    """The entries from the root to `leaf_id`; ids rise along a path, so they order it."""
    rows: Iterable[Row] = connection.execute(
        f"""
        WITH RECURSIVE up ({_ENTRY_COLUMNS}) AS (
            SELECT {_ENTRY_COLUMNS} FROM entry WHERE id = ?
            UNION ALL
            SELECT e.id, e.chat_id, e.parent_id, e.at, e.day, e.minute, e.payload
            FROM entry AS e JOIN up ON e.id = up.parent_id
        )
        SELECT {_ENTRY_COLUMNS} FROM up ORDER BY id
        """,
        (leaf_id,),
    )
    return [entry_from_row(row) for row in rows]


def read_children(
    connection: sqlite3.Connection, chat_id: int, parent_id: int | None
) -> list[Entry]:
    """Entries that follow `parent_id` directly, oldest first."""
    rows: Iterable[Row] = connection.execute(
        f"SELECT {_ENTRY_COLUMNS} FROM entry WHERE chat_id = ? AND parent_id IS ? ORDER BY id",
        (chat_id, parent_id),
    )
    return [entry_from_row(row) for row in rows]


def last_entry_id(connection: sqlite3.Connection) -> int:
    """The highest id there is; 0 without entries."""
    (highest,) = connection.execute("SELECT COALESCE(MAX(id), 0) FROM entry").fetchone()
    return int(highest)


def insert_entry(
    connection: sqlite3.Connection,
    chat_id: int,
    parent_id: int | None,
    payload: Payload,
    *,
    at: float,
    day: int,
    minute: int,
) -> Entry:
    """Add an entry; the chat's leaf stays where it is."""
    cursor = connection.execute(
        "INSERT INTO entry (chat_id, parent_id, at, day, minute, payload) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (chat_id, parent_id, at, day, minute, payload.model_dump_json()),
    )
    if cursor.lastrowid is None:
        raise StoreError("an entry was stored without an id")
    return Entry(cursor.lastrowid, chat_id, parent_id, at, day, minute, payload)


def list_chats(connection: sqlite3.Connection, *, with_hidden: bool = False) -> tuple[Chat, ...]:
    """Chats that are not hidden, or all; the one used last first."""
    rows = connection.execute(
        f"SELECT {_CHAT_COLUMNS} FROM chat WHERE NOT hidden OR ? ORDER BY updated_at DESC, id DESC",
        (with_hidden,),
    )
    return tuple(Chat(*row) for row in rows)


def read_chat(connection: sqlite3.Connection, chat_id: int) -> Chat | None:
    """One chat, or None when it was never there or is hidden."""
    row = connection.execute(
        f"SELECT {_CHAT_COLUMNS} FROM chat WHERE id = ? AND NOT hidden", (chat_id,)
    ).fetchone()
    return None if row is None else Chat(*row)


def insert_chat(connection: sqlite3.Connection, title: str, npc: str, at: float) -> Chat:
    """Add an empty chat."""
    title, npc = storable(title), storable(npc)
    cursor = connection.execute(
        "INSERT INTO chat (title, npc, created_at, updated_at) VALUES (?, ?, ?, ?)",
        (title, npc, at, at),
    )
    if cursor.lastrowid is None:
        raise StoreError("a chat was stored without an id")
    return Chat(cursor.lastrowid, title, npc, None, at, at)


def point_leaf(connection: sqlite3.Connection, chat_id: int, to: int | None, at: float) -> None:
    """End the chat's path at `to`, and remember when."""
    connection.execute(
        "UPDATE chat SET leaf_id = ?, updated_at = ? WHERE id = ?", (to, at, chat_id)
    )


def log_move(connection: sqlite3.Connection, move: LeafMoved) -> None:
    """Write down that a leaf was pointed elsewhere."""
    connection.execute(
        "INSERT INTO leaf_move (chat_id, came_from, went_to, why, at, epoch) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (move.chat_id, move.came_from, move.to, move.why, move.at, move.epoch),
    )


def read_moves(connection: sqlite3.Connection, chat_id: int) -> tuple[LeafMoved, ...]:
    """All moves of a chat's leaf, oldest first."""
    rows: Iterable[tuple[int, int | None, int | None, MoveReason, float, int]] = connection.execute(
        "SELECT chat_id, came_from, went_to, why, at, epoch FROM leaf_move "
        "WHERE chat_id = ? ORDER BY id",
        (chat_id,),
    )
    return tuple(LeafMoved(*row) for row in rows)
