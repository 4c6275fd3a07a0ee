"""The whole game as one value, and what a moment of play makes of it.

`update` is a pure function: it asks for talk, saves and such by the wishes that it returns. Knows
neither engine nor screen.
"""

from dataclasses import dataclass, replace
from typing import Literal

from examples.tavern.people import PLAYER, Person, arrive, live, steer, turned
from examples.tavern.room import distance

TALK_PX = 110.0
"""How near the player must be to begin a talk."""
EARSHOT_PX = 190.0
"""Farther away one has walked off."""
MAX_TYPED_CHARS = 160
DOOR_OPENS_S = 0.9


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the player's hands did in one frame."""

    move: tuple[int, int] = (0, 0)
    typed: str = ""
    erase: bool = False
    enter: bool = False
    escape: bool = False
    talk: bool = False
    pay: bool = False
    save: bool = False
    load: bool = False
    overlay: bool = False
    memory: bool = False
    quit: bool = False


WishKind = Literal["meet", "say", "leave", "pay", "save", "load", "quit"]


@dataclass(frozen=True, slots=True)
class Wish:
    """Something that `update` cannot do itself."""

    kind: WishKind
    npc: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Tavern:
    """Everything that a save must bring back, and what the screen shows besides."""

    player: Person
    guests: tuple[Person, ...]
    gold: int = 6
    items: tuple[str, ...] = ()
    """What the player carries besides gold."""
    drinks: tuple[str, ...] = ()
    """What the player was poured, the newest last."""
    cellar_open: bool = False
    door_swing: float = 0.0
    """0 shut to 1 open, as it is drawn."""
    time_s: float = 0.0
    talking_to: str = ""
    typed: str = ""
    overlay: bool = False
    memory: bool = False
    note: str = ""
    """A line about what just happened, for the player."""
    note_s: float = 0.0
    """How long it still stands there."""

    def guest(self, npc: str) -> Person:
        """The guest with that id; raises `KeyError` for nobody."""
        found = next((each for each in self.guests if each.id == npc), None)
        if found is None:
            raise KeyError(npc)
        return found

    @property
    def nearest(self) -> str:
        """The guest the player could speak to, or an empty text."""
        near = sorted((distance(each.at, self.player.at), each.id) for each in self.guests)
        return near[0][1] if near and near[0][0] <= TALK_PX else ""


def opening() -> Tavern:
    """The evening begins: the player stands inside the front door."""
    return Tavern(Person(PLAYER, 680, 650, "up"), arrive())


def noted(tavern: Tavern, note: str) -> Tavern:
    """The same with a line for the player."""
    return replace(tavern, note=note, note_s=4.0)


def update(
    tavern: Tavern, inputs: Inputs, dt: float, speaking: frozenset[str] = frozenset()
) -> tuple[Tavern, tuple[Wish, ...]]:
    """The tavern a moment later.

    Args:
        tavern: As it was.
        inputs: What the player did.
        dt: Seconds since the last frame.
        speaking: Guests who speak or are spoken with; they stand still.
    """
    wishes: list[Wish] = []
    tavern = _pass_time(tavern, inputs, dt, speaking)
    tavern = _talk(tavern, inputs, wishes)
    tavern = _look(tavern, inputs)
    if inputs.pay and not tavern.talking_to and tavern.nearest and tavern.gold > 0:
        wishes.append(Wish("pay", tavern.nearest))
    wanted: tuple[tuple[bool, WishKind], ...] = (
        (inputs.save, "save"),
        (inputs.load, "load"),
        (inputs.quit, "quit"),
    )
    wishes.extend(Wish(kind) for is_wanted, kind in wanted if is_wanted)
    return tavern, tuple(wishes)


def _pass_time(tavern: Tavern, inputs: Inputs, dt: float, speaking: frozenset[str]) -> Tavern:
    open_ = tavern.cellar_open
    player = steer(tavern.player, inputs.move, dt, cellar_open=open_)
    busy = speaking | {tavern.talking_to}
    guests = tuple(
        live(each, dt, cellar_open=open_, is_busy=each.id in busy) for each in tavern.guests
    )
    swing = tavern.door_swing + (dt if open_ else -dt) / DOOR_OPENS_S
    return replace(
        tavern,
        player=player,
        guests=guests,
        door_swing=min(1.0, max(0.0, swing)),
        time_s=tavern.time_s + dt,
        note_s=max(0.0, tavern.note_s - dt),
    )


def _talk(tavern: Tavern, inputs: Inputs, wishes: list[Wish]) -> Tavern:
    """Begin, type, say, and leave."""
    npc = tavern.talking_to
    if not npc:
        npc = tavern.nearest
        if not (inputs.talk and npc):
            return tavern
        wishes.append(Wish("meet", npc))
        return _facing_each_other(replace(tavern, talking_to=npc, typed=""), npc)
    is_far = distance(tavern.guest(npc).at, tavern.player.at) > EARSHOT_PX
    if inputs.escape or is_far:
        wishes.append(Wish("leave", npc))
        return replace(tavern, talking_to="", typed="")
    typed = (tavern.typed + inputs.typed)[:MAX_TYPED_CHARS]
    if inputs.erase:
        typed = typed[:-1]
    if inputs.enter and typed.strip():
        wishes.append(Wish("say", npc, typed.strip()))
        return _facing_each_other(replace(tavern, typed=""), npc)
    return replace(tavern, typed=typed)


def _look(tavern: Tavern, inputs: Inputs) -> Tavern:
    return replace(
        tavern,
        overlay=tavern.overlay != inputs.overlay,
        memory=tavern.memory != inputs.memory,
    )


def _facing_each_other(tavern: Tavern, npc: str) -> Tavern:
    player = turned(tavern.player, tavern.guest(npc).at)
    guests = tuple(turned(each, player.at) if each.id == npc else each for each in tavern.guests)
    return replace(tavern, player=player, guests=guests)
