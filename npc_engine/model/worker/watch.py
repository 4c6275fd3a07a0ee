"""The thread that keeps a model worker alive: starts it, listens for its beats, starts it again.

Counts its own ticks, not seconds: a laptop that was asleep, or a game that was stopped in a
debugger, makes no worker look dead.
"""

import logging
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Literal

from npc_engine.errors import LoadError
from npc_engine.model.worker.messages import (
    Beat,
    Close,
    Events,
    LoadFailed,
    Message,
    Open,
    Progress,
    Ready,
)
from npc_engine.model.worker.patience import Patience
from npc_engine.model.worker.process import WorkerProcess
from npc_engine.model.worker.requests import Requests

logger = logging.getLogger(__name__)

COUNTERS = ("requests", "prompt_tokens", "prefilled_tokens", "reused_tokens", "reply_tokens")
"""What is added up over all workers; other figures are those of the present one."""

_LINES_IN_LOAD_ERROR = 20
_LINES_IN_ERROR = 3

State = Literal["opening", "restarting", "ready", "resting", "failed", "closed"]
"""`opening`: the first worker loads. `resting`: it died too often. `failed`: it never loaded."""


class Watch:
    """The worker of one session and the thread that looks after it."""

    def __init__(
        self, opening: Open, patience: Patience, *, command: Sequence[str] | None = None
    ) -> None:
        """Start the thread, which starts the worker."""
        self._opening = opening
        self._patience = patience
        self._command = command
        self.requests = Requests(
            time.monotonic,
            self._poke,
            max_requests=patience.max_requests,
            max_read_again=patience.max_read_again,
        )
        self.news: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()
        """What takes time while the model loads for the first time; None once that is over."""
        self.opened = threading.Event()
        """Set once the model is ready for the first time, or never will be."""
        self.ready: Ready | None = None
        """What the latest worker said of its model."""
        self.load_error = ""
        """Why there is no model."""
        self._state: State = "opening"
        self._worker: WorkerProcess | None = None
        self._said: Message | None = None
        self._progress: tuple[int, Mapping[str, float] | None] = (0, None)
        self._poked = threading.Event()
        self._closing = False
        self._rest_ticks = 0
        self._num_crashes = 0
        self._num_answered = 0
        self._num_restarts = 0
        self._counted: tuple[Mapping[str, float], Mapping[str, float]] = ({}, {})
        self._thread = threading.Thread(target=self._run, name="npc-worker-watch", daemon=True)
        self._thread.start()

    @property
    def state(self) -> State:
        """What is going on."""
        return self._state

    @property
    def pid(self) -> int | None:
        """Process id of the present worker; None where there is none."""
        worker = self._worker
        return None if worker is None else worker.pid

    def stats(self) -> dict[str, float]:
        """The last known counters, those of former workers included; never waits."""
        past, present = self._counted
        stats = dict(present)
        for name, value in past.items():
            stats[name] = stats.get(name, 0.0) + value
        stats["restarts"] = float(self._num_restarts)
        return stats

    def close(self) -> None:
        """End all requests and the worker. May be repeated, and come from any thread."""
        self.requests.close()
        self._closing = True
        self._poked.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def close_later(self) -> None:
        """The same, begun at the next tick, without a lock: for finalizers."""
        self._closing = True

    # -- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._start()
            while not self._closing:
                ticked = not self._poked.wait(self._patience.tick_s)
                self._poked.clear()
                if not self._closing:
                    self._look(ticked)
        except Exception:
            logger.exception("model worker: the watching thread broke")
            self._fail_opening("the watching thread broke; see the log")
            self.requests.refuse("model worker: the watching thread broke; open the model again")
        self._shut_down()

    def _look(self, ticked: bool) -> None:
        """One look at the worker; `ticked` is false when something called for it."""
        self.requests.settle()
        worker = self._worker
        if worker is None:
            self._rest(ticked)
        elif worker.has_ended.is_set():
            self._after_end(worker)
        elif ticked:
            self._listen(worker)

    def _listen(self, worker: WorkerProcess) -> None:
        """Count the ticks of silence and of standstill."""
        patience = self._patience
        worker.silent_ticks += 1
        worker.stuck_ticks += 1
        limit_s = patience.silence_s if self._state == "ready" else patience.loading_silence_s
        if worker.silent_ticks > patience.ticks(limit_s):
            worker.kill(f"gave no sign of life for {limit_s:g} s and was ended")
        elif worker.stuck_ticks > patience.ticks(patience.stuck_s) and self._state == "ready":
            worker.kill(f"made no progress for {patience.stuck_s:g} s and was ended")

    def _start(self) -> None:
        """Start a worker; one that cannot be started counts as one that died."""
        self._said = None
        try:
            self._worker = WorkerProcess(
                self._opening, self._hear, self._on_end, command=self._command
            )
        except LoadError as error:
            self._count_crash(str(error))
        except (TypeError, ValueError) as error:
            self._fail_opening(f"model worker: the options cannot be sent: {error}")

    def _after_end(self, worker: WorkerProcess) -> None:
        self._worker = None
        if isinstance(self._said, LoadFailed):
            self._count_crash(self._said.error)
            return
        logger.warning("model worker %d %s", worker.pid, worker.ending)
        when = "while it loaded the model" if self._state != "ready" else "while it was in use"
        lines = worker.last_lines(_LINES_IN_LOAD_ERROR)
        heard = "\n".join(("; it wrote last:", *lines)) if lines else ""
        self._count_crash(f"model worker: {worker.ending} {when}{heard}")

    def _count_crash(self, problem: str) -> None:
        """Start another worker, or rest, or, if the model never loaded, give up for good."""
        if self._state == "opening":
            self._fail_opening(problem)
            return
        answered = self.requests.num_answered
        self._num_crashes = 1 if answered > self._num_answered else self._num_crashes + 1
        self._num_answered = answered
        if self._num_crashes < self._patience.max_crashes:
            self._state = "restarting"
            self._num_restarts += 1
            self._start()
            return
        self._state = "resting"
        self._rest_ticks = self._patience.ticks(self._patience.rest_s)
        self.requests.refuse(
            f"model worker: ended {self._num_crashes} times without answering, last: {problem}; "
            f"it is tried again after {self._patience.rest_s:g} s; use a smaller model or free "
            "memory if this goes on"
        )

    def _rest(self, ticked: bool) -> None:
        """Wait out the rest, then for a request."""
        if self._state != "resting":
            return
        self._rest_ticks -= ticked
        if self._rest_ticks > 0:
            return
        self.requests.accept()
        if self.requests.num_waiting:
            self._state = "restarting"
            self._num_restarts += 1
            self._start()

    def _fail_opening(self, problem: str) -> None:
        """There will never be a model."""
        if self.opened.is_set():
            return
        self._state = "failed"
        self.load_error = problem
        self.requests.refuse(problem)
        self.opened.set()
        self.news.put(None)

    def _shut_down(self) -> None:
        """End what still lives, ask the worker to end, then make it."""
        self.requests.close()
        worker = self._worker
        if worker is not None:
            worker.send(Close())
            if not worker.wait(self._patience.close_s):
                worker.kill("did not close in time and was ended")
                worker.wait(self._patience.close_s)
        self._fail_opening("model worker: closed before the model was ready")
        self._state = "closed"

    # -- on the reading thread of the worker ---------------------------------------------------

    def _hear(self, worker: WorkerProcess, message: Message) -> None:
        match message:
            case Events():
                worker.stuck_ticks = 0
                self._count(message.stats)
                self.requests.deliver(worker, message)
            case Beat():
                self._hear_beat(worker, message)
            case Progress():
                if not self.opened.is_set():
                    self.news.put(message)
            case Ready():
                self._hear_ready(worker, message)
            case LoadFailed():
                self._said = message
            case _:
                worker.kill(f"sent a {type(message).__name__}, which is not for the game")

    def _hear_beat(self, worker: WorkerProcess, beat: Beat) -> None:
        """Progress is any change of what the worker counts, and having nothing to do."""
        progress = (beat.num_events, beat.stats)
        if not beat.live_requests or progress != self._progress:
            worker.stuck_ticks = 0
        self._progress = progress
        self._count(beat.stats)

    def _count(self, stats: Mapping[str, float] | None) -> None:
        """Keep what the present worker counts beside what its forerunners did."""
        if stats is not None:
            self._counted = (self._counted[0], stats)

    def _hear_ready(self, worker: WorkerProcess, ready: Ready) -> None:
        self._state = "ready"
        self.requests.attach(worker, worker.send)
        self.ready = ready
        if not self.opened.is_set():
            self.opened.set()
            self.news.put(None)

    def _on_end(self, worker: WorkerProcess) -> None:
        """The worker is gone: free its requests at once; the rest is done by the thread."""
        lines = worker.last_lines(_LINES_IN_ERROR)
        heard = f" ({' | '.join(lines)})" if lines else ""
        self.requests.detach(
            worker,
            f"model worker: {worker.ending}{heard}; the reply is lost; a new worker is started, "
            "ask again",
        )
        past, present = self._counted
        self._counted = (
            {name: past.get(name, 0.0) + present.get(name, 0.0) for name in COUNTERS},
            {},
        )
        self._poked.set()

    def _poke(self) -> None:
        """Let the thread look at once."""
        self._poked.set()
