import os
import re
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from npc_engine.errors import SaveDamagedError, SaveLockedError, SaveNewerError, StoreError
from npc_engine.memory.save_file import open_database
from npc_engine.memory.schema import APPLICATION_ID, MIGRATIONS, migrate, version_of


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def filled(open_store, save, say, num_lines=300):
    """A closed save with many pages, and what was said in it."""
    store = open_store(save)
    chat = store.create_chat("", "mira")
    entries = tuple(
        say(store, chat.id, f"line {number} " + "x" * 200) for number in range(num_lines)
    )
    store.close()
    return entries


def spoil(path: Path) -> bytes:
    """Overwrite pages in the middle of a file; what the file holds then."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 3 * 4096] = b"\xa5" * (3 * 4096)
    path.write_bytes(data)
    return bytes(data)


def test_missing_folders_are_made(tmp_path):
    path = tmp_path / "a" / "b" / "slot.db"
    open_database(path).close()
    assert path.is_file()


def test_only_the_save_itself_is_left_after_closing(open_store, save, say):
    filled(open_store, save, say, num_lines=3)
    assert [path.name for path in save.parent.iterdir()] == ["slot1.db"]


def test_a_folder_as_path_is_refused(tmp_path):
    with pytest.raises(StoreError, match=r"found a folder; expected a file .*save\.db"):
        open_database(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError, match="the folder for the save cannot be made or entered"):
        open_database(tmp_path / "file" / "slot.db")


@pytest.mark.parametrize(
    "data",
    [b"name: Mira\n", b"\x00" * 5000, os.urandom(20_000), b"SQLite format 3\x00"],
    ids=["text", "zeros", "noise", "torn header"],
)
def test_a_file_that_is_no_save_is_refused_and_not_touched(tmp_path, data):
    path = tmp_path / "slot.db"
    path.write_bytes(data)
    with pytest.raises(StoreError, match="not a save of this program; it was not touched"):
        open_database(path)
    assert contents(tmp_path) == {"slot.db": data}


@pytest.mark.parametrize("journal_mode", ["DELETE", "WAL"])
def test_a_database_of_another_program_is_refused_and_not_touched(tmp_path, journal_mode):
    path = tmp_path / "slot.db"
    foreign = sqlite3.connect(path)
    foreign.execute(f"PRAGMA journal_mode = {journal_mode}")
    foreign.execute("CREATE TABLE chat (id INTEGER PRIMARY KEY)")
    foreign.commit()
    foreign.close()
    before = contents(tmp_path)
    with pytest.raises(StoreError, match="not a save of this program"):
        open_database(path)
    assert contents(tmp_path) == before


def test_an_empty_file_becomes_a_save(tmp_path):
    path = tmp_path / "slot.db"
    path.touch()
    database = open_database(path)
    with database.reading() as connection:
        assert version_of(connection) == len(MIGRATIONS)
    database.close()


def test_a_newer_save_is_refused_and_stays_byte_for_byte(open_store, save, say):
    filled(open_store, save, say, num_lines=3)
    with sqlite3.connect(save) as connection:
        connection.execute("PRAGMA user_version = 7")
    connection.close()
    before = contents(save.parent)
    with pytest.raises(SaveNewerError, match=f"version 7; expected at most {len(MIGRATIONS)}"):
        open_store(save)
    assert contents(save.parent) == before


def test_an_older_save_goes_through_the_migrations_it_lacks(open_store, save, say):
    entries = filled(open_store, save, say, num_lines=3)

    def m002_with_moods(connection):
        connection.execute("CREATE TABLE mood (npc TEXT)")

    database = open_database(save, migrations=(*MIGRATIONS, m002_with_moods))
    with database.reading() as connection:
        assert version_of(connection) == 2
        assert connection.execute("SELECT count(*) FROM mood").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM entry").fetchone() == (len(entries),)
    database.close()
    with pytest.raises(SaveNewerError):
        open_store(save)


def test_a_migration_that_fails_leaves_the_version_before_it(open_store, save, say):
    filled(open_store, save, say, num_lines=3)

    def m002_breaks(connection):
        connection.execute("CREATE TABLE mood (npc TEXT)")
        connection.execute("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(StoreError, match="no such table: nowhere"):
        open_database(save, migrations=(*MIGRATIONS, m002_breaks))
    with sqlite3.connect(save) as connection:
        assert version_of(connection) == 1
        assert (
            connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'mood'").fetchall() == []
        )
    connection.close()


def test_migrating_an_up_to_date_database_does_nothing():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    assert migrate(connection) == (0, len(MIGRATIONS))
    assert migrate(connection) == (len(MIGRATIONS), len(MIGRATIONS))
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    connection.close()


def test_a_damaged_save_is_kept_whole_under_another_name(open_store, save, say):
    filled(open_store, save, say)
    spoiled = spoil(save)
    with pytest.raises(SaveDamagedError, match="it was kept whole as") as caught:
        open_store(save)
    assert caught.value.kept_at == str(save.with_name("slot1.db.damaged-1"))
    assert contents(save.parent) == {"slot1.db.damaged-1": spoiled}


def test_a_truncated_save_is_damaged(open_store, save, say):
    filled(open_store, save, say)
    save.write_bytes(save.read_bytes()[:20_000])
    with pytest.raises(SaveDamagedError):
        open_store(save)


def test_a_second_damaged_save_does_not_replace_the_first(open_store, save, say):
    for number in (1, 2):
        filled(open_store, save, say, num_lines=200 + 100 * number)
        spoil(save)
        with pytest.raises(SaveDamagedError, match=rf"damaged-{number}\b"):
            open_store(save)
    first, second = (save.with_name(f"slot1.db.damaged-{number}") for number in (1, 2))
    assert 0 < first.stat().st_size < second.stat().st_size


def test_a_damaged_save_keeps_its_log(open_store, save, say, tmp_path):
    filled(open_store, save, say)
    store = open_store(save)
    say(store, 1, "not yet in the main file")
    killed = tmp_path / "killed"
    shutil.copytree(save.parent, killed)
    spoiled, log = spoil(killed / "slot1.db"), (killed / "slot1.db-wal").read_bytes()
    with pytest.raises(SaveDamagedError):
        open_store(killed / "slot1.db")
    assert contents(killed) == {"slot1.db.damaged-1": spoiled, "slot1.db.damaged-1-wal": log}


def test_a_log_without_its_save_is_kept(open_store, save, say):
    store = open_store(save)
    chat = store.create_chat("", "mira")
    say(store, chat.id, "Any work?")
    log = save.with_name("slot1.db-wal").read_bytes()
    lost = save.parent / "lost"
    lost.mkdir()
    (lost / "slot1.db-wal").write_bytes(log)
    with pytest.raises(SaveDamagedError, match="only its log is left"):
        open_store(lost / "slot1.db")
    assert contents(lost) == {"slot1.db.damaged-1-wal": log}


def test_a_row_that_points_nowhere_is_damage(open_store, save, say):
    filled(open_store, save, say, num_lines=3)
    with sqlite3.connect(save) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("UPDATE chat SET leaf_id = 99")
    connection.close()
    with pytest.raises(SaveDamagedError, match="row 1 of chat points nowhere"):
        open_store(save)


def test_after_a_damaged_save_a_new_one_can_be_started(open_store, save, say):
    filled(open_store, save, say)
    spoil(save)
    with pytest.raises(SaveDamagedError):
        open_store(save)
    assert open_store(save).chats() == ()


def test_a_log_left_by_a_killed_process_is_read(open_store, save, say, tmp_path):
    store = open_store(save)
    chat = store.create_chat("", "mira")
    entry = say(store, chat.id, "Any work?")
    shutil.copytree(save.parent, tmp_path / "killed")
    assert open_store(tmp_path / "killed" / "slot1.db").path(chat.id) == (entry,)


def test_the_same_save_cannot_be_opened_twice(open_store, save):
    store = open_store(save)
    with pytest.raises(
        SaveLockedError, match=r"slot1\.db: found this save open .* close the other"
    ):
        open_store(save)
    store.close()
    assert open_store(save).chats() == ()


def test_a_second_process_is_told_at_once_and_the_lock_dies_with_its_process(open_store, save, say):
    script = """
        import sys, time
        from pathlib import Path
        from npc_engine.memory.store import SaveStore
        class Clock:
            now = monotonic = staticmethod(time.time)
        store = SaveStore.open(Path(sys.argv[1]), Clock())
        store.create_chat("held", "mira")
        print("open", flush=True)
        sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(save)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout.readline().strip() == b"open"
        for _ in range(2):
            with pytest.raises(SaveLockedError, match="close the other program"):
                open_store(save)
        holder.kill()
    assert [chat.title for chat in open_store(save).chats()] == ["held"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions bind no administrator"
)
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_save_that_cannot_be_written_is_refused_with_advice(open_store, save, say, what):
    filled(open_store, save, say, num_lines=3)
    target = save if what == "file" else save.parent
    before = contents(save.parent)
    target.chmod(0o500 if what == "folder" else 0o400)
    try:
        with pytest.raises(StoreError, match="cannot be written"):
            open_store(save if what == "file" else save.with_name("slot2.db"))
    finally:
        target.chmod(0o700)
    assert contents(save.parent) == before


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_place_that_denies_writing_is_named_before_anything_is_opened(
    open_store, save, say, what, monkeypatch
):
    filled(open_store, save, say, num_lines=3)
    denied = save if what == "file" else save.parent
    before = contents(save.parent)
    monkeypatch.setattr("npc_engine.memory.save_file._may_write", lambda path: path != denied)
    with pytest.raises(StoreError, match=f"found that {re.escape(str(denied))} cannot be written"):
        open_store(save)
    assert contents(save.parent) == before
