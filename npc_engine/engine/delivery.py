"""Brings events to the game: to the line they are of, then to everybody who listens."""

import logging
import time
from collections.abc import Callable
from typing import Any

from npc_engine.dialogue.pace import Pace
from npc_engine.engine.action_call import ActionCall
from npc_engine.engine.action_desk import Desk
from npc_engine.engine.inbox import LINE_EVENTS, Inbox
from npc_engine.engine.open_lines import OpenLines
from npc_engine.engine.stats import EngineStats, TickFigures
from npc_engine.engine.ticking import Ticking
from npc_engine.events import ActionProposed, Event, LineEnded, Notice
from npc_engine.protocols import Clock

_log = logging.getLogger(__name__)

_BUSY_S = 0.002
"""How long a thread sleeps that waits while another one delivers."""


class Delivery:
    """Delivers on the thread that ticks; a handler that raises keeps nothing from the others."""

    def __init__(self, inbox: Inbox, lines: OpenLines, desk: Desk, clock: Clock) -> None:
        """Nobody listens yet."""
        self._inbox = inbox
        self._lines = lines
        self._desk = desk
        self._clock = clock
        self._ticking = Ticking()
        self._figures = TickFigures()
        self._subscribers: list[Callable[[Event], None]] = []

    def subscribe(self, listen: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listen` with every event; returns how to stop that."""
        self._subscribers.append(listen)
        return lambda: self._subscribers.remove(listen)

    def tick(self, budget_ms: float | None) -> int:
        """Deliver waiting events on this thread; see `Engine.tick`.

        Raises:
            CommandError: A tick is under way, on another thread or around this call.
        """
        with self._ticking.alone():
            return self._deliver_waiting(budget_ms)

    def tick_if_free(self) -> None:
        """Deliver what waits; where another thread does so, give it a moment."""
        with self._ticking.if_free() as is_mine:
            if is_mine:
                self._deliver_waiting(None)
        if not is_mine:
            time.sleep(_BUSY_S)

    def stats(self, pace: Pace) -> EngineStats:
        """See `Engine.stats`."""
        figures = self._figures
        return EngineStats(
            ticks=figures.ticks,
            overruns=figures.overruns,
            slow_handlers=figures.slow_handlers,
            handler_faults=figures.handler_faults,
            longest_tick_ms=figures.longest_tick_ms,
            last_tick_ms=figures.last_tick_ms,
            events=figures.events,
            waiting_events=len(self._inbox),
            open_lines=len(self._lines),
            waiting_lines=self._lines.num_waiting,
            lines_by_reason=dict(figures.by_reason),
            tokens_per_s=pace.tokens_per_s,
            first_text_ms=pace.first_text_ms,
        )

    def _deliver_waiting(self, budget_ms: float | None) -> int:
        self._figures.tick_begins()
        start = self._clock.monotonic()
        delivered = 0
        try:
            self._lines.expire(start)
            self._lines.raise_patient(start)
            while (event := self._inbox.take()) is not None:
                delivered += 1
                self._deliver(event)
                if budget_ms is not None and (self._clock.monotonic() - start) * 1000 >= budget_ms:
                    break
        finally:
            self._figures.tick_ends(budget_ms, delivered)
        return delivered

    def _deliver(self, event: Event) -> None:
        call = self._hand_over(event) if isinstance(event, ActionProposed) else None
        if isinstance(event, LINE_EVENTS):
            is_end = isinstance(event, LineEnded)
            line = self._lines.delivered(event.line_id, is_over=is_end)
            if isinstance(event, LineEnded):
                self._figures.count(event)
            if line is not None:
                if call is not None:
                    line.actions += (call,)
                line.deliver(event)
                for hear in tuple(line.listeners):
                    self._call(hear, event)
        for listen in tuple(self._subscribers):
            self._call(listen, event)

    def _hand_over(self, event: ActionProposed) -> ActionCall | None:
        """Give an action to its handler; the desk tells what went wrong in there."""
        self._figures.handler_begins()
        try:
            return self._desk.deliver(event)
        finally:
            self._figures.handler_ends()

    def _call(self, handler: Callable[[Any], None], event: Event) -> None:
        """Call a handler of the game."""
        self._figures.handler_begins()
        try:
            handler(event)
        except Exception as error:  # noqa: BLE001  the game's code
            self._figures.handler_faults += 1
            _log.exception("a handler of %s raised", type(event).__name__)
            if not isinstance(event, Notice):  # or a handler that always raises would never end
                text = f"a handler of {type(event).__name__} raised {type(error).__name__}: {error}"
                self._inbox.post(Notice("error", text))
        finally:
            self._figures.handler_ends()
