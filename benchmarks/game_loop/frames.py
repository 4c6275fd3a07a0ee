"""A 60 Hz loop in plain Python: the same work every frame, with the engine and without it."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.game_loop.costs import Cost, Meter
from benchmarks.game_loop.figures import FRAME_MS
from benchmarks.game_loop.game import HZ, Game
from benchmarks.worker import busy, calibrated

WITH_S = 5.0
WITHOUT_S = 2.5
_QUIET_S = 0.5
_SILENT_S = 60.0


@dataclass(slots=True)
class Frames:
    """All frames of a run; stretches with the engine and without it took turns."""

    with_engine: list[Cost] = field(default_factory=list)
    without: list[Cost] = field(default_factory=list)


def stretch(meter: Meter, seconds: float, work: int, play: Callable[[], None] | None) -> list[Cost]:
    """Frames of one stretch: the game's own work, then whatever `play` does."""
    before = len(meter.costs["frame"])
    due = time.perf_counter()
    for _ in range(round(seconds * HZ)):
        with meter.span("frame"):
            busy(work)
            if play is not None:
                play()
        due += FRAME_MS / 1000
        left = due - time.perf_counter()
        if left > 0:
            time.sleep(left)
        else:
            due -= left  # a late frame does not make the next ones shorter
    return meter.costs["frame"][before:]


def play(game: Game, meter: Meter, seconds: float, chance: random.Random) -> Frames:
    """Play so many seconds, and in between let the loop run without the engine.

    A restore comes in the middle of a talk at about two thirds of the time.
    """
    found, work = Frames(), calibrated()
    rounds = max(1, round(seconds / WITH_S))
    for number in range(rounds):
        found.without += stretch(meter, WITHOUT_S, work, None)
        found.with_engine += stretch(meter, seconds / rounds, work, game.frame)
        if number == rounds * 2 // 3 and number:
            game.restore()
        fall_silent(game, chance)
    found.without += stretch(meter, WITHOUT_S, work, None)
    return found


def fall_silent(game: Game, chance: random.Random) -> None:
    """Let everybody finish, and the engine what it does afterwards."""
    end = time.perf_counter() + _SILENT_S
    while game.num_open:
        game.tick()
        if time.perf_counter() > end:
            raise TimeoutError(f"{game.num_open} lines did not end within {_SILENT_S:g} s")
        time.sleep(FRAME_MS / 1000)
    time.sleep(_QUIET_S + chance.random() * FRAME_MS / 1000)
