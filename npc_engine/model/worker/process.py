"""One model worker as the game sees it: its start, its pipes, its threads and its end.

Threads and blocking reads only, so that it is the same on every system. Knows no requests.
"""

import contextlib
import itertools
import logging
import os
import queue
import signal
import subprocess
import sys
import sysconfig
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from npc_engine.errors import LoadError
from npc_engine.model.worker.frames import FrameDecoder, FrameError, encode
from npc_engine.model.worker.messages import Message, Open, from_frame, to_frame

logger = logging.getLogger(__name__)

MAX_KEPT_LINES = 50
MAX_LINE_CHARS = 500
PYTHON_VARIABLE = "NPC_ENGINE_PYTHON"
"""Names the Python for the worker where the game's own executable is none."""

_READ_BYTES = 1 << 16
_END_S = 5.0
"""Longest wait for a process that was killed, and for its last words."""
_numbers = itertools.count(1)


class WorkerProcess:
    """A child that was started, until it has ended. `send` and `kill` may come from any thread."""

    def __init__(
        self,
        opening: Open,
        on_message: Callable[["WorkerProcess", Message], None],
        on_end: Callable[["WorkerProcess"], None],
        *,
        command: Sequence[str] | None = None,
    ) -> None:
        """Start the child and its threads.

        Args:
            opening: What it is told first.
            on_message: Called on the reading thread, in the order of arrival.
            on_end: Called on the reading thread, once, after the last message.
            command: What to start instead of this Python's `-m npc_engine.model.worker`.

        Raises:
            LoadError: It cannot be started.
        """
        self._on_message = on_message
        self._on_end = on_end
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._lines: deque[str] = deque(maxlen=MAX_KEPT_LINES)
        self._why_killed = ""
        self.silent_ticks = 0
        """Ticks of the watcher without a byte from the child; any byte sets it back."""
        self.stuck_ticks = 0
        """Ticks without progress in its requests; whoever sees progress sets it back."""
        self.has_ended = threading.Event()
        """Set once `on_end` has returned."""
        first = encode(to_frame(opening))
        try:
            self._process = subprocess.Popen(
                tuple(command or worker_command()),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=_environment(),
                creationflags=_creation_flags(opening.lower_priority),
            )
        except OSError as error:
            raise LoadError(f"model worker: cannot be started: {error}") from error
        self._outgoing.put(first)
        number = next(_numbers)
        self._errors_thread = self._start(self._read_errors, f"npc-worker-{number}-errors")
        self._start(self._write, f"npc-worker-{number}-write")
        self._start(self._read, f"npc-worker-{number}-read")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def send(self, message: Message) -> None:
        """Send a message soon; never blocks, and does nothing once the child is gone.

        Raises:
            FrameError: It is too large, or an id does not fit.
            TypeError: It holds something that JSON does not know.
        """
        self._outgoing.put(encode(to_frame(message)))

    def kill(self, why: str) -> None:
        """End it by force; `why` then stands in `ending`. Nothing happens if it ended already."""
        if self._process.poll() is None:
            self._why_killed = self._why_killed or why
            with contextlib.suppress(OSError):
                self._process.kill()

    def wait(self, timeout_s: float) -> bool:
        """Wait until it has ended and everything it sent was handed on; False when it has not."""
        return self.has_ended.wait(timeout_s)

    @property
    def ending(self) -> str:
        """How it ended, such as `ended by signal 11 (SIGSEGV)`."""
        return self._why_killed or describe_exit(self._process.poll())

    def last_lines(self, most: int) -> tuple[str, ...]:
        """The end of what it wrote to standard error, without control characters."""
        return tuple(self._lines)[-most:]

    def _start(self, work: Callable[[], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        return thread

    def _read(self) -> None:
        """Hand on messages until the pipe ends, then see the process off."""
        pipe = self._process.stdout
        assert pipe is not None
        decoder = FrameDecoder()
        try:
            while data := pipe.read(_READ_BYTES):
                self.silent_ticks = 0
                for frame in decoder.feed(data):
                    self._on_message(self, from_frame(frame))
        except FrameError as error:
            self.kill(f"sent something that is no message: {error}")
        except Exception:
            logger.exception("model worker %d: the reading thread broke", self.pid)
            self.kill("could not be listened to")
        pipe.close()
        self._see_off()
        self._on_end(self)
        self.has_ended.set()

    def _see_off(self) -> None:
        """Collect the process, which has closed its pipe, and its last words."""
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.kill("closed its pipe")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_S)
        self._outgoing.put(None)
        self._errors_thread.join(_END_S)

    def _read_errors(self) -> None:
        """Keep the last lines of standard error."""
        pipe = self._process.stderr
        assert pipe is not None
        rest = b""
        with contextlib.suppress(OSError):
            while data := pipe.read(_READ_BYTES):
                *lines, rest = (rest + data).split(b"\n")
                rest = rest[-MAX_LINE_CHARS:]
                for line in lines:
                    self._keep(line)
        self._keep(rest)
        pipe.close()

    def _keep(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace")
        text = "".join(char for char in text if char.isprintable())[:MAX_LINE_CHARS].rstrip()
        if text:
            self._lines.append(text)
            logger.debug("model worker %d: %s", self.pid, text)

    def _write(self) -> None:
        """Send what is asked for until the child is gone."""
        pipe = self._process.stdin
        assert pipe is not None
        while (data := self._outgoing.get()) is not None:
            try:
                view = memoryview(data)
                while view:
                    view = view[pipe.write(view) or 0 :]
            except OSError as error:
                logger.debug("model worker %d: %s", self.pid, error)
                break
        with contextlib.suppress(OSError):
            pipe.close()


def worker_command() -> tuple[str, ...]:
    """What starts a worker.

    Raises:
        LoadError: This process is not a Python interpreter that could be started again.
    """
    python = os.environ.get(PYTHON_VARIABLE, "")
    if not python:
        python = sys.executable or ""
        is_python = Path(python).stem.lower().startswith(("python", "pypy"))
        if getattr(sys, "frozen", False) or not is_python:
            raise LoadError(
                f"model worker: found the executable {python!r}; expected a Python interpreter; "
                f'name one in {PYTHON_VARIABLE}, or open the model with process="local"'
            )
    # -P: a file in the game's folder must not stand in for a module of the same name.
    return (python, "-P", "-m", "npc_engine.model.worker")


def describe_exit(status: int | None) -> str:
    """An exit status in words."""
    if status is None:
        return "does not end"
    if status >= 0:
        return f"ended with status {status}"
    if status == -9:
        return "was killed (signal 9); perhaps there was too little memory"
    names = {number.value: number.name for number in signal.Signals}
    return f"ended by signal {-status} ({names.get(-status, 'unknown')})"


def _environment() -> dict[str, str]:
    """The game's environment, in which the worker finds this very package."""
    environment = dict(os.environ)
    environment["PYTHONUNBUFFERED"] = "1"  # its last words must not stay in a buffer
    home = str(Path(__file__).parents[2])
    if home not in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        known = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join((home, known) if known else (home,))
    return environment


def _creation_flags(lower_priority: bool) -> int:
    """No console window, and below the game, on Windows; the worker lowers itself elsewhere."""
    if sys.platform != "win32":
        return 0
    flags = subprocess.CREATE_NO_WINDOW
    return flags | subprocess.BELOW_NORMAL_PRIORITY_CLASS if lower_priority else flags
