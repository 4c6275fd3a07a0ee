"""What the worker tells the game: one thread sends all that is ready, and a beat when little is.

Many tokens travel in one frame, because every frame wakes the game's process.
"""

import os
import queue
import threading
import time
from collections.abc import Callable, Mapping

from npc_engine.model.worker.frames import encode
from npc_engine.model.worker.messages import Beat, Delta, Events, Message, to_frame
from npc_engine.protocols import GenerationEnd, ModelEvent

BEAT_S = 0.2
"""Pause between two signs of life; the game misses them after a second."""
GATHER_S = 0.001
"""How long the tokens of one step are gathered when several requests are being answered."""

_Item = tuple[int, ModelEvent] | Message | None


class Outbox:
    """Sends messages and events in the order they were given."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        """Start the thread.

        Args:
            write: Sends all the bytes it is given; may block while the game does not read.
        """
        self._write = write
        self._items: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._stats: Callable[[], Mapping[str, float]] | None = None
        self._lock = threading.Lock()
        self._num_live = 0
        self._num_events = 0
        self._thread = threading.Thread(target=self._run, name="npc-worker-send", daemon=True)
        self._thread.start()

    def count_with(self, stats: Callable[[], Mapping[str, float]]) -> None:
        """Send these counters along from now on."""
        self._stats = stats

    def send(self, message: Message) -> None:
        """Send a message soon."""
        self._items.put(message)

    def begin(self) -> None:
        """A request is being answered from now on."""
        with self._lock:
            self._num_live += 1

    def put(self, number: int, event: ModelEvent) -> None:
        """Send an event of a request soon."""
        self._items.put((number, event))

    def finish(self) -> None:
        """Send what is waiting and stop."""
        self._items.put(None)
        self._thread.join()

    def _run(self) -> None:
        next_beat = time.monotonic()
        going_on = True
        while going_on:
            items, going_on = self._take(next_beat)
            data = b"".join(encode(to_frame(message)) for message in self._messages(items))
            if time.monotonic() >= next_beat:
                data += encode(to_frame(self._beat()))
                next_beat = time.monotonic() + BEAT_S
            if data:
                self._write(data)

    def _take(self, next_beat: float) -> tuple[list[_Item], bool]:
        """All that is ready, after a wait for the first; False when it is the last."""
        items: list[_Item] = []
        try:
            items.append(self._items.get(timeout=max(0.0, next_beat - time.monotonic())))
            if self._num_live > 1:
                time.sleep(GATHER_S)
            while items[-1] is not None:
                items.append(self._items.get_nowait())
        except queue.Empty:
            return items, True
        return items[:-1], False

    def _messages(self, items: list[_Item]) -> list[Message]:
        """Neighbouring events as one message; other messages keep their place."""
        messages: list[Message] = []
        run: list[tuple[int, ModelEvent]] = []
        for item in items:
            if isinstance(item, tuple):
                run.append(item)
            elif item is not None:
                messages += self._gathered(run)
                messages.append(item)
                run = []
        return messages + self._gathered(run)

    def _gathered(self, run: list[tuple[int, ModelEvent]]) -> list[Message]:
        if not run:
            return []
        deltas: list[Delta] = []
        ends: list[tuple[int, GenerationEnd]] = []
        for number, event in run:
            if isinstance(event, GenerationEnd):
                ends.append((number, event))
            else:
                deltas.append(Delta(number, event.token_id, event.text))
        with self._lock:
            self._num_events += len(run)
            self._num_live -= len(ends)
        stats = dict(self._stats()) if ends and self._stats is not None else None
        return [Events(tuple(deltas), tuple(ends), stats)]

    def _beat(self) -> Beat:
        stats = dict(self._stats()) if self._stats is not None else None
        return Beat(self._num_events, self._num_live, stats)


def write_all(fd: int, data: bytes) -> None:
    """Write everything to a file descriptor, however much it takes at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
