"""The figures of the game loop, worked out from what was measured."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.game_loop.costs import Cost
from benchmarks.report import Figure

FRAME_MS = 1000 / 60
TICK_MS = 2.0
SLACK_MS = 1.0
SAY_MS = 1.0


def percentile(values: Iterable[float], percent: float) -> float:
    """The value that so many of a hundred do not pass; 0 of nothing."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def late_frames(frames: Sequence[Cost]) -> int:
    """Frames that would have been over 16.7 ms even if the system had never let others run."""
    return sum(cost.own_ms > FRAME_MS for cost in frames)


def blamed_frames(with_engine: Sequence[Cost], without: Sequence[Cost]) -> float:
    """Late frames that the loop has only with the engine, beyond one in a thousand.

    Args:
        with_engine: Frames with the engine.
        without: Frames of the same loop without it, taken in turns with them.
    """
    share = late_frames(without) / len(without) if without else 0.0
    allowed = len(with_engine) / 1000
    return max(0.0, late_frames(with_engine) - share * len(with_engine) - allowed)


def frame_figures(with_engine: Sequence[Cost], without: Sequence[Cost]) -> list[Figure]:
    """How long frames take with the engine and without it."""
    runs = len(with_engine)
    figures = [
        Figure("frames over 16.7 ms, the engine's doing, beyond 0.1 %",
               blamed_frames(with_engine, without), "", 0, at_most=True, runs=runs),
        Figure("frames over 16.7 ms, whoever's doing",
               sum(cost.wall_ms > FRAME_MS for cost in with_engine), "", runs=runs),
        Figure("the same without the engine",
               sum(cost.wall_ms > FRAME_MS for cost in without), "", runs=len(without)),
    ]  # fmt: skip
    for percent in (50, 99, 99.9):
        for name, frames in (("with the engine", with_engine), ("without", without)):
            figures.append(Figure(f"frame {name}, p{percent:g}",
                                  percentile((cost.wall_ms for cost in frames), percent), "ms",
                                  runs=len(frames)))  # fmt: skip
    figures.append(
        Figure("frame waits for locks of the process, p99.9",
               percentile((cost.locked_ms for cost in with_engine), 99.9), "ms", runs=runs)
    )  # fmt: skip
    return figures


def tick_figures(ticks: Sequence[Cost]) -> list[Figure]:
    """Whether a tick keeps to its budget, by the clock and by the processor."""
    most = TICK_MS + SLACK_MS
    over = {
        "by the clock": sum(cost.wall_ms > most for cost in ticks),
        "by the clock, less time off the core": sum(cost.own_ms > most for cost in ticks),
        "on the core": sum(cost.cpu_ms > most for cost in ticks),
    }
    figures = [
        Figure(f"ticks over budget + 1 ms, {how}", count, "", 0, at_most=True, runs=len(ticks))
        for how, count in over.items()
    ]
    longest = max((cost.wall_ms for cost in ticks), default=0.0)
    return [*figures, Figure("longest tick", longest, "ms", runs=len(ticks))]


def call_figures(costs: Mapping[str, Sequence[Cost]]) -> list[Figure]:
    """What the other calls cost the thread that makes them."""
    figures = []
    if says := costs.get("say", ()):
        figures += [
            Figure("say, p99", percentile((cost.wall_ms for cost in says), 99), "ms", SAY_MS,
                   at_most=True, runs=len(says)),
            Figure("say, p99, less time off the core", percentile((c.own_ms for c in says), 99),
                   "ms", SAY_MS, at_most=True, runs=len(says)),
            Figure("say on the core, p99", percentile((cost.cpu_ms for cost in says), 99), "ms",
                   runs=len(says)),
        ]  # fmt: skip
    for name in ("cancel", "world.set", "world.event", "set_focus"):
        if found := costs.get(name, ()):
            figures.append(Figure(f"{name}, p99", percentile((c.wall_ms for c in found), 99), "ms",
                                  runs=len(found)))  # fmt: skip
    for name in ("snapshot", "restore"):
        if found := costs.get(name, ()):
            figures.append(Figure(f"{name}, longest", max(cost.wall_ms for cost in found), "ms",
                                  runs=len(found)))  # fmt: skip
    return figures


def silence_figure(ticks_to_silence: Sequence[int]) -> Figure:
    """How many ticks after a barge-in still brought text of the reply that it ended."""
    return Figure("barge-in to silence, most", max(ticks_to_silence, default=0), "ticks", 1,
                  at_most=True, runs=len(ticks_to_silence))  # fmt: skip


def reasons_in_words(reasons: Counter[str]) -> str:
    """How many lines ended for which reason, the most frequent first."""
    return ", ".join(f"{name} {count}" for name, count in reasons.most_common()) or "none"
