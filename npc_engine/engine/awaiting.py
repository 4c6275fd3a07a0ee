"""The events of a line for callers that run on an asyncio event loop."""

import asyncio
from collections.abc import AsyncIterator

from npc_engine.engine.line import Line
from npc_engine.engine.loop import Loop
from npc_engine.events import LineEvent

_AWAIT_S = 0.05
"""How often an awaiting caller looks at deadlines."""


async def events_of(loop: Loop, line: Line) -> AsyncIterator[LineEvent]:
    """Yield the events of a line as they come, ticking meanwhile; leaving early cancels it."""
    running = asyncio.get_running_loop()
    arrived = asyncio.Event()
    events: list[LineEvent] = []

    def wake() -> None:
        running.call_soon_threadsafe(arrived.set)

    line.listeners.append(events.append)
    loop.inbox.add_waker(wake)
    try:
        while True:
            loop.tick_if_free()
            while events:
                yield events.pop(0)
            if line.done:
                return
            try:
                await asyncio.wait_for(arrived.wait(), _AWAIT_S)
            except TimeoutError:
                continue
            arrived.clear()
    finally:
        loop.inbox.remove_waker(wake)
        line.cancel()
