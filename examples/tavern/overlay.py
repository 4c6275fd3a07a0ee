"""The F3 overlay: where the frames' time goes, and what the engine is doing."""

import os
from pathlib import Path

import pygame

from examples.tavern import colours as c
from examples.tavern.frame_times import FRAME_MS, Frame, percentile
from examples.tavern.game import Game
from examples.tavern.lettering import Letters, written
from examples.tavern.paint_panels import panel
from examples.tavern.room import WIDTH

_BOX = pygame.Rect(WIDTH - 350, 440, 320, 250)
_GRAPH = pygame.Rect(_BOX.left + 16, _BOX.top + 30, 288, 60)
_GRAPH_MS = 20.0


def paint_overlay(screen: pygame.Surface, letters: Letters, game: Game) -> None:
    """Draw the graph and the figures in the corner."""
    panel(screen, _BOX, 232)
    frames = list(game.frames.last)
    _graph(screen, frames)
    work = [frame.work_ms for frame in frames]
    engine = [frame.engine_ms for frame in frames]
    figures = game.company.figures()
    rows = [
        f"frame  p50 {percentile(work, 0.5):5.1f} ms   p99 {percentile(work, 0.99):5.1f} ms",
        f"engine p50 {percentile(engine, 0.5):5.2f} ms   p99 {percentile(engine, 0.99):5.2f} ms",
        f"model  {figures.model}"[:42],
        f"tokens {figures.tokens_per_s:5.1f}/s   first {figures.first_ms:5.0f} ms",
        f"queue  {figures.num_open} lines, {figures.waiting_events} events",
        f"ticks over budget {figures.overruns}   memory {memory_mib():.0f} MiB",
        "ended  " + (", ".join(f"{n} {why}" for why, n in figures.reasons[:2]) or "none"),
    ]
    if figures.notice:
        rows.append(figures.notice)
    screen.blit(written(letters.figures, "frames", c.BRASS), (_BOX.left + 16, _BOX.top + 10))
    for number, row in enumerate(rows):
        at = (_BOX.left + 16, _GRAPH.bottom + 10 + number * 17)
        screen.blit(letters.figures.render(row[:42], True, c.CREAM), at)


def memory_mib() -> float:
    """What this process holds now, without the model's own; 0 where that cannot be read."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0.0
    return int(statm.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _graph(screen: pygame.Surface, frames: list[Frame]) -> None:
    pygame.draw.rect(screen, c.DARK, _GRAPH)
    for number, frame in enumerate(frames[-_GRAPH.width :]):
        x = _GRAPH.left + number * _GRAPH.width // 240
        colour = c.GOOD if frame.work_ms <= FRAME_MS else c.LATE
        for value, tone in ((frame.work_ms, colour), (frame.engine_ms, c.BRASS)):
            height = min(1.0, value / _GRAPH_MS) * _GRAPH.height
            pygame.draw.line(screen, tone, (x, _GRAPH.bottom - 1), (x, _GRAPH.bottom - 1 - height))
    line = _GRAPH.bottom - FRAME_MS / _GRAPH_MS * _GRAPH.height
    pygame.draw.line(screen, c.PANEL_EDGE, (_GRAPH.left, line), (_GRAPH.right, line))
