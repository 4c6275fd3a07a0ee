"""Snapshots, as SQL: where every chat's path ended at one moment, under a name."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeafThen:
    """One chat at the moment of a snapshot."""

    leaf_id: int | None
    hidden: bool


def write_snapshot(connection: sqlite3.Connection, name: str, at: float) -> None:
    """Note every chat's leaf; an older snapshot of that name is replaced."""
    connection.execute("DELETE FROM snapshot WHERE name = ?", (name,))
    cursor = connection.execute("INSERT INTO snapshot (name, at) VALUES (?, ?)", (name, at))
    connection.execute(
        "INSERT INTO snapshot_leaf (snapshot_id, chat_id, leaf_id, hidden) "
        "SELECT ?, id, leaf_id, hidden FROM chat",
        (cursor.lastrowid,),
    )


def read_snapshot(connection: sqlite3.Connection, name: str) -> dict[int, LeafThen] | None:
    """Chats of that moment by id; None if there is no such snapshot."""
    row = connection.execute("SELECT id FROM snapshot WHERE name = ?", (name,)).fetchone()
    if row is None:
        return None
    leaves = connection.execute(
        "SELECT chat_id, leaf_id, hidden FROM snapshot_leaf WHERE snapshot_id = ?", row
    )
    return {chat_id: LeafThen(leaf_id, bool(hidden)) for chat_id, leaf_id, hidden in leaves}


def list_snapshots(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Their names, the newest first."""
    rows = connection.execute("SELECT name FROM snapshot ORDER BY at DESC, id DESC")
    return tuple(name for (name,) in rows)
