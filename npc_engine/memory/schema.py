"""The tables of a save and their history: one function for each version, never edited afterwards.

A save's version is its `user_version`, the number of migrations it has been through. Tables work
with SQLite 3.24 and later.
"""

import sqlite3
from collections.abc import Callable, Sequence

APPLICATION_ID = 0x4E50_4345
"""Marks a SQLite file as a save of this engine: "NPCE"."""

Migration = Callable[[sqlite3.Connection], None]

_CHATS = """
CREATE TABLE chat (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    npc TEXT NOT NULL,
    leaf_id INTEGER,
    hidden INTEGER NOT NULL DEFAULT 0 CHECK (hidden IN (0, 1)),
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    FOREIGN KEY (leaf_id, id) REFERENCES entry (id, chat_id)
)"""

# The pair (id, chat_id) is the target of every pointer into the tree, so that no pointer can leave
# its chat; a parent's id is smaller than its child's, so the tree cannot hold a cycle.
_ENTRIES = """
CREATE TABLE entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    chat_id INTEGER NOT NULL REFERENCES chat (id),
    parent_id INTEGER,
    at REAL NOT NULL,
    day INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    payload TEXT NOT NULL,
    UNIQUE (id, chat_id),
    FOREIGN KEY (parent_id, chat_id) REFERENCES entry (id, chat_id),
    CHECK (parent_id IS NULL OR parent_id < id)
)"""

_MOVES = """
CREATE TABLE leaf_move (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    chat_id INTEGER NOT NULL REFERENCES chat (id),
    came_from INTEGER,
    went_to INTEGER,
    why TEXT NOT NULL,
    at REAL NOT NULL,
    epoch INTEGER NOT NULL,
    FOREIGN KEY (came_from, chat_id) REFERENCES entry (id, chat_id),
    FOREIGN KEY (went_to, chat_id) REFERENCES entry (id, chat_id)
)"""

_DRAFTS = """
CREATE TABLE draft (
    chat_id INTEGER NOT NULL REFERENCES chat (id),
    kind TEXT NOT NULL CHECK (kind IN ('typed', 'reply')),
    speaker TEXT NOT NULL,
    text TEXT NOT NULL,
    parent_id INTEGER,
    hearers TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (chat_id, kind, speaker),
    FOREIGN KEY (parent_id, chat_id) REFERENCES entry (id, chat_id)
)"""

_SNAPSHOTS = """
CREATE TABLE snapshot (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    at REAL NOT NULL
)"""

_SNAPSHOT_LEAVES = """
CREATE TABLE snapshot_leaf (
    snapshot_id INTEGER NOT NULL REFERENCES snapshot (id) ON DELETE CASCADE,
    chat_id INTEGER NOT NULL REFERENCES chat (id),
    leaf_id INTEGER,
    hidden INTEGER NOT NULL,
    PRIMARY KEY (snapshot_id, chat_id),
    FOREIGN KEY (leaf_id, chat_id) REFERENCES entry (id, chat_id)
)"""

_EPOCH = """
CREATE TABLE save_state (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    epoch INTEGER NOT NULL
)"""


def m001_first_tables(connection: sqlite3.Connection) -> None:
    """Chats, their entry tree, leaf moves, drafts, snapshots and the epoch."""
    for table in (
        _EPOCH,
        _CHATS,
        _ENTRIES,
        _MOVES,
        _DRAFTS,
        _SNAPSHOTS,
        _SNAPSHOT_LEAVES,
    ):
        connection.execute(table)
    connection.execute("CREATE INDEX entry_by_parent ON entry (chat_id, parent_id)")
    connection.execute("CREATE INDEX leaf_move_by_chat ON leaf_move (chat_id)")
    for table in ("entry", "leaf_move"):
        for verb in ("UPDATE", "DELETE"):
            connection.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are only ever added'); END"
            )
    connection.execute(
        "CREATE TRIGGER chat_no_delete BEFORE DELETE ON chat "
        "BEGIN SELECT RAISE(ABORT, 'chats are hidden, never deleted'); END"
    )
    connection.execute("INSERT INTO save_state (only_row, epoch) VALUES (1, 1)")


MIGRATIONS: tuple[Migration, ...] = (m001_first_tables,)
"""All versions in order; a save of this version has been through all of them."""


def version_of(connection: sqlite3.Connection) -> int:
    """How many migrations the open database has been through; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(
    connection: sqlite3.Connection, migrations: Sequence[Migration] = MIGRATIONS
) -> tuple[int, int]:
    """Bring a database up to date, each version in a transaction of its own.

    A migration that fails leaves the database at the version before it.

    Args:
        connection: In autocommit mode, outside a transaction.
        migrations: All versions, oldest first.

    Returns:
        The version before and the version after.
    """
    before = version_of(connection)
    for version, migration in enumerate(migrations[before:], start=before + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            migration(connection)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return before, max(before, len(migrations))
