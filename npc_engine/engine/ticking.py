"""Who delivers events now: one thread at a time, and no handler from inside a delivery."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from npc_engine.errors import CommandError


class Ticking:
    """Lets one thread deliver. Safe from any thread."""

    def __init__(self) -> None:
        """Nobody delivers."""
        self._lock = threading.Lock()
        self._thread: int | None = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Deliver on this thread until the block is left.

        Raises:
            CommandError: A delivery is under way, on another thread or around this very call.
        """
        if not self._begin():
            raise CommandError(
                "tick: found a tick under way on another thread; "
                "events belong to one thread: tick only there"
            )
        try:
            yield
        finally:
            self._thread = None

    @contextmanager
    def if_free(self) -> Iterator[bool]:
        """As `alone`, but False where another thread delivers: then leave it to that one."""
        is_mine = self._begin()
        try:
            yield is_mine
        finally:
            if is_mine:
                self._thread = None

    def _begin(self) -> bool:
        me = threading.get_ident()
        with self._lock:
            if self._thread == me:
                raise CommandError(
                    "tick: found a call from a handler of an event; a handler may say, cancel, set "
                    "or close, but not tick, ask or wait: do that after the tick"
                )
            if self._thread is not None:
                return False
            self._thread = me
            return True
