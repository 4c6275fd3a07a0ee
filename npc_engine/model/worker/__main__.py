"""The child process that holds the model: `python -m npc_engine.model.worker`.

Started by `WorkerSession`, never by hand. Frames come in on standard input and leave on what was
standard output; prints of libraries go to standard error. Ends as soon as its input ends, which is
also how it learns that the game is gone.
"""

import contextlib
import faulthandler
import importlib
import inspect
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from npc_engine.errors import LoadError
from npc_engine.model.plain_tokenizer import PlainTokenizer
from npc_engine.model.tokenizer import ChatTokenizer
from npc_engine.model.worker.carrying import carry, carry_score
from npc_engine.model.worker.frames import FrameDecoder, FrameError
from npc_engine.model.worker.messages import (
    Cancel,
    Close,
    Forget,
    Fork,
    LoadFailed,
    Message,
    Open,
    Progress,
    Ready,
    Reprioritise,
    Submit,
    TokenizerSource,
    Warm,
    from_frame,
)
from npc_engine.model.worker.outbox import BEAT_S, Outbox, write_all
from npc_engine.protocols import ModelSession, ScoringSession

READ_BYTES = 1 << 16
NICENESS = 10
"""On a core that both want, the game gets nine parts of ten; a core that nobody wants is all ours.

On Linux it holds for the thread that computes and those it starts. The threads of the pipes keep
the game's priority, so that signs of life are in time.
"""

_EXIT_FRAMES = 3
"""Exit status after bytes that are no frames."""


class Worker:
    """The session of this process and the messages about it."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        """Begin to listen; nothing is loaded before `run`."""
        self._read_fd = read_fd
        self._outbox = Outbox(lambda data: _write_or_leave(write_fd, data))
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._is_loaded = False
        threading.Thread(target=self._listen, name="npc-worker-read", daemon=True).start()
        if sys.platform != "win32":
            threading.Thread(target=_watch_parent, name="npc-worker-watch", daemon=True).start()

    def run(self) -> int:
        """Load the model and serve it until the game closes it; the exit status."""
        first = self._inbox.get()
        if not isinstance(first, Open):
            raise FrameError(f"model worker: found {type(first).__name__}; expected Open first")
        if first.lower_priority and hasattr(os, "nice"):
            os.nice(NICENESS)
        try:
            session = _open(first, lambda step, share: self._outbox.send(Progress(step, share)))
            can_score = isinstance(session, ScoringSession) and session.can_score
            ready = Ready(session.info, _tokenizer_source(session), can_score)
        except LoadError as error:
            return self._give_up(str(error))
        except Exception as error:  # noqa: BLE001 - whatever the opener raises is told to the game
            traceback.print_exc()
            return self._give_up(f"the model could not be loaded: {type(error).__name__}: {error}")
        self._is_loaded = True
        self._outbox.count_with(session.stats)
        self._outbox.send(ready)
        while not isinstance(message := self._inbox.get(), Close):
            self._obey(session, message)
        session.close()
        self._outbox.finish()
        return 0

    def _give_up(self, error: str) -> int:
        self._outbox.send(LoadFailed(error))
        self._outbox.finish()
        return 0

    def _listen(self) -> None:
        """Hand on what the game says; end the process when it says nothing more."""
        decoder = FrameDecoder()
        try:
            while data := os.read(self._read_fd, READ_BYTES):
                for frame in decoder.feed(data):
                    message = from_frame(frame)
                    if isinstance(message, Close) and not self._is_loaded:
                        _leave(0)
                    self._inbox.put(message)
        except FrameError as error:
            _complain(str(error))
            _leave(_EXIT_FRAMES)
        except OSError as error:
            _complain(f"model worker: the pipe cannot be read: {error}")
        _leave(0)

    def _obey(self, session: ModelSession, message: Message) -> None:
        match message:
            case Submit():
                self._outbox.begin(message.number)
                put = partial(self._outbox.put, message.number)
                if message.continuations:
                    carry_score(session, message.request, message.continuations, put)
                else:
                    carry(session, message.request, put)
            case Cancel():
                session.cancel(message.name, heard_tokens=message.heard_tokens)
            case Reprioritise():
                session.reprioritise(message.name, message.priority)
            case Warm():
                session.warm(message.conversation, message.prompt_ids)
            case Fork():
                session.fork(message.source, message.target)
            case Forget():
                session.forget(message.conversation)
            case _:
                raise FrameError(f"model worker: {type(message).__name__} is not for the worker")


def main() -> NoReturn:
    """Serve one game, then end without waiting for any thread."""
    faulthandler.enable()
    # Ctrl+C reaches the whole terminal; the game decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    read_fd, write_fd = _take_pipes()
    try:
        status = Worker(read_fd, write_fd).run()
    except BaseException:  # noqa: BLE001 - the last line of this process
        traceback.print_exc()
        status = 1
    _leave(status)


def _open(message: Open, on_progress: Callable[[str, float | None], None]) -> ModelSession:
    """Call the opener by its name.

    Raises:
        LoadError: There is no such function, or the model cannot be loaded.
    """
    module_name, _, name = message.opener.partition(":")
    try:
        opener: Any = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise LoadError(
            f"model worker: found the opener {message.opener!r}; expected module:function that can "
            f"be imported: {error}"
        ) from error
    if "on_progress" in inspect.signature(opener).parameters:
        return opener(**message.options, on_progress=on_progress)  # type: ignore[no-any-return]
    return opener(**message.options)  # type: ignore[no-any-return]


def _tokenizer_source(session: ModelSession) -> TokenizerSource:
    """What the game needs to build the same tokenizer."""
    tokenizer = session.tokenizer
    folder = session.info.extra.get("folder", "")
    if isinstance(tokenizer, ChatTokenizer) and folder:
        return TokenizerSource(folder, tokenizer.window_tokens)
    if isinstance(tokenizer, PlainTokenizer):
        return TokenizerSource("", tokenizer.window_tokens, tokenizer.takes_contexts)
    raise LoadError(
        f"model worker: found a {type(tokenizer).__name__} without a folder; expected a model with "
        "its folder in info.extra, or a PlainTokenizer; open this session in the game's own process"
    )


def _take_pipes() -> tuple[int, int]:
    """Take the pipes away from `print` and `input`; what is printed goes to standard error."""
    read_fd, write_fd = os.dup(0), os.dup(1)
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(read_fd, os.O_BINARY)
        msvcrt.setmode(write_fd, os.O_BINARY)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout.flush()
    os.dup2(2, 1)
    return read_fd, write_fd


def _write_or_leave(fd: int, data: bytes) -> None:
    """Send to the game; where there is none, there is nothing left to do."""
    try:
        write_all(fd, data)
    except OSError:
        _leave(0)


def _watch_parent() -> None:
    """End when the parent is another one: a process that the game forked may hold the pipe open."""
    parent = os.getppid()
    pause = threading.Event()
    while not pause.wait(BEAT_S):
        if os.getppid() != parent:
            _leave(0)


def _complain(text: str) -> None:
    """Say it to whoever still reads standard error."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr)


def _leave(status: int) -> NoReturn:
    """End now, in the middle of whatever other threads do."""
    os._exit(status)


if __name__ == "__main__":
    main()
