"""The world of one chat, as a game changes it."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from npc_engine.content.nearest import suggest
from npc_engine.content.state import Value, WorldState, set_value
from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.plain_text import player_words
from npc_engine.dialogue.talk import Talk
from npc_engine.dialogue.talk_memory import Path
from npc_engine.engine.journal import Address, Journal, recorded
from npc_engine.engine.loop import Loop
from npc_engine.engine.statements import Statements, about, statement
from npc_engine.engine.waiting import Happened, WaitingChanges
from npc_engine.errors import CommandError, LateWriteError
from npc_engine.events import WorldChanged
from npc_engine.memory.entries import (
    Cardinality,
    LineSaid,
    PresenceChanged,
    WorldEventSeen,
    WorldPatched,
)
from npc_engine.memory.following import Following
from npc_engine.memory.store import SaveStore
from npc_engine.memory.world_at import state_after

_BESIDE = 64
"""So many lines of others may have been stored after a change before that is noticed."""


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
        # A game changes and reads the world in its frames: this lock is never held while something
        # is stored, and nobody holds it for long.
        self._lock = loop.journal.lock()
        self._settling = loop.journal.lock()
        self._num_settled = 0
        self._waiting = WaitingChanges()
        self._known: tuple[Path, Cast, WorldState] | None = None
        self.movements: list[Callable[[str, str, str], None]] = []
        """Called with who moved, from where and to where, on the thread that said so."""
        self._stated = Following(Statements, Statements.note)

    @property
    def journal(self) -> Journal:
        """Of the engine, for recordings."""
        return self._loop.journal

    @property
    def address(self) -> Address:
        """How a replay finds this world."""
        return ("world", self._talk.npc, self._talk.chat_id)

    @property
    def state(self) -> WorldState:
        """The world now, changes that still wait included."""
        with self._lock:
            path = self._talk.path()
            state = self._state_at(path)
            waiting = self._waiting.of(self._store.epoch)
            if waiting and any(entry.payload is waiting[0] for entry in path[-_BESIDE:]):
                del waiting[0]  # it was stored this very moment
            for change in waiting:
                world, now = self._talk.cast.world, state
                state = state_after(now, change, world, day=now.day, minute=now.minute)
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
        self.change(WorldPatched(name=name, value=value))
        self._loop.inbox.post(WorldChanged(name, str(value)))

    def event(self, text: str, witnesses: tuple[str, ...] | None = None, place: str = "") -> None:
        """Something happened; only its witnesses will know.

        Args:
            text: One sentence, as a witness would tell it.
            witnesses: Ids of NPCs. None means whoever is at the place; where no place is named, or
                the game never said where anybody is, everybody.
            place: Where.
        """
        if witnesses is None and place:
            places = self.state.places
            if places:
                witnesses = tuple(sorted(who for who, where in places.items() if where == place))
        seen = WorldEventSeen(text=player_words(text), witnesses=witnesses, place=place)
        self.change(seen)
        self._loop.inbox.post(WorldChanged("event", seen.text))

    def fact(
        self,
        subject: str,
        slot: str,
        value: Value,
        *,
        text: str = "",
        known_by: Sequence[str] | None = None,
        cardinality: Cardinality = "one",
        keys: Sequence[str] = (),
        pinned: bool = False,
    ) -> None:
        """Something is so from now on; whoever is told holds it for true.

        A newer value of the same subject and slot takes the place of the older one for those who
        are told, and stands above whatever anybody says. Stating what they were told last does
        nothing, so a game may do it every frame.

        Args:
            subject: Id of whom or what it is about; `player` for the player.
            slot: The property, such as `price`; empty for a fact that nothing replaces.
            value: Its value, at most 120 characters.
            text: A sentence that is true on its own, at most 25 words; made of the others if empty.
            known_by: Ids of NPCs; None means everybody.
            cardinality: `many` where several values stand side by side.
            keys: Words that call it up besides its own.
            pinned: Stays in the prompt, whatever is spoken of.

        Raises:
            CommandError: Something is empty or too long, or there is no such NPC.
        """
        stated = statement(
            self._talk.cast,
            subject,
            slot,
            value,
            text=text,
            known_by=known_by,
            cardinality=cardinality,
            keys=keys,
            pinned=pinned,
        )
        with self._lock:
            waits = self._waiting.speak_of(about(stated))
        if waits or not self._stated.at(self._talk.path(), lambda told: told.hold(stated)):
            self.change(stated)
            self._loop.inbox.post(WorldChanged("fact", stated.text))

    def arrive(self, npc_id: str, place: str) -> None:
        """An NPC, or a player, is at a place from now on, and hears what is said aloud there.

        Raises:
            CommandError: There is no such NPC, or the place has no name.
        """
        if not place.strip():
            raise CommandError("arrive: found a place without a name; leave() takes an NPC away")
        self._move(npc_id, place.strip())

    def leave(self, npc_id: str) -> None:
        """Somebody goes where nobody hears them and they hear only whoever speaks to them.

        Raises:
            CommandError: There is no such NPC.
        """
        self._move(npc_id, "")

    @recorded
    def settle(self) -> None:
        """Append what waits to the chat; what was changed before a restore is forgotten by it."""
        with self._settling:
            while self._settle_one():
                pass

    def _move(self, npc_id: str, place: str) -> None:
        names = self._talk.cast.names
        if npc_id not in names:
            advice = suggest(npc_id, names, kind="there are")
            raise CommandError(f'no character "{npc_id}" here; {advice}')
        before = self.state.places.get(npc_id, "")
        if before != place:
            self.change(PresenceChanged(who=npc_id, place=place))
            self._loop.inbox.post(WorldChanged(f"place of {npc_id}", place))
            for moved in tuple(self.movements):
                moved(npc_id, before, place)

    def put_line(self, said: LineSaid) -> None:
        """Let in words that nobody answers, in their order among the changes of the world."""
        self.change(said)

    def _settle_one(self) -> bool:
        """Append the oldest change; whether there was one."""
        with self._lock:
            waiting = self._waiting.first()
        if waiting is None:
            return False
        epoch, change = waiting
        state = self._talk.state()
        with suppress(LateWriteError):
            entry = self._store.append(
                self._talk.chat_id, change, day=state.day, minute=state.minute, epoch=epoch
            )
            self._talk.stir(entry, epoch)
        with self._lock:
            self._waiting.drop(change)
        return True

    def _state_at(self, path: Path) -> WorldState:
        """The world as it is stored; the same path is not looked at twice."""
        cast = self._talk.cast
        if self._known is None or self._known[0] is not path or self._known[1] is not cast:
            self._known = path, cast, self._talk.state(path)
        return self._known[2]

    @recorded
    def change(self, change: Happened) -> None:
        """Let a change wait that was found to be good; what all the others come down to."""
        with self._lock:
            first = not self._waiting
            self._waiting.add(self._store.epoch, change)
            self._num_settled += first
            actor = f"settle:{self._talk.chat_id}:{self._num_settled}"
        if first:
            self._loop.run_in_lane((self._talk.chat_id, "world"), lambda: self._settle_aside(actor))

    def _settle_aside(self, actor: str) -> None:
        with self.journal.acting(actor):
            self.settle()
