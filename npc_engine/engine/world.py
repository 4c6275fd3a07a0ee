"""The world of one chat, as a game changes it."""

import threading
from contextlib import suppress

from npc_engine.content.state import Value, WorldEvent, WorldState, add_event, set_value
from npc_engine.dialogue.plain_text import player_words
from npc_engine.dialogue.talk import Talk
from npc_engine.engine.loop import Loop
from npc_engine.errors import LateWriteError
from npc_engine.events import WorldChanged
from npc_engine.memory.entries import WorldEventSeen, WorldPatched
from npc_engine.memory.store import SaveStore

_Change = tuple[int, WorldPatched | WorldEventSeen]
"""The epoch of the save in which something changed, and what."""


class WorldHandle:
    """Named values, clock and events of one chat. No call here ever starts the model.

    A change is let in before the next line is answered. A prompt is made from one reading of the
    world, so a reply under way is not changed by it. Of several waiting changes to one name the
    last counts. Safe from any thread.
    """

    def __init__(self, loop: Loop, store: SaveStore, talk: Talk) -> None:
        """Made by the engine; `talk` is any talk of the chat, as all share its path."""
        self._loop = loop
        self._store = store
        self._talk = talk
        self._lock = threading.Lock()
        self._waiting: list[_Change] = []

    @property
    def state(self) -> WorldState:
        """The world now, changes that still wait included."""
        with self._lock:
            state = self._talk.state()
            for change in self._waiting_now():
                if isinstance(change, WorldPatched):
                    state = set_value(state, self._talk.cast.world, change.name, change.value)
                else:
                    state = add_event(state, _event(change, state))
        return state

    def set(self, name: str, value: Value) -> None:
        """Replace a value, such as `bridge`, `clock.time` or `relationships.mira.player.trust`.

        Setting what already holds does nothing.

        Raises:
            CommandError: No such name, or a value it cannot have; says which would do.
        """
        state = self.state
        if set_value(state, self._talk.cast.world, name, value) == state:
            return
        self._change(WorldPatched(name=name, value=value))
        self._loop.inbox.post(WorldChanged(name, str(value)))

    def event(self, text: str, witnesses: tuple[str, ...] | None = None, place: str = "") -> None:
        """Something happened; only its witnesses will know.

        Args:
            text: One sentence, as a witness would tell it.
            witnesses: Ids of NPCs; None means everybody.
            place: Where, for the record.
        """
        seen = WorldEventSeen(text=player_words(text), witnesses=witnesses, place=place)
        self._change(seen)
        self._loop.inbox.post(WorldChanged("event", seen.text))

    def settle(self) -> None:
        """Append what waits to the chat; what was changed before a restore is forgotten by it."""
        with self._lock:
            while self._waiting:
                state = self._talk.state()
                epoch, change = self._waiting[0]
                with suppress(LateWriteError):
                    self._store.append(
                        self._talk.chat_id, change, day=state.day, minute=state.minute, epoch=epoch
                    )
                del self._waiting[0]

    def _waiting_now(self) -> list[WorldPatched | WorldEventSeen]:
        epoch = self._store.epoch
        return [change for made_in, change in self._waiting if made_in == epoch]

    def _change(self, change: WorldPatched | WorldEventSeen) -> None:
        with self._lock:
            if isinstance(change, WorldPatched):
                self._waiting = [
                    (epoch, other)
                    for epoch, other in self._waiting
                    if not (isinstance(other, WorldPatched) and other.name == change.name)
                ]
            first = not self._waiting
            self._waiting.append((self._store.epoch, change))
        if first:
            self._loop.run_in_lane((self._talk.chat_id, "world"), self.settle)


def _event(seen: WorldEventSeen, state: WorldState) -> WorldEvent:
    return WorldEvent(seen.text, seen.witnesses, state.day, state.minute, seen.place)
