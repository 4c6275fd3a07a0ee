"""Figures of a running engine, for an overlay of the game."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter_ns

from npc_engine.events import LineEnded
from npc_engine.messages import Reason

_SLACK_MS = 1.0
"""How much a tick may run over its budget: one event is always delivered whole."""


@dataclass(frozen=True, slots=True)
class EngineStats:
    """Figures since the start, unless they say otherwise."""

    ticks: int
    overruns: int
    """Ticks in which the engine's own work took over a millisecond more than the budget."""
    slow_handlers: int
    """Ticks in which the game's handlers took longer than the whole budget."""
    handler_faults: int
    """How often a handler raised."""
    longest_tick_ms: float
    """The engine's own work, handlers left out; of ticks with a budget."""
    last_tick_ms: float
    """The last tick as a whole, handlers included."""
    events: int
    """Delivered."""
    waiting_events: int
    """Not delivered yet, now."""
    open_lines: int
    """Lines that have not ended, now."""
    waiting_lines: int
    """Of these, lines whose turn has not begun, now."""
    lines_by_reason: Mapping[Reason, int]
    """How many lines ended for each reason."""
    tokens_per_s: float
    """Speed of writing, as a running average over the last replies; 0 before the first."""
    first_text_ms: float
    """From `say` to the first text, as a running average; 0 before the first."""


class TickFigures:
    """Counts ticks. Belongs to the thread that ticks.

    Real time, not the engine's clock: it measures this machine, and decides nothing.
    """

    def __init__(self, now_ns: Callable[[], int] = perf_counter_ns) -> None:
        """Nothing was counted; `now_ns` tells the time in nanoseconds."""
        self._now_ns = now_ns
        self.ticks = self.overruns = self.slow_handlers = self.handler_faults = self.events = 0
        self.longest_tick_ms = self.last_tick_ms = 0.0
        self.by_reason: Counter[Reason] = Counter()
        self._began_ns = self._handlers_ns = self._handler_began_ns = 0

    def tick_begins(self) -> None:
        """A tick begins."""
        self._began_ns = self._now_ns()
        self._handlers_ns = 0

    def handler_begins(self) -> None:
        """A handler of the game is called."""
        self._handler_began_ns = self._now_ns()

    def handler_ends(self) -> None:
        """It came back."""
        self._handlers_ns += self._now_ns() - self._handler_began_ns

    def tick_ends(self, budget_ms: float | None, delivered: int) -> None:
        """A tick is over."""
        whole_ns = self._now_ns() - self._began_ns
        own_ms = (whole_ns - self._handlers_ns) / 1e6
        self.ticks += 1
        self.events += delivered
        self.last_tick_ms = whole_ns / 1e6
        if budget_ms is None:
            return
        self.longest_tick_ms = max(self.longest_tick_ms, own_ms)
        self.overruns += own_ms > budget_ms + _SLACK_MS
        self.slow_handlers += self._handlers_ns / 1e6 > budget_ms + _SLACK_MS

    def count(self, event: LineEnded) -> None:
        """A line ended."""
        self.by_reason[event.reason] += 1
