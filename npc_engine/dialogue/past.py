"""What was said between the player and one NPC in one chat, and how it is changed afterwards.

Nothing is ever overwritten: the path is pointed elsewhere, or an entry says how a line reads now.
"""

from collections.abc import Callable, Collection, Sequence

from npc_engine.content.state import WorldState
from npc_engine.dialogue.plain_text import player_words
from npc_engine.errors import CommandError
from npc_engine.memory.acts import acts_in
from npc_engine.memory.drafts import answer_to
from npc_engine.memory.entries import ActionCalled, Entry, LineEdited, LineSaid, MoveReason
from npc_engine.memory.store import SaveStore
from npc_engine.memory.swipes import swipes

Leaving = Callable[[Sequence[Entry]], frozenset[str]]
"""Has the game take back what was done in some entries; gives the ids of the calls, or refuses with
`CommandError`."""


class Past:
    """The lines of one NPC on the current path of a chat.

    A change must not fall together with a turn of the chat. One that meets a restore raises
    `LateWriteError` and changes nothing.
    """

    def __init__(self, npc: str, chat_id: int, store: SaveStore) -> None:
        """Bind to a chat of the store."""
        self._npc = npc
        self._chat_id = chat_id
        self._store = store
        self.before_leaving: Leaving = lambda entries: frozenset()
        """Asked before entries leave the path, whoever makes them leave it."""

    def last_player_entry(self) -> Entry:
        """The player's last line to this NPC; raises `CommandError` if there is none."""
        for entry in reversed(self._store.path(self._chat_id)):
            said = entry.payload
            if isinstance(said, LineSaid) and self._is_to_npc(said):
                return entry
        raise CommandError("nothing was said to this character yet; say something first")

    def replies_to(self, entry_id: int) -> tuple[tuple[Entry, ...], int]:
        """All replies to a line on the path, oldest first, and the index of the current one.

        No replies: `((), -1)`; the path ends before any of them: index -1.
        """
        path = self._store.path(self._chat_id)
        current = answer_to(path, entry_id, self._npc)
        if current is not None:
            beside = swipes(self._store, current)
            return beside.entries, beside.index
        children = self._store.children(self._chat_id, entry_id)
        return tuple(entry for entry in children if self._is_own(entry)), -1

    def num_tries_at(self, entry_id: int) -> int:
        """How often a line was answered already, also by something done before any words."""
        replies, _ = self.replies_to(entry_id)
        behind = (entry.payload for entry in self._store.children(self._chat_id, entry_id))
        acts = [each for each in behind if isinstance(each, ActionCalled)]
        return len(replies) + sum(1 for each in acts if each.npc == self._npc)

    def swipes(self) -> tuple[tuple[Entry, ...], int]:
        """The replies to the player's last line, as `replies_to` gives them."""
        try:
            return self.replies_to(self.last_player_entry().id)
        except CommandError:
            return (), -1

    def swipe_to(self, index: int) -> Entry:
        """Make another reply to the player's last line the current one.

        Raises:
            CommandError: There is no such reply.
        """
        epoch = self._store.epoch
        replies, _ = self.swipes()
        if not 0 <= index < len(replies):
            have = f"1 to {len(replies)}" if replies else "none"
            raise CommandError(f"there is no reply {index + 1}; there are {have}")
        self._go_to(replies[index].id, "swipe", epoch)
        return replies[index]

    def undo(self) -> str:
        """Take back the player's last line and all that came after it; returns that line.

        Raises:
            CommandError: There is nothing to take back.
        """
        epoch = self._store.epoch
        asked = self.last_player_entry()
        self._go_to(asked.parent_id, "undo", epoch)
        return asked.payload.text if isinstance(asked.payload, LineSaid) else ""

    def leave_acts_after(self, entry_id: int, epoch: int, taken_back: Collection[str]) -> None:
        """End the path at an entry if something was done behind it, so that it is done no more.

        Args:
            entry_id: Of the path.
            epoch: When that was asked for.
            taken_back: Ids of the calls that the game has taken back.

        Raises:
            CommandError: Something else was done meanwhile.
        """
        path = self._store.path(self._chat_id)
        acts = acts_in([entry for entry in path if entry.id > entry_id])
        for act in acts:
            is_done = act.settled is not None and act.settled.outcome == "done"
            if is_done and act.called.call_id not in taken_back:
                raise CommandError(
                    f"{act.called.npc} has done {act.called.action} meanwhile; ask for another "
                    "reply again"
                )
        if acts:
            self._store.move_leaf(self._chat_id, entry_id, "swipe", epoch=epoch)

    def edit(self, entry_id: int, text: str, state: WorldState) -> None:
        """Replace the words of a line on the path; the old words stay in the save.

        Raises:
            CommandError: The entry is not a line of this path, or the text is empty.
        """
        epoch = self._store.epoch
        path = self._store.path(self._chat_id)
        target = next((entry for entry in path if entry.id == entry_id), None)
        if target is None or not isinstance(target.payload, LineSaid):
            raise CommandError(f"there is no line {entry_id} in this chat; /memory lists them")
        edit = LineEdited(target=entry_id, text=player_words(text))
        self._store.append(self._chat_id, edit, day=state.day, minute=state.minute, epoch=epoch)

    def branch(self, entry_id: int) -> None:
        """Go back to an entry of this chat; what came after it stays on its own branch.

        Raises:
            CommandError: The entry is not on the current path.
        """
        epoch = self._store.epoch
        if all(entry.id != entry_id for entry in self._store.path(self._chat_id)):
            raise CommandError(f"there is no line {entry_id} in this chat; /memory lists them")
        self._go_to(entry_id, "branch", epoch)

    def take_back_after(self, entry_id: int) -> frozenset[str]:
        """Have the game take back what was done on the path behind an entry; ids of the calls.

        Raises:
            CommandError: Something cannot be taken back.
        """
        path = self._store.path(self._chat_id)
        return self.before_leaving([entry for entry in path if entry.id > entry_id])

    def _go_to(self, entry_id: int | None, why: MoveReason, epoch: int) -> None:
        """End the path elsewhere, if what is left with it may be left."""
        stays = {entry.id for entry in self._store.path(self._chat_id, entry_id)}
        path = self._store.path(self._chat_id)
        self.before_leaving([entry for entry in path if entry.id not in stays])
        self._store.move_leaf(self._chat_id, entry_id, why, epoch=epoch)

    def _is_to_npc(self, said: LineSaid) -> bool:
        """Whether the player said it to this NPC, who did not only stand by."""
        mine = ("", self._npc)
        heard = self._npc in said.hearers and said.remembered_by in mine
        return heard and said.role == "player" and said.to in mine

    def _is_own(self, entry: Entry) -> bool:
        return isinstance(entry.payload, LineSaid) and entry.payload.speaker == self._npc
