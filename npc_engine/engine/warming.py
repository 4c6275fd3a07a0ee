"""Reading ahead: what the next prompt begins with goes into the model's cache in spare time."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from npc_engine.engine.work import WorkThread
from npc_engine.protocols import ModelSession, Tokenizer


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What to read ahead for one conversation."""

    conversation: str
    ids: Callable[[Tokenizer], Sequence[int]]
    """Works out the ids; called shortly before they are needed. None of them: nothing is read."""
    is_wanted: Callable[[], bool]
    """Asked before and after the ids are worked out; False once the next line is there."""


class Warmer:
    """Works off warm-ups on a thread of its own, so that no turn waits for one.

    Warm-ups wait for the model to be loaded; of several for one conversation only the latest is
    done.
    """

    def __init__(self, session: Callable[[], ModelSession | None]) -> None:
        """Start the thread.

        Args:
            session: Waits for the model; None means that nothing is to be warmed any more.
        """
        self._session = session
        self._lock = threading.Lock()
        self._waiting: dict[str, WarmUp] = {}
        self._thread = WorkThread("npc-engine-warm")

    def ask(self, warm_up: WarmUp) -> None:
        """Queue a warm-up; returns at once."""
        name = warm_up.conversation
        with self._lock:
            is_queued = name in self._waiting
            self._waiting[name] = warm_up
        if not is_queued:
            self._thread.submit(lambda: self._warm(name))

    def close(self, timeout_s: float) -> bool:
        """End the thread; False if it is still busy after the time."""
        with self._lock:
            self._waiting.clear()
        return self._thread.close(timeout_s)

    def _warm(self, conversation: str) -> None:
        session = self._session()
        with self._lock:
            warm_up = self._waiting.pop(conversation, None)
        if session is None or warm_up is None or not warm_up.is_wanted():
            return
        ids = warm_up.ids(session.tokenizer)
        if ids and warm_up.is_wanted():
            session.warm(conversation, ids)
