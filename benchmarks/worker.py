"""What the worker process costs a game, and whether it survives being killed.

Three measurements on the embedded model: a cold process to its first token; a 60 Hz loop that is
busy with Python, alone, beside a process that only computes, and while eight NPCs speak, in turns;
`kill -9` of the worker at random moments under load. Needs a POSIX system.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from benchmarks.report import Figure, show, write_json
from benchmarks.worker_speakers import SPEAKERS, Speakers, request
from npc_engine.model import WorkerSession, open_session
from npc_engine.model.worker.__main__ import NICENESS
from npc_engine.protocols import GenerationEnd, ModelEvent

FRAME_S = 1 / 60
BUSY_S = 0.004
CACHE_BYTES = 512 << 20
MODEL = "smollm2"
MIB = 1 << 20


Beside = Literal["alone", "beside plain computing", "8 NPCs speaking"]


@dataclass(frozen=True, slots=True)
class Frames:
    """One round of the loop."""

    beside: Beside
    late_ms: tuple[float, ...]
    """For each frame, how long after its due start its 4 ms of work were done."""
    tokens: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the measurements and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.worker")
    parser.add_argument("--quick", action="store_true", help="one short round, five kills")
    parser.add_argument("--rounds", type=int, help="rounds of the loop, each alone and speaking")
    parser.add_argument("--kills", type=int)
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    rounds = options.rounds if options.rounds is not None else (1 if options.quick else 5)
    kills = options.kills if options.kills is not None else (5 if options.quick else 100)
    figures = [cold_start(1 if options.quick else 5)]
    session = open_session(MODEL, cache_bytes=CACHE_BYTES)
    assert isinstance(session, WorkerSession)
    with contextlib.closing(session):
        found = frame_rounds(session, rounds, seconds=2.0 if options.quick else 5.0)
        figures += frame_figures(found)
        figures += [*host_cost(session, 10 if options.quick else 20), resident(session)]
        if kills:
            figures += kill_rounds(session, kills, random.Random(options.seed))
    settings = {
        "model": session.info.name,
        "dtype": session.info.dtype,
        "device": session.info.device,
        "threads": session.info.extra.get("threads", ""),
        "speakers": SPEAKERS,
        "seed": options.seed,
    }
    show(figures, settings)
    if options.json:
        rows = [{"beside": row.beside, "late_ms": row.late_ms} for row in found]
        write_json(options.json, figures, settings, rows)


# -- a cold process -----------------------------------------------------------------------------


def cold_start(runs: int) -> Figure:
    """From starting a process to its first token; the files are in the system's cache."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "benchmarks.worker_cold", MODEL], check=True)
        times.append(time.perf_counter() - start)
    return Figure("cold process to first token, median", statistics.median(times[1:]), "s", 5,
                  at_most=True, runs=runs)  # fmt: skip


# -- the loop of a game -------------------------------------------------------------------------


def frame_rounds(session: WorkerSession, rounds: int, seconds: float) -> list[Frames]:
    """The loop in its three settings, in turns, after one round of each to warm up.

    The plain computing shows what any busy process of the worker's priority costs on this machine;
    what the frames and threads of the session cost is the difference to it.
    """
    work = calibrated()
    found = []
    for _ in range(rounds + 1):
        found.append(one_round(work, seconds, "alone"))
        with plain_computing():
            found.append(one_round(work, seconds, "beside plain computing"))
        with Speakers(session) as speakers:
            found.append(one_round(work, seconds, "8 NPCs speaking", speakers))
    return found[3:]


@contextlib.contextmanager
def plain_computing() -> Iterator[None]:
    """A process that does nothing but compute, at the worker's priority."""
    code = f"import os\nos.nice({NICENESS})\nwhile True: pass"
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        time.sleep(0.5)
        yield
    finally:
        process.kill()
        process.wait()


def one_round(
    work: int, seconds: float, beside: Beside, speakers: Speakers | None = None
) -> Frames:
    """Frames of a loop that does the same work in each."""
    late_ms = []
    tokens = speakers.tokens if speakers else 0
    due = time.perf_counter()
    for _ in range(round(seconds / FRAME_S)):
        busy(work)
        late_ms.append((time.perf_counter() - due) * 1000)
        due += FRAME_S
        time.sleep(max(0.0, due - time.perf_counter()))
    return Frames(beside, tuple(late_ms), (speakers.tokens if speakers else 0) - tokens)


def busy(work: int) -> int:
    """Plain Python that never waits, as a game's own logic would be."""
    total = 0
    for number in range(work):
        total += number & 7
    return total


def calibrated() -> int:
    """How much of that work takes 4 ms here, at best."""
    work = 10_000
    best = min(_seconds(work) for _ in range(200))
    return round(work * BUSY_S / best)


