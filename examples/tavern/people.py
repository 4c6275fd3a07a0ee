"""Who is in the tavern, where they like to be, and how they walk; nobody here can speak."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from examples.tavern.room import Point, distance, moved, way

Facing = Literal["down", "up", "left", "right"]

WALK_PER_S = 105.0
"""Pixels; guests take their time."""
RUN_PER_S = 210.0
"""Pixels; the player does not."""


@dataclass(frozen=True, slots=True)
class Person:
    """One body in the room."""

    id: str
    x: float
    y: float
    facing: Facing = "down"
    path: tuple[Point, ...] = ()
    """Where it still has to walk through."""
    walked: float = 0.0
    """Pixels since the game began; the legs move by it."""
    rest_s: float = 0.0
    """How long it stays before it walks on."""
    spot: int = 0
    """Which of its favourite spots it is at, or on the way to."""

    @property
    def at(self) -> Point:
        """Where its feet are."""
        return self.x, self.y


@dataclass(frozen=True, slots=True)
class Spot:
    """A place where a guest likes to be."""

    at: Point
    facing: Facing
    stay_s: float


SPOTS: dict[str, tuple[Spot, ...]] = {
    "osla": (
        Spot((960, 206), "down", 14),
        Spot((1110, 206), "up", 8),
        Spot((1190, 206), "down", 11),
    ),
    "dunstan": (Spot((650, 400), "left", 40), Spot((1080, 322), "up", 17)),
    "linnet": (Spot((716, 222), "down", 34), Spot((560, 238), "up", 12)),
    "tobias": (Spot((134, 478), "down", 40), Spot((400, 186), "up", 13)),
}
PLAYER = "player"


def arrive() -> tuple[Person, ...]:
    """All guests at the first of their spots, each about to leave at another time."""
    return tuple(
        Person(
            name,
            *spots[0].at,
            facing=spots[0].facing,
            rest_s=spots[0].stay_s * (0.4 + 0.3 * number),
        )
        for number, (name, spots) in enumerate(SPOTS.items())
    )


def live(person: Person, dt: float, *, cellar_open: bool, is_busy: bool) -> Person:
    """A guest a moment later: it rests, walks on, or stands still while it is spoken with."""
    if is_busy:
        return replace(person, path=(), rest_s=max(person.rest_s, 4.0))
    if person.path:
        return _walk(person, dt)
    if person.rest_s > 0:
        return replace(person, rest_s=person.rest_s - dt)
    spots = SPOTS[person.id]
    spot = (person.spot + 1) % len(spots)
    path = way(person.at, spots[spot].at, cellar_open=cellar_open)
    return replace(person, spot=spot, path=path, rest_s=spots[spot].stay_s)


def steer(person: Person, move: tuple[int, int], dt: float, *, cellar_open: bool) -> Person:
    """The player a moment later; `move` is -1, 0 or 1 for each direction."""
    if move == (0, 0):
        return person
    length = math.hypot(*move)
    step = RUN_PER_S * dt / length
    x, y = moved(person.at, (move[0] * step, move[1] * step), cellar_open=cellar_open)
    walked = person.walked + distance(person.at, (x, y))
    return replace(person, x=x, y=y, walked=walked, facing=facing_along(move))


def turned(person: Person, to: Point) -> Person:
    """The same person, looking at somebody."""
    return replace(person, facing=facing_along((to[0] - person.x, to[1] - person.y)))


def facing_along(by: Point) -> Facing:
    """Which way one looks who moves like that."""
    if abs(by[0]) > abs(by[1]):
        return "right" if by[0] > 0 else "left"
    return "down" if by[1] > 0 else "up"


def _walk(person: Person, dt: float) -> Person:
    goal = person.path[0]
    far = distance(person.at, goal)
    step = WALK_PER_S * dt
    by = (goal[0] - person.x, goal[1] - person.y)
    if far > step:
        x, y = person.x + by[0] * step / far, person.y + by[1] * step / far
        return replace(person, x=x, y=y, walked=person.walked + step, facing=facing_along(by))
    there = replace(person, x=goal[0], y=goal[1], path=person.path[1:])
    return there if there.path else replace(there, facing=SPOTS[person.id][person.spot].facing)
