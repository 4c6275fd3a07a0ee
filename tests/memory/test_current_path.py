"""Where a chat ends now is known without waiting for whoever writes, and never wrong."""

import random
import threading

import pytest

from npc_engine.errors import LateWriteError, StoreError

LIMIT_S = 30.0


def ids(path):
    return [entry.id for entry in path]


def test_the_current_path_is_known_while_somebody_writes(store, say):
    chat = store.create_chat("First night", "mira")
    say(store, chat.id, "Any work?")
    before = store.path(chat.id)
    writing, may_end = threading.Event(), threading.Event()

    def write():
        with store._database.writing():
            writing.set()
            may_end.wait(LIMIT_S)

    thread = threading.Thread(target=write)
    thread.start()
    assert writing.wait(LIMIT_S)
    found = []
    reader = threading.Thread(target=lambda: found.append(store.path(chat.id)), daemon=True)
    reader.start()
    reader.join(LIMIT_S / 2)
    may_end.set()
    thread.join()
    assert found == [before]


@pytest.mark.parametrize("seed", range(5))
def test_what_is_known_is_what_is_stored(store, say, seed):
    chance = random.Random(seed)
    chats = [store.create_chat(f"Chat {number}", "mira").id for number in range(2)]
    entries = {chat: [] for chat in chats}
    store.snapshot("start")
    for step in range(120):
        chat = chance.choice(chats)
        known = entries[chat]
        what = chance.choice(("say", "say", "answer", "swipe", "move", "snapshot", "restore"))
        if what == "say" or not known:
            known.append(say(store, chat, f"Line {step}").id)
        elif what == "answer":
            asked = chance.choice(known)
            reply = store.entry(asked).payload.model_copy(
                update={"role": "npc", "speaker": "mira", "hearers": ("player",)}
            )
            store.append(chat, reply, answers=asked, day=1, minute=1)
        elif what == "swipe":
            parent = chance.choice(known)
            known.append(say(store, chat, f"Line {step}", parent_id=parent).id)
        elif what == "move":
            store.move_leaf(chat, chance.choice(known), "branch")
        elif what == "snapshot":
            store.snapshot("later")
        else:
            store.restore(chance.choice(store.snapshots()))
        for each in chats:
            path = store.path(each)
            store._paths.forget_current()
            assert ids(path) == ids(store.path(each))
            assert store.path(each) is store.path(each)


def test_a_path_is_not_known_of_a_deleted_chat_nor_of_a_closed_save(store, say):
    gone, kept = (store.create_chat(name, "mira").id for name in ("Gone", "Kept"))
    for chat in (gone, kept):
        say(store, chat, "Any work?")
        store.path(chat)
    store.delete_chat(gone)
    with pytest.raises(LateWriteError):
        store.path(gone)
    store.close()
    with pytest.raises(StoreError):
        store.path(kept)
