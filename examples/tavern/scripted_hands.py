"""Hands that follow a script instead of a person: for tests, for figures and for pictures.

One order a line: `goto osla`, `talk`, `type Good evening.`, `enter`, `reply`, `leave`, `pay`,
`press f3|tab|f5|f9`, `smalltalk`, `wait 2.5`, `quit`; `#` begins a comment.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from examples.tavern.game import Game
from examples.tavern.people import Person
from examples.tavern.room import Point, distance, way
from examples.tavern.tavern import Inputs, Tavern

FRAMES_A_LETTER = 2
PATIENCE_S = 25.0
"""How long `reply` and `smalltalk` wait before the script goes on."""

_KEYS = {
    "talk": Inputs(talk=True),
    "enter": Inputs(enter=True),
    "leave": Inputs(escape=True),
    "pay": Inputs(pay=True),
    "quit": Inputs(quit=True),
    "f3": Inputs(overlay=True),
    "tab": Inputs(memory=True),
    "f5": Inputs(save=True),
    "f9": Inputs(load=True),
}
_PLACES: dict[str, Point] = {"cellar": (180, 160), "door": (680, 650), "fire": (565, 300)}
_ORDERS = {*_KEYS, "goto", "type", "wait", "press", "reply", "smalltalk"}


def read_script(path: Path) -> tuple[tuple[str, str], ...]:
    """The orders of a script file.

    Raises:
        ValueError: A line has no order that is known; says which.
    """
    orders = []
    for number, row in enumerate(path.read_text("utf-8").splitlines(), start=1):
        order, _, rest = row.partition("#")[0].strip().partition(" ")
        if not order:
            continue
        if order not in _ORDERS:
            known = ", ".join(sorted(_ORDERS))
            raise ValueError(f"{path}:{number}: found {order!r}; expected one of: {known}")
        orders.append((order, rest.strip()))
    return tuple(orders)


class ScriptedHands:
    """Gives the inputs of each frame; nothing more once the script is over."""

    def __init__(self, orders: tuple[tuple[str, str], ...], dt: float) -> None:
        """Nothing was done yet; `dt` is the game time of a frame, in seconds."""
        self._orders = orders
        self._dt = dt
        self._frames: Iterator[Inputs] | None = None
        self.is_over = False

    def inputs(self, game: Game) -> Inputs:
        """What the hands do in this frame."""
        if self._frames is None:
            self._frames = self._play(game)
        found = next(self._frames, None)
        self.is_over = found is None
        return found or Inputs()

    def _play(self, game: Game) -> Iterator[Inputs]:
        for order, rest in self._orders:
            match order:
                case "goto":
                    yield from _go(game, rest)
                case "type":
                    for letter in rest:
                        yield Inputs(typed=letter)
                        yield from (Inputs() for _ in range(FRAMES_A_LETTER - 1))
                case "wait":
                    yield from self._wait(float(rest))
                case "reply":
                    yield from self._until(lambda: not game.company.speaking and _is_read(game))
                case "smalltalk":
                    yield from self._until(lambda: bool(game.company.aside))
                case "press":
                    yield _KEYS[rest]
                case _:
                    yield _KEYS[order]

    def _wait(self, seconds: float) -> Iterator[Inputs]:
        yield from (Inputs() for _ in range(round(seconds / self._dt)))

    def _until(self, is_so: Callable[[], bool]) -> Iterator[Inputs]:
        for _ in range(round(PATIENCE_S / self._dt)):
            yield Inputs()
            if is_so():
                return


def _is_read(game: Game) -> bool:
    return all(bubble.is_shown for bubble in game.bubbles.values())


def _go(game: Game, goal: str) -> Iterator[Inputs]:
    """Walk to a guest or a place; those who walk away are followed."""
    for _ in range(1_200):
        tavern = game.tavern
        point = _PLACES.get(goal) or _beside(tavern.guest(goal))
        near = 26.0 if goal in _PLACES else 40.0
        if distance(tavern.player.at, point) < near or tavern.nearest == goal:
            return
        path = way(tavern.player.at, point, cellar_open=tavern.cellar_open)
        if not path:
            return
        yield Inputs(move=_towards(tavern, path))


def _beside(guest: Person) -> Point:
    return guest.x, guest.y + (90 if guest.id == "osla" else 46)


def _towards(tavern: Tavern, path: tuple[Point, ...]) -> tuple[int, int]:
    goal = path[min(1, len(path) - 1)] if distance(tavern.player.at, path[0]) < 9 else path[0]
    across, down = goal[0] - tavern.player.x, goal[1] - tavern.player.y
    return _sign(across), _sign(down)


def _sign(by: float) -> int:
    return 0 if abs(by) < 3 else (1 if by > 0 else -1)
