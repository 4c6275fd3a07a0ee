"""Lets actors take what they share in a recorded order, until they do something else."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from npc_engine.errors import NpcEngineError

PATIENCE_S = 20.0
"""So long nobody may come before the order counts as broken; work between two takings is short."""

DID_LESS = "it did less than was recorded"


class ReplayOver(NpcEngineError):
    """What is asked for was never done in the recorded run, because that had ended by then."""


class ReplayOrder:
    """The recorded order, and how far it was followed. Safe from any thread."""

    def __init__(
        self,
        order: Sequence[tuple[str, int]],
        on_broken: Callable[[str, str], None],
        *,
        is_torn: bool = False,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Nobody came yet.

        Args:
            order: Who took something, and how often in a row.
            on_broken: Told once, who left it and how, when it cannot be followed any more.
            is_torn: Its end is missing: who has done all that was recorded waits for the others.
            patience_s: See `PATIENCE_S`.
        """
        self._order = [actor for actor, count in order if count > 0]
        self._counts = [count for _, count in order if count > 0]
        self._place = 0
        self._left = Counter[str]()
        for actor, count in order:
            self._left[actor] += count
        self._on_broken = on_broken
        self._is_torn = is_torn
        self._patience_s = patience_s
        self._condition = threading.Condition()
        self._is_free = False
        self._came_at = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether all was done that is to be done in order, or the order is given up."""
        with self._condition:
            return self._is_free or self._place >= len(self._order)

    @property
    def is_given_up(self) -> bool:
        """Whether everybody goes as they like."""
        return self._is_free

    def take(self, actor: str, acquire: Callable[[], object]) -> None:
        """Wait until it is an actor's turn, call `acquire` and let the next one come."""
        with self._condition:
            self._wait_for(actor)
        acquire()
        with self._condition:
            if self._is_free or self._place >= len(self._order):
                return
            self._left[actor] -= 1
            self._came_at = time.monotonic()
            self._counts[self._place] -= 1
            if not self._counts[self._place]:
                self._place += 1
                self._condition.notify_all()

    def has_left(self, actor: str) -> bool:
        """Whether an actor is still to come."""
        return not self._is_free and self._left[actor] > 0

    def is_done_with(self, actor: str) -> bool:
        """Whether an actor did all that was recorded, and the order still holds."""
        return not self._is_free and self._left[actor] <= 0

    def give_up(self, actor: str = "", why: str = "") -> None:
        """Let everybody go from now on; with words, because an actor left the order."""
        with self._condition:
            if self._is_free:
                return
            self._is_free = True
            self._condition.notify_all()
        if why:
            self._on_broken(actor, why)

    def wait_until_over(self) -> None:
        """Wait until all was done."""
        with self._condition:
            while not self._is_free and self._place < len(self._order):
                if self._is_stuck():
                    break
                self._condition.wait(0.2)
            else:
                return
            waits_for = self._order[self._place]
        self.give_up(waits_for, DID_LESS)

    def _wait_for(self, actor: str) -> None:
        """Wait for an actor's turn; needs the lock, and gives it up meanwhile."""
        while not self._is_free and self._place < len(self._order):
            if self._order[self._place] == actor:
                return
            if self._left[actor] <= 0 and not self._is_torn:
                self._break(actor, "it did more than was recorded")
            elif self._is_stuck():
                self._break(self._order[self._place], DID_LESS)
            else:
                self._condition.wait(0.2)

    def _is_stuck(self) -> bool:
        return time.monotonic() - self._came_at > self._patience_s

    def _break(self, actor: str, why: str) -> None:
        self._is_free = True
        self._condition.notify_all()
        self._on_broken(actor, why)
