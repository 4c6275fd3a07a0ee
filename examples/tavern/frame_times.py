"""How long frames took, and how much of that was the engine's."""

from collections import deque
from dataclasses import dataclass

FRAME_MS = 1000 / 60


@dataclass(frozen=True, slots=True)
class Frame:
    """The work of one frame, in milliseconds; waiting for the next is none."""

    work_ms: float
    tick_ms: float
    """Of it, inside `engine.tick`."""
    engine_ms: float
    """Of it, inside the engine: `tick`, `say` and every other call."""
    cpu_ms: float = 0.0
    """What the game's own thread computed; the rest it waited for the processor."""


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of them lies; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class FrameTimes:
    """All frames of a run, the last few at hand for a graph."""

    def __init__(self, last: int = 240) -> None:
        """No frame yet; `last` of them are kept for the graph."""
        self.all: list[Frame] = []
        self.last: deque[Frame] = deque(maxlen=last)

    def add(self, frame: Frame) -> None:
        """One more frame."""
        self.all.append(frame)
        self.last.append(frame)

    def report(self) -> str:
        """What a run looked like, in words and numbers."""
        work = [frame.work_ms for frame in self.all]
        tick = [frame.tick_ms for frame in self.all]
        engine = [frame.engine_ms for frame in self.all]
        late = [frame for frame in self.all if frame.work_ms > FRAME_MS]
        shares = (0.5, 0.99, 0.999)

        def row(name: str, values: list[float]) -> str:
            cells = "".join(f"{percentile(values, share):9.2f}" for share in shares)
            return f"{name:<16}{cells}{max(values, default=0.0):9.2f}"

        lines = [
            f"{len(self.all)} frames          p50      p99    p99.9      max   (ms)",
            row("whole frame", work),
            row("engine, all", engine),
            row("engine.tick", tick),
            row("own processor", [frame.cpu_ms for frame in self.all]),
            f"{len(late)} frames over {FRAME_MS:.1f} ms; the engine's part of them: "
            + (", ".join(f"{f.engine_ms:.1f} of {f.work_ms:.1f}" for f in late[:12]) or "none"),
        ]
        held = sum(1 for frame in late if frame.cpu_ms <= FRAME_MS)
        lines.append(f"{held} of them computed less than that and waited for the processor")
        without = sum(1 for frame in late if frame.work_ms - frame.engine_ms <= FRAME_MS)
        lines.append(f"{without} of them only because of the engine")
        return "\n".join(lines)
