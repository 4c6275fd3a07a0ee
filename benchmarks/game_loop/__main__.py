"""A 60 Hz loop with eight NPCs that talk, act and are interrupted, measured on its own thread.

The loop does 4 ms of Python a frame and the engine's work beside it; stretches with the engine and
without it take turns. Crowds of 32 and 500 speak through a scripted model.
"""

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.game_loop.costs import Meter
from benchmarks.game_loop.crowds import ask_all, asked_figures, talking, talking_figures
from benchmarks.game_loop.figures import (
    call_figures,
    frame_figures,
    reasons_in_words,
    silence_figure,
    tick_figures,
)
from benchmarks.game_loop.frames import fall_silent, play, stretch
from benchmarks.game_loop.game import Game
from benchmarks.game_loop.pauses import MIB, Pauses, resident_bytes
from benchmarks.game_loop.stage import write_stage
from benchmarks.report import Figure, show, write_json
from benchmarks.worker import calibrated
from npc_engine.engine import Engine

_WARM_UP_S = 5.0


@dataclass(frozen=True, slots=True)
class Played:
    """What the loop with the model came to."""

    figures: list[Figure]
    settings: dict[str, object]
    rows: list[dict[str, object]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the measurements and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.game_loop")
    parser.add_argument("--quick", action="store_true", help="ten seconds, small crowds")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--seconds", type=float, help="of the loop with the engine; 60 by default")
    parser.add_argument("--npcs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0, help="of who is told what, and when")
    parser.add_argument("--switch-ms", type=float, help="Python's switch interval; 5 by default")
    parser.add_argument("--no-crowds", action="store_true", help="leave out the scripted crowds")
    options = parser.parse_args(arguments)
    seconds = options.seconds or (10.0 if options.quick else 60.0)
    if options.switch_ms:
        sys.setswitchinterval(options.switch_ms / 1000)
    load = _load()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = with_model(folder, options.model, options.npcs, seconds, options.seed)
        figures = list(found.figures)
        if not options.no_crowds:
            figures += crowds(folder, quick=options.quick)
    settings = {
        **found.settings,
        "switch interval": f"{sys.getswitchinterval() * 1000:g} ms",
        "load": f"{load} before, {_load()} after",
    }
    show(figures, settings)
    if options.json:
        write_json(options.json, figures, settings, found.rows)


def with_model(folder: Path, model: str, npcs: int, seconds: float, seed: int) -> Played:
    """Play with a model in its worker process."""
    chance, meter = random.Random(seed), Meter()
    (folder / "game").mkdir()
    world, characters = write_stage(folder / "game", npcs)
    with Engine.open(world, characters, folder / "game" / "save.db", model, seed=seed) as engine:
        info = engine.wait_ready().info
        game = Game(engine, meter, chance)
        stretch(meter, _WARM_UP_S, calibrated(), game.frame)
        fall_silent(game, chance)
        meter.costs.clear()
        game.reset()
        bytes_before = resident_bytes()
        with Pauses() as pauses:
            frames = play(game, meter, seconds, chance)
        grown = resident_bytes() - bytes_before
    meter.close()
    figures = [
        *frame_figures(frames.with_engine, frames.without),
        *tick_figures(meter.costs["tick"]),
        *call_figures(meter.costs),
        silence_figure(game.silences.found),
        Figure("longest rest of the garbage collector", max(pauses.ms, default=0.0), "ms",
               runs=len(pauses.ms)),
        Figure("memory grown over the run", grown / MIB, "MiB"),
        Figure("lines ended", sum(game.reasons.values()), ""),
        Figure("tokens/s meanwhile", game.num_tokens / seconds, "tok/s"),
    ]  # fmt: skip
    settings: dict[str, object] = {
        "model": info.name,
        "dtype": info.dtype,
        "device": info.device,
        "threads": info.extra.get("threads", ""),
        "NPCs": npcs,
        "seconds": seconds,
        "seed": seed,
        "lines ended": reasons_in_words(game.reasons),
        "actions done": reasons_in_words(game.actions),
    }
    rows: list[dict[str, object]] = [
        {
            "call": call,
            "wall_ms": [cost.wall_ms for cost in costs],
            "cpu_ms": [cost.cpu_ms for cost in costs],
            "queued_ms": [cost.queued_ms for cost in costs],
        }
        for call, costs in meter.costs.items()
    ]
    return Played(figures, settings, rows)


def crowds(folder: Path, *, quick: bool) -> list[Figure]:
    """Crowds on a scripted model."""
    ticks = talking(folder / "talking", 100 if quick else 1000)
    asked = ask_all(folder / "asked", 50 if quick else 500)
    return [*talking_figures(ticks), *asked_figures(asked)]


def _load() -> str:
    """How many processes want a core, on average of the last minute."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


if __name__ == "__main__":
    main()
