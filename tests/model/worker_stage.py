"""What the workers of tests open, by name: scripted sessions, tiny models and all kinds of trouble.

Runs in the child. Imports torch only where a model is opened.
"""

import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from npc_engine.errors import LoadError
from npc_engine.messages import ModelInfo
from npc_engine.model import PlainTokenizer, Reply, ScriptedSession

WORDS = "the forge is hot, the iron waits and the bridge is down; "


def open_scripted(window_tokens: int = 256, delay_s: float = 0.001, **reply):
    """Endless talk until `max_tokens`."""
    return ScriptedSession(
        lambda request: Reply(WORDS, **{"fault": "endless", "delay_s": delay_s, **reply}),
        tokenizer=PlainTokenizer(window_tokens=window_tokens),
        window_tokens=window_tokens,
    )


def open_telling(texts: dict[str, str]):
    """Replies chosen by the conversation."""
    return ScriptedSession(lambda request: texts[request.conversation])


def open_tiny_model(folder: str):
    """A tiny model, as `open_tiny` opens it in the tests' own process."""
    from npc_engine.model.local import LocalSession
    from tests.models_for_tests import load_tiny

    model, tokenizer = load_tiny(Path(folder))
    info = ModelInfo(
        Path(folder).name,
        tokenizer.family,
        tokenizer.window_tokens,
        "cpu",
        "float32",
        extra={"folder": folder},
    )
    return LocalSession(model, tokenizer, info, prefill_chunk_tokens=16, threads=1)


def open_counted(log: str, **options):
    """Scripted; every start leaves a line with its process id in a file."""
    with Path(log).open("a", encoding="utf-8") as lines:
        lines.write(f"{os.getpid()}\n")
    return open_scripted(**options)


class Dying(ScriptedSession):
    """Ends the whole process when a reply reaches a certain token."""

    def __init__(self, after_tokens: int, only_first: str = "", status: int = 5):
        super().__init__([WORDS])
        self._after_tokens = after_tokens
        self._marker = Path(only_first) if only_first else None
        self._status = status

    def stream(self, request):
        for number, event in enumerate(super().stream(request)):
            if number == self._after_tokens and self._dies():
                time.sleep(0.05)  # so that what was said before arrives
                print("the iron broke", file=sys.stderr, flush=True)
                os._exit(self._status)
            yield event

    def _dies(self):
        if self._marker is None:
            return True
        if self._marker.exists():
            return False
        self._marker.touch()
        return True


def open_dying(after_tokens: int, **options):
    return Dying(after_tokens, **options)


def open_noisy(**options):
    """Prints from Python and from below, before and while it answers."""
    print("loading shards: 100 %")
    os.write(1, b"NE\x00 a library prints whatever it likes\n")
    session = open_scripted(**options)
    threading.Thread(target=_chatter, daemon=True).start()
    return session


def _chatter():
    while True:
        print("\x1b[31mprogress\x1b[0m", flush=True)
        time.sleep(0.005)


def open_breaking(kind: str = "load"):
    """Does not open."""
    if kind == "load":
        raise LoadError("models/mira: found no weights; expected model.safetensors; fetch it")
    if kind == "value":
        raise ValueError("seven is not a colour")
    if kind == "exit":
        print("cuda driver gave up", file=sys.stderr, flush=True)
        os._exit(7)
    return object()


def open_slowly(on_progress, seconds: float = 60.0, log: str = ""):
    """Takes its time and says so."""
    if log:
        Path(log).write_text(str(os.getpid()), encoding="utf-8")
    on_progress("reading the weights", 0.25)
    time.sleep(seconds)
    return open_scripted()


def open_then_breaking(marker: str):
    """Opens once, and never again."""
    if Path(marker).exists():
        raise LoadError("the weights are gone")
    Path(marker).touch()
    return open_scripted()


class Stuck(ScriptedSession):
    """Writes a token and then nothing, alive all the while."""

    def stream(self, request):
        for event in super().stream(request):
            yield event
            if request.seed == 13:
                threading.Event().wait()


def open_stuck():
    return Stuck([WORDS])


class Raising(ScriptedSession):
    """Breaks the promise of a final event."""

    def stream(self, request):
        yield next(super().stream(request))
        raise ArithmeticError("anvil")


def open_raising():
    return Raising([WORDS])


class Deadlines(ScriptedSession):
    """Says the deadline it was given."""

    def __init__(self):
        super().__init__(lambda request: f"{request.deadline_s:.3f}")


def open_deadlines(seconds: float = 0.0):
    time.sleep(seconds)
    return Deadlines()


def open_priorities():
    """Says what was asked for last; see `reprioritise`."""
    session = open_scripted()
    told: list[str] = []
    session.reprioritise = lambda name, priority: told.append(priority)
    plain = session.stream

    def stream(request):
        if told:
            session._replies = lambda _: Reply(" ".join(told))
        return plain(replace(request))

    session.stream = stream
    return session


def open_scoring(deadly_id: int = -1, endless_id: int = -1, only_first: str = ""):
    """Scores an option of one token -1.0, any other -2.5; one of two ids ends it or never ends."""

    def score(request):
        ids = {token_id for option in request.continuations for token_id in option}
        if endless_id in ids:
            threading.Event().wait()
        marker = Path(only_first) if only_first else None
        if deadly_id in ids and not (marker and marker.exists()):
            if marker:
                marker.touch()
            os._exit(5)
        return [-1.0 if len(option) == 1 else -2.5 for option in request.continuations]

    return ScriptedSession([WORDS], scorer=score)