def _seconds(work: int) -> float:
    start = time.perf_counter()
    busy(work)
    return time.perf_counter() - start


def frame_figures(rounds: Sequence[Frames]) -> list[Figure]:
    """Medians over rounds of each round's median and p99, and what speaking costs."""
    figures = []
    at: dict[tuple[Beside, int], float] = {}
    for beside in get_args(Beside):
        chosen = [row.late_ms for row in rounds if row.beside == beside]
        for percent in (50, 99):
            value = statistics.median(_percentile(row, percent) for row in chosen)
            at[beside, percent] = value
            figures.append(Figure(f"frame, p{percent}, {beside}", value, "ms", runs=len(chosen)))
    speaking = [row for row in rounds if row.beside == "8 NPCs speaking"]
    tokens = sum(row.tokens for row in speaking)
    spoken_s = sum(len(row.late_ms) for row in speaking) * FRAME_S
    figures += [
        Figure("lost per frame at p99", at["8 NPCs speaking", 99] - at["alone", 99], "ms", 2,
               at_most=True, runs=len(speaking)),
        Figure("tokens/s of the 8 meanwhile", tokens / spoken_s, "tok/s"),
    ]  # fmt: skip
    return figures


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def host_cost(session: WorkerSession, seconds: float) -> list[Figure]:
    """Processor time of a host that does nothing else: while all are silent, and for one token."""
    idle_s = time.process_time()
    time.sleep(seconds)
    idle_s = time.process_time() - idle_s
    with Speakers(session) as speakers:
        tokens, cpu_s = speakers.tokens, time.process_time()
        time.sleep(seconds)
        tokens, cpu_s = speakers.tokens - tokens, time.process_time() - cpu_s
    return [
        Figure("host processor time, silent", idle_s / seconds * 1000, "ms/s"),
        Figure("host processor time per token beyond that", max(0.0, cpu_s - idle_s) / tokens * 1e6,
               "µs", 50, at_most=True, runs=tokens),
    ]  # fmt: skip


def resident(session: WorkerSession) -> Figure:
    """Memory of the child after the talk above, against its weights and the memory it may use."""
    status = Path(f"/proc/{session.pid}/status")
    if not status.exists():
        return Figure("resident memory of the child", 0.0, "unknown")
    line = next(line for line in status.read_text(encoding="utf-8").splitlines() if "VmRSS" in line)
    rss = int(line.split()[1]) << 10
    weights = sum(
        path.stat().st_size for path in Path(session.info.extra["folder"]).glob("*.safetensors")
    )
    print(f"child: {rss / MIB:,.0f} MiB resident, weights {weights / MIB:,.0f} MiB")
    return Figure("resident memory / (weights + 512 MiB for caches)",
                  rss / (weights + CACHE_BYTES), "x", 1.5, at_most=True)  # fmt: skip


# -- kill -9 ------------------------------------------------------------------------------------


def kill_rounds(session: WorkerSession, kills: int, chance: random.Random) -> list[Figure]:
    """Kill the worker under load; every rule that breaks ends the benchmark with an error."""
    recoveries = []
    retried = 0
    for number in range(kills):
        names = [f"kill-{number}-{speaker}" for speaker in range(SPEAKERS)]
        streams = [
            session.stream(request(session, name, speaker, tokens=40))
            for speaker, name in enumerate(names)
        ]
        time.sleep(chance.uniform(0.0, 2.0))
        pid = session.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed_at = time.perf_counter()
        for stream in streams:
            end = checked(stream)
            retried += end.reason != "failed"
        end = checked(session.stream(request(session, f"kill-{number}-next", 0, tokens=4)))
        if end.reason == "failed":
            raise AssertionError(f"kill {number}: the next request failed: {end.error}")
        recoveries.append(time.perf_counter() - killed_at)
        print(f"kill {number + 1}/{kills}: answered again after {recoveries[-1]:.1f} s")
    asked = kills * SPEAKERS
    return [
        Figure("kills survived", kills, "", kills, runs=kills),
        Figure("requests under fire that were answered", retried, f"of {asked}"),
        Figure("kill to the next answer, median", statistics.median(recoveries), "s"),
    ]


def checked(stream: Iterator[ModelEvent]) -> GenerationEnd:
    """The final event; there must be one, and it must be the last."""
    events = list(stream)
    ends = [event for event in events if isinstance(event, GenerationEnd)]
    if len(ends) != 1 or events[-1] is not ends[0]:
        raise AssertionError(f"expected one final event; found {json.dumps(len(ends))}")
    return ends[0]


if __name__ == "__main__":
    main()
