"""An NPC's memory is carried from save to save, whole or not at all, and to nobody else."""

import json

import pytest

from npc_engine.errors import CommandError, LateWriteError, MemoryFileError
from npc_engine.memory.entries import FactChanged
from npc_engine.model.scripted import ScriptedSession
from tests.engine.crowd import HeldSession, finish, open_crowd

HERE, THERE, AWAY = "npc0", "npc1", "npc2"


@pytest.fixture
def folders(tmp_path):
    return tmp_path / "one", tmp_path / "two"


def open_at(folder, replies=("Aye.",), **options):
    return open_crowd(folder, ScriptedSession(list(replies)), number=3, **options)


def remembered(engine, npc):
    return [line.text for line in engine.npc(npc).memory().lines]


def test_a_memory_is_taken_in_behind_what_is_remembered_already(folders):
    with open_at(folders[0]) as old, open_at(folders[1], ["So."]) as new:
        old.npc(HERE).ask("The flood took it.")
        text = old.export_memory(HERE)
        new.npc(HERE).ask("Good day.")
        assert new.import_memory(HERE, text) == 2
        new.npc(HERE).ask("And then?")
        said = ["Good day.", "So.", "The flood took it.", "Aye.", "And then?", "So."]
        assert remembered(new, HERE) == said


def test_nobody_else_remembers_what_was_brought_with_one_memory(folders):
    with open_at(folders[0]) as old, open_at(folders[1]) as new:
        for who in (HERE, THERE):
            old.world.arrive(who, "forge")
        old.npc(HERE).ask("The flood took it.")
        old.npc(THERE).ask("What of it?")
        new.import_memory(HERE, old.export_memory(HERE))
        assert remembered(new, HERE) == remembered(old, HERE)
        assert remembered(new, THERE) == []
        assert json.loads(new.export_memory(THERE))["rows"] == []
        with pytest.raises(CommandError, match="nothing was said to this character"):
            new.npc(THERE).regenerate()


def test_trust_and_feelings_come_along(folders):
    with open_at(folders[0]) as old, open_at(folders[1]) as new:
        old.world.set(f"relationships.{HERE}.player.trust", 4)
        old.world.set(f"relationships.{HERE}.{THERE}.feels", "envy")
        new.import_memory(HERE, old.export_memory(HERE))
        now = new.world.state.relationships[HERE]
        assert now["player"]["trust"] == 4
        assert now[THERE]["feels"] == "envy"


def test_what_was_edited_undone_or_forgotten_is_not_exported(folders):
    with open_at(folders[0]) as engine:
        ann = engine.npc("ann")
        ann.ask("I am called Tolan.")
        ann.ask("I am called Rurik.")
        first, second = (line.entry_id for line in ann.memory().lines if not line.is_own)
        fact = FactChanged(npc="ann", fact=f"{second}.0", change="forget")
        engine._store.append(ann.chat_id, fact, day=1, minute=0)
        ann.edit(first, "I am a smith.")
        ann.ask("A secret.")
        ann.undo()
        text = engine.export_memory("ann")
        assert "Tolan" not in text
        assert "A secret." not in text
        assert "I am a smith." in text
        with open_at(folders[1]) as other:
            other.import_memory("ann", text)
            assert other.npc("ann").talk.learned() == ann.talk.learned() == ()


def test_what_was_forgotten_stays_forgotten_when_its_line_was_reworded(folders):
    with open_at(folders[0]) as engine, open_at(folders[1]) as other:
        ann = engine.npc("ann")
        ann.ask("I am called Tolan.")
        line = ann.memory().lines[0].entry_id
        fact = FactChanged(npc="ann", fact=f"{line}.0", change="forget")
        engine._store.append(ann.chat_id, fact, day=1, minute=0)
        ann.edit(line, "Well. I am called Tolan.")
        other.import_memory("ann", engine.export_memory("ann"))
        assert other.npc("ann").talk.learned() == ann.talk.learned() == ()


