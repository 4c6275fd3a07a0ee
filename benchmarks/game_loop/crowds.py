"""Many NPCs at once on a scripted model: what a crowd costs one tick."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from benchmarks.game_loop.costs import Cost, Meter
from benchmarks.game_loop.figures import FRAME_MS, SLACK_MS, TICK_MS, percentile
from benchmarks.game_loop.stage import SMALL_TALK, write_stage
from benchmarks.report import Figure
from benchmarks.worker import busy, calibrated
from npc_engine.engine import Engine, Line
from npc_engine.events import Event, LineEnded
from npc_engine.model.scripted import Reply, ScriptedSession

TALKING = 32
ASKED = 500
_TOKEN_S = 0.02
_LIMIT_S = 120.0
_REPLY = (
    "The bridge fell in the spring flood, and nobody here will forget that night. Bett has the "
    "ferry now, and she takes one cart at a time."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking a crowd at once."""

    num_lines: int
    reasons: Counter[str]
    ends: int
    """How many ends were delivered."""
    all_ms: float
    """Until the last line had ended."""
    ticks: tuple[Cost, ...]


def open_crowd(folder: Path, number: int) -> Engine:
    """An engine with so many NPCs, each of whom speaks at about 50 tokens a second."""
    folder.mkdir()
    world, characters = write_stage(folder, number)
    session = ScriptedSession(lambda _: Reply(_REPLY, delay_s=_TOKEN_S))
    return Engine.open(world, characters, folder / "save.db", session, prewarm=False)


def talking(folder: Path, num_frames: int, number: int = TALKING) -> tuple[Cost, ...]:
    """The ticks of so many frames of 4 ms of work, in which so many NPCs speak on and on."""
    meter, work = Meter(), calibrated()
    with open_crowd(folder, number) as engine:
        npcs = [engine.npc(npc_id) for npc_id in engine.npc_ids]
        lines: dict[int, Line] = {}
        for frame in range(num_frames):
            due = time.perf_counter() + FRAME_MS / 1000
            meter.call("work", lambda: busy(work))
            meter.call("tick", lambda: engine.tick(TICK_MS))
            for index, npc in enumerate(npcs):
                is_free = index not in lines or lines[index].done
                if is_free and frame >= index:
                    lines[index] = npc.say(SMALL_TALK[(frame + index) % len(SMALL_TALK)])
            time.sleep(max(0.0, due - time.perf_counter()))
    meter.close()
    return tuple(meter.costs["tick"])


def ask_all(folder: Path, number: int = ASKED) -> Asked:
    """Ask so many NPCs in one frame, and tick until all lines have ended."""
    meter, work = Meter(), calibrated()
    reasons: Counter[str] = Counter()

    def hear(event: Event) -> None:
        if isinstance(event, LineEnded):
            reasons[event.reason] += 1

    with open_crowd(folder, number) as engine:
        engine.subscribe(hear)
        npcs = [engine.npc(npc_id) for npc_id in engine.npc_ids]
        begun = time.perf_counter()
        lines = [npc.say(SMALL_TALK[index % len(SMALL_TALK)]) for index, npc in enumerate(npcs)]
        while not all(line.done for line in lines) and time.perf_counter() - begun < _LIMIT_S:
            due = time.perf_counter() + FRAME_MS / 1000
            meter.call("work", lambda: busy(work))
            meter.call("tick", lambda: engine.tick(TICK_MS))
            time.sleep(max(0.0, due - time.perf_counter()))
        all_ms = (time.perf_counter() - begun) * 1000
        engine.tick(None)
    meter.close()
    ends = sum(reasons.values())
    return Asked(len(lines), reasons, ends, all_ms, tuple(meter.costs["tick"]))


def talking_figures(ticks: tuple[Cost, ...], number: int = TALKING) -> list[Figure]:
    """Whether a crowd that speaks leaves the tick its budget."""
    return [
        Figure(f"tick, p99, {number} NPCs speaking",
               percentile((cost.wall_ms for cost in ticks), 99), "ms", TICK_MS + SLACK_MS,
               at_most=True, runs=len(ticks)),
        Figure(f"the same on the core, {number} NPCs speaking",
               percentile((cost.cpu_ms for cost in ticks), 99), "ms", runs=len(ticks)),
    ]  # fmt: skip


def asked_figures(asked: Asked) -> list[Figure]:
    """Whether everybody who was asked at once has answered, and what that cost."""
    longest = max((cost.wall_ms for cost in asked.ticks), default=0.0)
    return [
        Figure(f"lines ended, {asked.num_lines} asked at once", asked.ends, "", asked.num_lines),
        Figure("until the last of them", asked.all_ms / 1000, "s"),
        Figure("longest tick meanwhile", longest, "ms", TICK_MS + SLACK_MS, at_most=True,
               runs=len(asked.ticks)),
    ]  # fmt: skip
