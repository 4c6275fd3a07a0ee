"""Play: `python -m examples.tavern`, with a model of your choice or the scripted one."""

import argparse
import gc
import os
import time
from collections.abc import Callable
from pathlib import Path

import pygame

from examples.tavern.game import Game
from examples.tavern.keyboard import Hands, Keyboard, WindowOnly
from examples.tavern.saving import Slot
from examples.tavern.scripted_hands import ScriptedHands, read_script
from examples.tavern.scripted_model import scripted_model
from examples.tavern.window import Window
from npc_engine import Engine

CONTENT = Path(__file__).parent / "content"
MAX_STEP_S = 0.1
"""A frame that took longer moves the game no farther than this."""


def open_tavern(
    model: str = "auto", save: Path | None = None, record: Path | None = None
) -> Engine:
    """The engine with the tavern's world and guests.

    Args:
        model: `scripted`, or a name for `open_session`.
        save: The engine's save file; None keeps everything in memory.
        record: A new file for `npc replay`.
    """
    return Engine.open(
        CONTENT / "worlds" / "drowned_bell.yaml",
        CONTENT / "characters",
        save,
        scripted_model() if model == "scripted" else model,
        record=record,
    )


def play(
    game: Game,
    window: Window,
    hands: Hands,
    *,
    pace: Callable[[], float],
    seconds: float | None = None,
) -> None:
    """Frame after frame, until the player has had enough or the time is up.

    Args:
        game: In play.
        window: Draws it.
        hands: Play it.
        pace: Waits for the next frame; gives the game seconds since the last one.
        seconds: Of game time; None plays on.
    """
    dt = pace()
    goes_on = True
    while goes_on and (seconds is None or game.played_s < seconds - 1e-6):
        start, own_start = time.perf_counter(), time.thread_time()
        goes_on = game.step(hands.inputs(game), dt)
        window.draw(game)
        own_s = time.thread_time() - own_start
        game.note_frame((time.perf_counter() - start) * 1000, own_s * 1000)
        dt = pace()


def main() -> None:
    """Read the arguments and play."""
    parser = argparse.ArgumentParser(prog="python -m examples.tavern", description=__doc__)
    parser.add_argument("--model", default="auto", help="scripted, auto, smollm2, a folder, ...")
    parser.add_argument("--save", type=Path, help="the save file; without it F5 saves in memory")
    parser.add_argument("--seconds", type=float, help="play so long, then print frame times")
    parser.add_argument("--script", type=Path, help="orders instead of a keyboard")
    parser.add_argument("--screenshot", type=Path, help="write the last frame here")
    parser.add_argument("--record", type=Path, help="a new file for `npc replay`")
    parser.add_argument("--fps", type=int, default=60)
    parser.add_argument("--headless", action="store_true", help="no window")
    given = parser.parse_args()
    if given.headless:
        os.environ["SDL_VIDEODRIVER"] = "dummy"
    slot = Slot(given.save.with_suffix(".json") if given.save else None)
    with open_tavern(given.model, given.save, given.record) as engine:
        window = Window()
        clock = pygame.time.Clock()

        def pace() -> float:
            return min(MAX_STEP_S, clock.tick(given.fps) / 1000)

        hands: Hands = Keyboard()
        if given.script:
            hands = WindowOnly(ScriptedHands(read_script(given.script), 1 / given.fps))
        if given.seconds:
            engine.wait_ready()  # figures are those of a model that is there
        game = Game(engine, slot)
        gc.collect()
        gc.freeze()  # else one look through all sheets and modules costs a frame of 50 ms
        try:
            play(game, window, hands, pace=pace, seconds=given.seconds)
            if given.screenshot:
                window.save_picture(str(given.screenshot))
        finally:
            window.close()
        if given.seconds:
            figures = game.company.figures()
            print(game.frames.report())
            print(f"{figures.model}: {figures.tokens_per_s:.1f} tokens/s a line")
            print(f"{figures.first_ms:.0f} ms to the first token; lines: {dict(figures.reasons)}")


if __name__ == "__main__":
    main()
