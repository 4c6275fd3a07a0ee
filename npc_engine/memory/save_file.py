"""Opens a save file, and guards it: one process at a time, never a foreign file, never a loss.

Nothing is written to a file before it is known to be a save of this or an older version. Whatever
must not be opened stays as it is; a damaged save is moved aside whole.
"""

import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from npc_engine.errors import SaveDamagedError, SaveNewerError, StoreError
from npc_engine.memory.database import Database, in_plain_words, means_damage, primary_code
from npc_engine.memory.schema import APPLICATION_ID, MIGRATIONS, Migration, migrate, version_of

_COMPANIONS = ("-wal", "-journal")


def open_database(
    path: Path | None,
    *,
    power_safe: bool = False,
    migrations: Sequence[Migration] = MIGRATIONS,
) -> Database:
    """The save at `path`, checked, migrated and locked for this process; made if it is missing.

    The lock is held by the file itself (SQLite's exclusive locking mode), so it ends with the
    process, however that ends. It belongs to the process on POSIX: no other code of this process
    may open and close the same file while the save is open, or the lock is gone.

    Args:
        path: None keeps everything in memory.
        power_safe: Wait for the disk at every commit, so that also a power cut loses nothing.
            Without it a killed process loses nothing and a power cut at most the last commits.
        migrations: All versions, oldest first.

    Raises:
        SaveLockedError: Another process, or this one, has it open.
        SaveNewerError: It was written by a newer version; it was not touched.
        SaveDamagedError: It fails its checks; it was moved aside whole.
        StoreError: The path is a folder, not a save, or not writable.
    """
    if path is None:
        connection = _connect(":memory:")
        connection.execute("PRAGMA foreign_keys = ON")
        migrate(connection, migrations)
        return Database(connection, "the save in memory")
    _prepare_place(path)
    _refuse_unfit(path, len(migrations))
    try:
        connection = _connect(str(path.absolute()))
    except sqlite3.Error as error:
        raise in_plain_words(error, str(path)) from error
    try:
        _lock(connection)
        _check_kind(connection, path, len(migrations))
        _check_integrity(connection)
        _make_ready(connection, migrations, power_safe=power_safe)
    except sqlite3.Error as error:
        if means_damage(error):
            raise _set_aside(path, connection, str(error)) from error
        connection.close()
        raise in_plain_words(error, str(path)) from error
    except BaseException:
        connection.close()
        raise
    return Database(connection, str(path))


def _connect(target: str) -> sqlite3.Connection:
    return sqlite3.connect(target, timeout=0, isolation_level=None, check_same_thread=False)


