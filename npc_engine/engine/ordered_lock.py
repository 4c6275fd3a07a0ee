"""A lock that tells in which order it was taken, or is taken in an order that was told before."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Protocol


class Order(Protocol):
    """Who takes part in the order, and what it does when a lock is to be taken."""

    @property
    def actor(self) -> str:
        """Who acts on this thread; empty for who takes no part."""
        ...

    def take(self, acquire: Callable[[], object]) -> None:
        """Call `acquire` and note it, or wait until it is this actor's turn and then call it."""
        ...


class OrderedLock:
    """A reentrant lock; only the outermost taking of it counts."""

    def __init__(self, order: Order) -> None:
        """Nobody holds it."""
        self._order = order
        self._lock = threading.RLock()
        self._holder = 0
        self._depth = 0

    def __enter__(self) -> None:
        """Take it."""
        if self._holder == threading.get_ident() or not self._order.actor:
            self._lock.acquire()
        else:
            self._order.take(self._lock.acquire)
        self._holder = threading.get_ident()
        self._depth += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give it back."""
        self._depth -= 1
        if not self._depth:
            self._holder = 0
        self._lock.release()
