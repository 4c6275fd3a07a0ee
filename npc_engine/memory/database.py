"""One SQLite connection shared by all threads of this process, and its faults in plain words.

Knows no table. Every statement of the save runs under one lock; a write either happens whole or
not at all, and a failed one leaves the connection usable.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from npc_engine.errors import SaveLockedError, StoreError

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_NOT_WRITABLE = frozenset(
    {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
)


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code without its extension; 0 for faults of the driver itself."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def means_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is at fault, not its place or its users."""
    return primary_code(error) in _DAMAGED


def in_plain_words(error: sqlite3.Error, name: str) -> StoreError:
    """The fault a person reads: which file, what happened, what to do.

    Args:
        error: What SQLite raised.
        name: The save, as the person named it.
    """
    code = primary_code(error)
    if code in _LOCKED:
        return SaveLockedError(
            f"{name}: found this save open in another program; expected to be its only user; "
            "close the other program, or choose another save"
        )
    if code == sqlite3.SQLITE_FULL:
        return StoreError(
            f"{name}: found no room left on the disk; this change was not stored, everything "
            "before it was; free some space and try again"
        )
    if code in _NOT_WRITABLE:
        return StoreError(
            f"{name}: found that the file or its folder cannot be written ({error}); expected "
            "both to be writable; change their permissions, or choose another place for the save"
        )
    if code == sqlite3.SQLITE_IOERR:
        return StoreError(
            f"{name}: found that the disk failed to read or write ({error}); this change was not "
            "stored; check the disk, or choose another place for the save"
        )
    if code in _DAMAGED:
        return StoreError(
            f"{name}: found the save damaged while it was in use ({error}); close it and open it "
            "again: it is then set aside, not overwritten"
        )
    return StoreError(f"{name}: the save could not be read or written: {error}")


class Database:
    """An open database: one connection, one lock, one way to write.

    Args:
        connection: In autocommit mode and made with `check_same_thread=False`; closed by `close`.
        name: What errors call the file.
    """

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self.name = name
        self._connection: sqlite3.Connection | None = connection
        self._lock: AbstractContextManager[object] = threading.RLock()

    @property
    def lock(self) -> AbstractContextManager[object]:
        """Held while anything is read or written."""
        return self._lock

    def guard_with(self, lock: AbstractContextManager[object]) -> None:
        """Use another lock, a reentrant one; only while nobody uses the database."""
        self._lock = lock

    def copy_to(self, path: Path) -> None:
        """Write all there is into a new database file."""
        with self.reading() as connection, closing(sqlite3.connect(path)) as target:
            connection.backup(target)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, while no other thread uses it.

        Raises:
            StoreError: The database is closed, or a statement failed.
        """
        with self._lock:
            try:
                yield self._open_connection()
            except sqlite3.Error as error:
                raise in_plain_words(error, self.name) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The connection inside a transaction that is committed on leaving, or rolled back.

        When this returns without an error the change survives the death of the process.

        Raises:
            StoreError: The database is closed, or a statement failed; nothing was changed.
        """
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Free the file and its lock; may be called twice."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"{self.name}: the save is closed; open it again to go on")
        return self._connection
