"""The save of one playthrough: chats, their trees, drafts and snapshots, behind one lock.

Entries are only ever added; a chat's current path is a pointer that moves. Knows what is stored
and never what it means: views, facts and folds are worked out from paths elsewhere.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from sqlite3 import Connection
from typing import Self

from npc_engine.errors import LateWriteError, StoreError
from npc_engine.memory import drafts, snapshots, tree
from npc_engine.memory.database import Database
from npc_engine.memory.entries import (
    LEAF,
    Chat,
    Draft,
    DraftKind,
    Entry,
    Happening,
    Leaf,
    LeafMoved,
    LineEdited,
    LineSaid,
    MoveReason,
    Payload,
    storable,
)
from npc_engine.memory.paths import KnownPaths
from npc_engine.memory.save_file import open_database
from npc_engine.protocols import Clock


class SaveStore:
    """An open save. Safe to use from any thread; every change is a transaction of its own.

    When a method that changes something returns, the change survives the death of the process.
    When it raises, nothing was changed and the store can still be used.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        """Use `SaveStore.open`; this takes over an open database."""
        self._database = database
        self._clock = clock
        self._paths = KnownPaths()
        self._always_guarded = False
        with database.reading() as connection:
            self._epoch = int(connection.execute("SELECT epoch FROM save_state").fetchone()[0])
        self.on_entry: Callable[[Entry], None] | None = None
        """Called with every new entry of `append` and `append_all`."""
        self.recovered_replies = 0
        """How many half-streamed replies of a process that died became entries on opening."""

    @classmethod
    def open(cls, path: Path | None, clock: Clock, *, power_safe: bool = False) -> Self:
        """Open or make a save and recover its drafts.

        Args:
            path: The file; missing folders are made. None keeps everything in memory.
            clock: Stamps what is stored.
            power_safe: Also survive a power cut at every commit; slower.

        Raises:
            SaveLockedError: It is open elsewhere.
            SaveNewerError: A newer version wrote it.
            SaveDamagedError: It was damaged and has been moved aside.
            StoreError: The path cannot hold a save.
        """
        database = open_database(path, power_safe=power_safe)
        try:
            store = cls(database, clock)
            store.recovered_replies = store.recover_drafts()
        except BaseException:
            database.close()
            raise
        return store

    @property
    def epoch(self) -> int:
        """Rises with every restore; work begun in an older epoch must not be stored."""
        if not self._always_guarded:
            return self._epoch
        with self._database.lock:
            return self._epoch

    def guard_with(self, lock: AbstractContextManager[object], *, always: bool) -> None:
        """Use another lock, a reentrant one, around all that is read and written from now on.

        Args:
            lock: The lock.
            always: Also around what is known without reading.
        """
        self._database.guard_with(lock)
        self._always_guarded = always

    def copy_to(self, path: Path) -> None:
        """Write a copy of the save into a new file; it may be opened as a save."""
        self._database.copy_to(path)

    def close(self) -> None:
        """Free the file; may be called twice."""
        self._database.close()
        self._paths.forget_current()

    # Chats

    def chats(self) -> tuple[Chat, ...]:
        """All chats, the one used last first."""
        with self._database.reading() as connection:
            return tree.list_chats(connection)

    def chat(self, chat_id: int) -> Chat:
        """One chat; `LateWriteError` if it was deleted, `StoreError` if it never was."""
        with self._database.reading() as connection:
            return self._chat(connection, chat_id)

    def create_chat(self, title: str, npc: str) -> Chat:
        """A new chat with nothing in it.

        Args:
            title: For people; may be empty, need not be unique.
            npc: Id of the main NPC; empty for a game's timeline.
        """
        with self._database.writing() as connection:
            return tree.insert_chat(connection, title, npc, self._clock.now())

    def rename_chat(self, chat_id: int, title: str) -> None:
        """Give a chat another title."""
        with self._database.writing() as connection:
            self._chat(connection, chat_id)
            connection.execute("UPDATE chat SET title = ? WHERE id = ?", (storable(title), chat_id))

    def delete_chat(self, chat_id: int) -> None:
        """Hide a chat; nothing is erased, and a snapshot made before brings it back."""
        with self._database.reading():
            with self._database.writing() as connection:
                self._chat(connection, chat_id)
                connection.execute("UPDATE chat SET hidden = 1 WHERE id = ?", (chat_id,))
            self._paths.forget_current(chat_id)

    # Entries

    def append(
        self,
        chat_id: int,
        payload: Payload,
        *,
        parent_id: int | None | Leaf = LEAF,
        answers: int | None = None,
        day: int,
        minute: int,
        epoch: int | None = None,
        clear_draft: bool = False,
    ) -> Entry:
        """Add an entry and end the chat's path with it.

        Args:
            chat_id: The chat it belongs to.
            payload: What happened.
            parent_id: The entry it follows; by default the end of the path. Any other entry of
                the chat opens a branch there: that is how swipes are made. None starts from
                nothing.
            answers: The line that `payload` is a reply to; its place is then worked out, and
                `parent_id` not looked at: at the end of the path, whatever happened meanwhile, but
                beside an earlier reply of the same speaker to that line. A reply to a line that
                has left the path is kept as a branch, and the path stays as it is.
            day: Game day.
            minute: Minute of that day.
            epoch: The epoch in which the work on it began, if it began earlier.
            clear_draft: Throw away, in the same transaction, the draft this line came from.

        Raises:
            LateWriteError: A restore or the deletion of the chat came in between.
            StoreError: The parent or the line to be edited is not in this chat, or the disk
                refused.
        """
        with self._database.reading():  # kept until the path is known to have grown
            with self._database.writing() as connection:
                self._check_epoch(epoch)
                if answers is not None and isinstance(payload, LineSaid):
                    entry = self._append_answer(connection, chat_id, payload, answers, day, minute)
                else:
                    entry = self._append(connection, chat_id, payload, parent_id, day, minute)
                if clear_draft:
                    drafts.remove_draft_of(connection, chat_id, payload)
            self._paths.grow(entry)
        self._tell(entry)
        return entry

    def append_all(
        self, chat_id: int, happenings: Iterable[Happening], *, epoch: int | None = None
    ) -> tuple[Entry, ...]:
        """Add entries one after the other and end the chat's path with the last: all or none.

        Args:
            chat_id: The chat they belong to.
            happenings: In their order.
            epoch: The epoch in which the work on them began, if it began earlier.

        Raises:
            LateWriteError: A restore or the deletion of the chat came in between.
            StoreError: A line to be edited is not in this chat, or the disk refused.
        """
        entries: list[Entry] = []
        ids: list[int] = []
        with self._database.reading():  # as above
            with self._database.writing() as connection:
                self._check_epoch(epoch)
                for each in happenings:
                    payload = each.payload_after(ids)
                    entry = self._append(connection, chat_id, payload, LEAF, each.day, each.minute)
                    entries.append(entry)
                    ids.append(entry.id)
            self._paths.grow(*entries)
        self._tell(*entries)
        return tuple(entries)

    def move_leaf(
        self, chat_id: int, to: int | None, why: MoveReason, *, epoch: int | None = None
    ) -> None:
        """End the chat's path at another entry of it; None leaves nothing on the path.

        Raises:
            LateWriteError: The save was restored since `epoch`, if that is given.
            StoreError: `to` is not an entry of this chat.
        """
        with self._database.reading():
            with self._database.writing() as connection:
                self._check_epoch(epoch)
                chat = self._chat(connection, chat_id)
                self._check_in_chat(connection, chat_id, to)
                self._move(connection, chat, to, why)
            self._paths.forget_current(chat_id)

    def leaf_moves(self, chat_id: int) -> tuple[LeafMoved, ...]:
        """Every time the path was pointed elsewhere than to a new last entry, oldest first."""
        with self._database.reading() as connection:
            return tree.read_moves(connection, chat_id)

    def path(self, chat_id: int, leaf_id: int | None | Leaf = LEAF) -> tuple[Entry, ...]:
        """Entries from the root to `leaf_id`, by default to the end of the current path.

        The current path is mostly known: then nothing is waited for, whatever else is written.
        """
        if leaf_id is LEAF and not self._always_guarded:
            known = self._paths.current(chat_id)
            if known is not None:
                return known
        with self._database.reading() as connection:
            chat = self._chat(connection, chat_id)
            end = chat.leaf_id if leaf_id is LEAF else leaf_id
            path: tuple[Entry, ...] = ()
            if end is not None:
                self._check_in_chat(connection, chat_id, end)
                path = self._paths.path_to(connection, chat_id, end)
            if leaf_id is LEAF:
                self._paths.note_current(chat_id, path)
            return path

    def children(self, chat_id: int, parent_id: int | None) -> tuple[Entry, ...]:
        """The entries that follow `parent_id` directly, on whatever branch, oldest first."""
        with self._database.reading() as connection:
            self._chat(connection, chat_id)
            return tuple(tree.read_children(connection, chat_id, parent_id))

    def entry(self, entry_id: int) -> Entry:
        """One entry, on whatever branch; `StoreError` if there is none."""
        with self._database.reading() as connection:
            found = tree.read_entry(connection, entry_id)
        if found is None:
            raise StoreError(f"{self._database.name}: there is no entry {entry_id}")
        return found

    def last_entry_id(self) -> int:
        """The highest id of all entries, on whatever branch; 0 in an empty save."""
        with self._database.reading() as connection:
            return tree.last_entry_id(connection)

    # Drafts

    def save_draft(
        self,
        chat_id: int,
        kind: DraftKind,
        text: str,
        parent_id: int | None | Leaf = LEAF,
        *,
        speaker: str = "",
        hearers: Sequence[str] | None = None,
        epoch: int | None = None,
    ) -> None:
        """Keep half-typed or half-streamed text; meant to be called every half second.

        Args:
            chat_id: The chat it belongs to.
            kind: `typed` stays a draft; `reply` becomes an entry if the process dies.
            text: All of it so far, replacing what was kept before.
            parent_id: The entry a reply will follow.
            speaker: Whose reply it is; by default the chat's main NPC.
            hearers: Who hears the reply; by default whoever heard or said the parent.
            epoch: The epoch in which the reply began, if it began earlier.

        Raises:
            LateWriteError: A restore or the deletion of the chat came in between.
        """
        with self._database.writing() as connection:
            self._check_epoch(epoch)
            chat = self._chat(connection, chat_id)
            parent = chat.leaf_id if parent_id is LEAF else parent_id
            self._check_in_chat(connection, chat_id, parent)
            who = storable(speaker or chat.npc) if kind == "reply" else ""
            if hearers is None:
                hearers = (
                    self._audience(connection, chat_id, parent, who) if kind == "reply" else ()
                )
            heard_by = tuple(storable(hearer) for hearer in hearers)
            drafts.write_draft(
                connection,
                Draft(
                    chat_id,
                    kind,
                    storable(text),
                    parent,
                    who,
                    heard_by,
                    self._epoch,
                    self._clock.now(),
                ),
            )

    def draft(self, chat_id: int, kind: DraftKind) -> Draft | None:
        """The newest draft of that kind; a reply's only if no restore came in between."""
        with self._database.reading() as connection:
            self._chat(connection, chat_id)
            kept = [
                draft
                for draft in drafts.read_drafts(connection, chat_id)
                if draft.kind == kind and (kind == "typed" or draft.epoch == self._epoch)
            ]
        return kept[-1] if kept else None

    def clear_draft(self, chat_id: int, kind: DraftKind, *, speaker: str | None = None) -> None:
        """Throw the chat's drafts of that kind away: all of them, or those of one speaker."""
        with self._database.writing() as connection:
            drafts.remove_draft(connection, chat_id, kind, speaker)

    def recover_drafts(self) -> int:
        """Turn left-over replies into entries ended `stopped`; how many there were.

        `open` has done this already. Only to be called while no reply is being streamed. Replies
        begun before a restore, and empty ones, are thrown away; typed text stays a draft.
        """
        recovered: list[Entry] = []
        with self._database.writing() as connection:
            for draft in drafts.read_drafts(connection):
                if draft.kind != "reply":
                    continue
                drafts.remove_draft(connection, draft.chat_id, "reply", draft.speaker)
                chat = tree.read_chat(connection, draft.chat_id)
                if chat is not None and draft.epoch == self._epoch and draft.text.strip():
                    recovered.append(self._recover(connection, chat, draft))
        for entry in recovered:
            self._paths.grow(entry)
        return len(recovered)

    # Snapshots

    def snapshot(self, name: str) -> None:
        """Note where every chat stands; an older snapshot of that name is replaced."""
        with self._database.writing() as connection:
            snapshots.write_snapshot(connection, storable(name), self._clock.now())

    def snapshots(self) -> tuple[str, ...]:
        """Names of all snapshots, the newest first."""
        with self._database.reading() as connection:
            return snapshots.list_snapshots(connection)

    def restore(self, name: str) -> None:
        """Point every chat where it stood at the snapshot, and begin a new epoch.

        Chats made since then are left with nothing on their path. No entry is lost: what happened
        since lies on other branches.

        Raises:
            StoreError: There is no such snapshot; nothing was changed.
        """
        # The lock is kept until the new epoch holds: no late write may slip in before it.
        with self._database.reading():
            with self._database.writing() as connection:
                epoch = self._restore(connection, storable(name))
            self._paths.forget_current()
            self._epoch = epoch

    def _tell(self, *entries: Entry) -> None:
        if self.on_entry is not None:
            for entry in entries:
                self.on_entry(entry)

    # Inside a transaction

    def _restore(self, connection: Connection, name: str) -> int:
        """Point every chat where it stood; the epoch that begins with it."""
        then = snapshots.read_snapshot(connection, name)
        if then is None:
            known = ", ".join(snapshots.list_snapshots(connection)) or "none"
            raise StoreError(
                f"{self._database.name}: there is no snapshot {name!r}; known: {known}"
            )
        epoch = self._epoch + 1
        connection.execute("UPDATE save_state SET epoch = ?", (epoch,))
        for chat in tree.list_chats(connection, with_hidden=True):
            leaf = then.get(chat.id)
            self._move(connection, chat, leaf.leaf_id if leaf else None, "restore", epoch=epoch)
            if leaf:
                connection.execute(
                    "UPDATE chat SET hidden = ? WHERE id = ?", (leaf.hidden, chat.id)
                )
        return epoch

    def _chat(self, connection: Connection, chat_id: int) -> Chat:
        chat = tree.read_chat(connection, chat_id)
        if chat is None:
            row = connection.execute("SELECT 1 FROM chat WHERE id = ?", (chat_id,)).fetchone()
            if row is not None:
                raise LateWriteError(f"{self._database.name}: chat {chat_id} was deleted")
            raise StoreError(f"{self._database.name}: there is no chat {chat_id}")
        return chat

    def _check_epoch(self, epoch: int | None) -> None:
        if epoch is not None and epoch != self._epoch:
            raise LateWriteError(
                f"{self._database.name}: late: found work of epoch {epoch}; expected epoch "
                f"{self._epoch}, because the save was restored since; it was not stored"
            )

    def _check_in_chat(self, connection: Connection, chat_id: int, entry_id: int | None) -> None:
        if entry_id is None:
            return
        entry = self._paths.entry(chat_id, entry_id) or tree.read_entry(connection, entry_id)
        if entry is None or entry.chat_id != chat_id:
            raise StoreError(
                f"{self._database.name}: entry {entry_id} is not in chat {chat_id}; "
                "nothing was changed"
            )

    def _append(
        self,
        connection: Connection,
        chat_id: int,
        payload: Payload,
        parent_id: int | None | Leaf,
        day: int,
        minute: int,
    ) -> Entry:
        chat = self._chat(connection, chat_id)
        parent = chat.leaf_id if parent_id is LEAF else parent_id
        self._check_in_chat(connection, chat_id, parent)
        if isinstance(payload, LineEdited):
            self._check_in_chat(connection, chat_id, payload.target)
        now = self._clock.now()
        entry = tree.insert_entry(
            connection, chat_id, parent, payload, at=now, day=day, minute=minute
        )
        if parent != chat.leaf_id:
            spoken = isinstance(payload, LineSaid) and payload.role == "npc"
            self._log(connection, chat, entry.id, "swipe" if spoken else "branch")
        tree.point_leaf(connection, chat_id, entry.id, now)
        return entry

    def _move(
        self,
        connection: Connection,
        chat: Chat,
        to: int | None,
        why: MoveReason,
        epoch: int | None = None,
    ) -> None:
        if to == chat.leaf_id:
            return
        self._log(connection, chat, to, why, epoch)
        tree.point_leaf(connection, chat.id, to, self._clock.now())

    def _log(
        self,
        connection: Connection,
        chat: Chat,
        to: int | None,
        why: MoveReason,
        epoch: int | None = None,
    ) -> None:
        now = self._clock.now()
        move = LeafMoved(chat.id, chat.leaf_id, to, why, now, epoch or self._epoch)
        tree.log_move(connection, move)

    def _audience(
        self, connection: Connection, chat_id: int, parent_id: int | None, speaker: str
    ) -> tuple[str, ...]:
        """Whoever said or heard the last line up to an entry, without the speaker."""
        path = () if parent_id is None else self._paths.path_to(connection, chat_id, parent_id)
        for entry in reversed(path):
            if isinstance(entry.payload, LineSaid):
                present = dict.fromkeys((entry.payload.speaker, *entry.payload.hearers))
                return tuple(who for who in present if who != speaker)
        return ()

    def _recover(self, connection: Connection, chat: Chat, draft: Draft) -> Entry:
        before = None if draft.parent_id is None else tree.read_entry(connection, draft.parent_id)
        day, minute = (0, 0) if before is None else (before.day, before.minute)
        line = drafts.line_of(draft, before)
        return self._append_answer(connection, chat.id, line, draft.parent_id, day, minute)

    def _append_answer(
        self,
        connection: Connection,
        chat_id: int,
        line: LineSaid,
        asked_id: int | None,
        day: int,
        minute: int,
    ) -> Entry:
        chat = self._chat(connection, chat_id)
        self._check_in_chat(connection, chat_id, asked_id)
        path: tuple[Entry, ...] = ()
        if chat.leaf_id is not None:
            path = self._paths.path_to(connection, chat_id, chat.leaf_id)
        parent, leads_there = drafts.place_of_answer(asked_id, line.speaker, path)
        if leads_there:
            return self._append(connection, chat_id, line, parent, day, minute)
        return tree.insert_entry(
            connection, chat_id, parent, line, at=self._clock.now(), day=day, minute=minute
        )