def test_what_a_person_put_in_place_of_a_fact_outlives_the_line_it_came_from(folders):
    with open_at(folders[0]) as engine, open_at(folders[1]) as other:
        ann = engine.npc("ann")
        ann.ask("I am called Tolan.")
        line = ann.memory().lines[0].entry_id
        fact = FactChanged(
            npc="ann", fact=f"{line}.0", change="edit", text="The stranger gave the name Rurik."
        )
        engine._store.append(ann.chat_id, fact, day=1, minute=0)
        ann.edit(line, "Good day.")
        other.import_memory("ann", engine.export_memory("ann"))
        facts = [engine.npc("ann").talk.learned() for engine in (engine, other)]
        assert [[fact.text for fact in each] for each in facts] == [
            ["The stranger gave the name Rurik."]
        ] * 2


def test_a_memory_of_somebody_else_is_refused(folders):
    with open_at(folders[0]) as engine:
        text = engine.export_memory(HERE)
        with pytest.raises(MemoryFileError, match='npc: found "npc0"; expected "npc1"'):
            engine.import_memory(THERE, text)
        with pytest.raises(CommandError, match="nobody_here"):
            engine.import_memory("nobody_here", text)
        with pytest.raises(CommandError, match="nobody_here"):
            engine.export_memory("nobody_here")


def test_a_memory_that_does_not_fit_this_world_changes_nothing(folders):
    with open_at(folders[0]) as engine:
        engine.npc(HERE).ask("The flood took it.")
        memory = json.loads(engine.export_memory(HERE))
        memory["relationships"]["the_king"] = {"trust": 1}
        before = engine._store.path(engine.timeline)
        with pytest.raises(MemoryFileError, match=r"relationships\.the_king: found trust 1"):
            engine.import_memory(HERE, json.dumps(memory))
        assert engine._store.path(engine.timeline) == before


def test_nothing_is_taken_in_while_somebody_speaks(tmp_path):
    session = HeldSession(["Aye, so it was."])
    with open_crowd(tmp_path, session, number=3) as engine:
        text = engine.export_memory(HERE)
        line = engine.npc(THERE).say("Good day.")
        session.wait_for(1)
        with pytest.raises(CommandError, match="is speaking"):
            engine.import_memory(HERE, text)
        session.let_go.set()
        finish(engine, [line])


def test_what_was_brought_can_be_left_behind_by_a_restore(folders):
    with open_at(folders[0]) as old, open_at(folders[1]) as new:
        old.npc(HERE).ask("The flood took it.")
        new.npc(HERE).ask("Good day.")
        new.snapshot("before")
        new.import_memory(HERE, old.export_memory(HERE))
        new.restore("before")
        assert remembered(new, HERE) == ["Good day.", "Aye."]


def test_texts_of_a_stranger_are_made_plain(folders):
    row = {"kind": "line", "n": 1, "day": 1, "time": "9:00", "speaker": "player", "role": "player"}
    row |= {"to": HERE, "hearers": [HERE], "text": "\x1b[31mRed\u202e and blue."}
    memory = {"format": "npc_engine memory", "version": 1, "npc": HERE, "rows": [row]}
    with open_at(folders[0]) as engine:
        engine.import_memory(HERE, json.dumps(memory))
        assert remembered(engine, HERE) == ["Red and blue."]


def test_a_chat_keeps_its_own_memory(folders):
    with open_at(folders[0]) as engine:
        apart = engine.new_chat(HERE)
        apart.ask("Between us.")
        assert "Between us." not in engine.export_memory(HERE)
        assert "Between us." in engine.export_memory(HERE, apart.chat_id)
        engine.import_memory(HERE, engine.export_memory(HERE, apart.chat_id))
        assert remembered(engine, HERE) == ["Between us.", "Aye."]


def test_entries_of_one_import_are_stored_together_or_not_at_all(folders):
    with open_at(folders[0]) as engine:
        engine.npc(HERE).ask("The flood took it.")
        text = engine.export_memory(HERE)
        store, before = engine._store, engine._store.path(engine.timeline)
        append = store._append
        appended = []

        def fail_later(*arguments):
            if appended:
                raise LateWriteError("on the way")
            appended.append(append(*arguments))
            return appended[0]

        store._append = fail_later
        with pytest.raises(LateWriteError):
            engine.import_memory(HERE, text)
        store._append = append
        assert len(appended) == 1
        assert store.path(engine.timeline) == before
        assert engine.import_memory(HERE, text) == 2