def _prepare_place(path: Path) -> None:
    """Make the folder, and refuse a place that cannot hold a save before SQLite tries."""
    try:
        if path.is_dir():
            raise StoreError(
                f"{path}: found a folder; expected a file for the save; "
                f"name a file in it, such as {path / 'save.db'}"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        locked = [needed for needed in (path.parent, path) if not _may_write(needed)]
    except OSError as error:
        raise StoreError(
            f"{path}: the folder for the save cannot be made or entered ({error.strerror}); "
            "choose another place for the save"
        ) from error
    if locked:
        raise StoreError(
            f"{path}: found that {locked[0]} cannot be written; expected the save and its folder "
            "to be writable; change its permissions, or choose another place for the save"
        )


def _may_write(path: Path) -> bool:
    """Whether a file or folder can be written, or is not there yet."""
    return not path.exists() or os.access(
        path, os.W_OK, effective_ids=os.access in os.supports_effective_ids
    )


def _companion(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise StoreError(
            f"{path}: the save cannot be looked at ({error.strerror}); "
            "change the permissions of its folder, or choose another place for the save"
        ) from error


def _refuse_unfit(path: Path, version: int) -> None:
    """Turn away what must not be opened for writing, without touching a byte of it.

    A new save is complete in its main file before it becomes a WAL file, so its marks can be read
    there without looking at the log. With a rollback journal beside it the file is only readable
    after SQLite has rolled back; then the checks inside the lock decide alone.
    """
    if _size_bytes(path) == 0:
        if _size_bytes(_companion(path, "-wal")):
            raise _set_aside(path, None, "its main file is empty or gone, only its log is left")
        return
    if _size_bytes(_companion(path, "-journal")):
        return
    # Not read with open(): closing any other handle of the file drops this process's locks on it.
    location = path.absolute().as_posix()
    root = "" if location.startswith("/") else "/"
    uri = f"file://{root}{quote(location)}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            _check_kind(connection, path, version)
    except sqlite3.Error as error:
        if primary_code(error) == sqlite3.SQLITE_NOTADB:
            raise _not_a_save(path) from error
        # Damage is for the checks inside the lock: the log may hold the pages missing here.
        if not means_damage(error):
            raise in_plain_words(error, str(path)) from error


def _check_kind(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """Accept a save of this or an older version, and a database in which there is nothing yet."""
    if _is_blank(connection):
        return
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise _not_a_save(path)
    found = version_of(connection)
    if found > version:
        raise SaveNewerError(
            f"{path}: found a save of version {found}; expected at most {version}; it was not "
            "touched; open it with the newer program that wrote it, or choose another save"
        )


def _not_a_save(path: Path) -> StoreError:
    return StoreError(
        f"{path}: found a file that is not a save of this program; it was not touched; "
        "choose another name for the save, or move that file away"
    )


def _lock(connection: sqlite3.Connection) -> None:
    """Take the file for this process alone, before anything else is read from it."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("COMMIT")


def _is_blank(connection: sqlite3.Connection) -> bool:
    """Whether a database holds nothing: what a process leaves that died while making a save."""
    marks = ("application_id", "user_version")
    if any(connection.execute(f"PRAGMA {mark}").fetchone()[0] for mark in marks):
        return False
    return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None


def _check_integrity(connection: sqlite3.Connection) -> None:
    """Raise the error SQLite itself uses for damage when a page, index or pointer is wrong."""
    verdict = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    if verdict == "ok":
        stray = connection.execute("PRAGMA foreign_key_check").fetchone()
        if stray is None:
            return
        verdict = f"row {stray[1]} of {stray[0]} points nowhere"
    damage = sqlite3.DatabaseError(verdict)
    damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    raise damage


def _make_ready(
    connection: sqlite3.Connection, migrations: Sequence[Migration], *, power_safe: bool
) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA synchronous = {'FULL' if power_safe else 'NORMAL'}")
    before, after = migrate(connection, migrations)
    connection.execute("PRAGMA journal_mode = WAL")
    if 0 < before < after:
        # An older program tells by the main file alone that the save is now too new for it.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _set_aside(path: Path, connection: sqlite3.Connection | None, why: str) -> SaveDamagedError:
    """Move a damaged save and its logs to a name of their own; the error that says where.

    Copied before the connection is closed, because closing writes the log into the file.
    """
    number = 1
    while any(
        _companion(path, f".damaged-{number}{suffix}").exists() for suffix in ("", *_COMPANIONS)
    ):
        number += 1
    kept = _companion(path, f".damaged-{number}")
    parts = [suffix for suffix in ("", *_COMPANIONS) if _size_bytes(_companion(path, suffix))]
    try:
        for suffix in parts:
            shutil.copy2(_companion(path, suffix), _companion(kept, suffix))
    except OSError as error:
        for suffix in parts:
            _companion(kept, suffix).unlink(missing_ok=True)
        if connection is not None:
            connection.close()
        return SaveDamagedError(
            f"{path}: found the save damaged ({why}); it could not be set aside "
            f"({error.strerror}) and lies where it was; make room or choose another save",
            str(path),
        )
    if connection is not None:
        connection.close()
    for suffix in ("", *_COMPANIONS, "-shm"):
        _companion(path, suffix).unlink(missing_ok=True)
    kept_at = _companion(kept, parts[0])
    return SaveDamagedError(
        f"{path}: found the save damaged ({why}); it was kept whole as {kept_at}; "
        "open again to start a new save, or put a backup in its place",
        str(kept_at),
    )
