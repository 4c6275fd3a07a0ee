import random
import subprocess
import sys
import textwrap
import time

import pytest

from npc_engine.memory.save_file import open_database

ROUNDS = 25

TALKER = """
    import sys, time
    from pathlib import Path
    from npc_engine.memory.entries import LineSaid
    from npc_engine.memory.store import SaveStore

    class Clock:
        now = monotonic = staticmethod(time.time)

    store = SaveStore.open(Path(sys.argv[1]), Clock())
    chats = store.chats()
    chat = chats[0] if chats else store.create_chat("kept", "mira")
    number = 0
    while True:
        number += 1
        text = f"round {sys.argv[2]} line {number}"
        line = LineSaid(role="player", speaker="player", text=text, hearers=("mira",))
        entry = store.append(chat.id, line, day=1, minute=0)
        print(entry.id, text, sep="|", flush=True)
        store.save_draft(chat.id, "reply", "I mi")
        reply = LineSaid(role="npc", speaker="mira", text="I might. " * 20)
        store.append(chat.id, reply, day=1, minute=0, clear_draft=True)
        if number % 7 == 0:
            store.snapshot("auto")
        if number % 11 == 0:
            store.move_leaf(chat.id, entry.id, "undo")
"""


@pytest.mark.slow
def test_no_acknowledged_line_is_lost_however_often_the_process_is_killed(open_store, save):
    chance = random.Random(2)
    acknowledged: dict[int, str] = {}
    rounds_with_lines = 0
    for number in range(ROUNDS):
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(TALKER), str(save), str(number)],
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        ) as talker:
            if number % 5 == 4:
                time.sleep(chance.uniform(0.15, 0.6))  # also while it starts and opens the save
                said = ""
            else:
                said = talker.stdout.readline()
                time.sleep(chance.uniform(0, 0.05))
            talker.kill()
            said += talker.stdout.read()
        whole_rows = [row for row in said.splitlines(keepends=True) if row.endswith("\n")]
        rounds_with_lines += bool(whole_rows)
        for row in whole_rows:
            entry_id, text = row.strip().split("|")
            acknowledged[int(entry_id)] = text

        store = open_store(save)
        for entry_id, text in acknowledged.items():
            assert store.entry(entry_id).payload.text == text
        store.close()
    assert rounds_with_lines >= ROUNDS * 4 // 5
    database = open_database(save)
    with database.reading() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    database.close()
