"""A stage with many NPCs, and sessions whose streams wait for each other."""

import threading
import time

from npc_engine.events import LineEnded
from npc_engine.model.scripted import Reply, ScriptedSession
from npc_engine.protocols import TokenDelta
from tests.stage import write_project
from tests.stage_engine import open_engine

LIMIT_S = 120.0
"""A safety net for busy machines; nothing is measured by it."""

_LETTERS = "bacedifoguhajekilomunaperisotuvawexiyozu"
_SYLLABLES = [_LETTERS[at : at + 2] for at in range(0, len(_LETTERS), 2)]
MANY_WORDS = " ".join(one + other for one in _SYLLABLES for other in _SYLLABLES)
"""400 words, no two of them alike: the guard ends a reply that repeats itself."""
SLOW = Reply(MANY_WORDS, delay_s=0.002)


def crowd_of(number):
    return tuple(f"npc{index}" for index in range(number))


def open_crowd(folder, session, number=8, **options):
    """An engine over the small stage with so many more NPCs."""
    if not (folder / "characters").exists():
        write_project(folder)
        for npc in crowd_of(number):
            sheet = f"name: {npc.title()} Reed\nworld: ford\nsummary: Stands about in Ford.\n"
            path = folder / "characters" / f"{npc}.yaml"
            path.write_text(sheet + "barks: {fail: [Not now.]}\n", encoding="utf-8")
    return open_engine(folder, session, **options)


class MeetingSession(ScriptedSession):
    """Every stream waits after its first token until so many streams are there."""

    def __init__(self, replies, number):
        super().__init__(replies)
        self.barrier = threading.Barrier(number, timeout=LIMIT_S)

    def stream(self, request):
        events = super().stream(request)
        yield next(events)
        self.barrier.wait()
        yield from events


class HeldSession(ScriptedSession):
    """Streams wait after their first token until `let_go` is set or they are cancelled."""

    def __init__(self, replies):
        super().__init__(replies)
        self.let_go = threading.Event()
        self.begun = threading.Semaphore(0)

    def stream(self, request):
        events = super().stream(request)
        first = next(events)
        yield first
        if isinstance(first, TokenDelta):
            self.begun.release()
            stream = self._streams.get(request.request_id)
            while not self.let_go.wait(0.002) and not (stream and stream.cancelled.is_set()):
                pass
        yield from events

    def wait_for(self, number):
        for _ in range(number):
            assert self.begun.acquire(timeout=LIMIT_S)


def wait_until(done, tick=None):
    end = time.monotonic() + LIMIT_S
    while not done():
        if tick is not None:
            tick()
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.001)


def finish(engine, lines):
    wait_until(lambda: all(line.done for line in lines), lambda: engine.tick(None))


def ends_of(heard):
    return sorted(event.line_id for event in heard.of(LineEnded))
