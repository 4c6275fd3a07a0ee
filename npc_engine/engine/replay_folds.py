"""Folds in a replay: each on a thread of its own, as their order is kept by what they share."""

import threading
from contextlib import suppress

from npc_engine.dialogue.handle import TurnHandle
from npc_engine.engine.fold_work import FoldWork, Prepare
from npc_engine.engine.replay_order import ReplayOver


class ReplayedFolds(FoldWork):
    """Works off folds; when they were broken off is known from the recording."""

    def __init__(self, name: str) -> None:
        """Nothing is done yet."""
        self._name = name
        self._threads: list[threading.Thread] = []
        self._is_closing = False

    def submit(self, prepare: Prepare) -> None:
        """Begin a fold at once."""
        thread = threading.Thread(target=self._fold, args=(prepare,), name=self._name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def hold(self, line_id: int) -> None:
        """Nobody waits for a model."""

    def release(self, line_id: int) -> None:
        """Nobody waits for a model."""

    def stop(self) -> None:
        """Begin nothing more."""
        self._is_closing = True

    def close(self, timeout_s: float) -> bool:
        """Wait for the folds; False if one is still busy after the time."""
        self.stop()
        for thread in self._threads:
            thread.join(timeout_s)
        return not any(thread.is_alive() for thread in self._threads)

    def _fold(self, prepare: Prepare) -> None:
        with suppress(ReplayOver):
            while not self._is_closing and not prepare(TurnHandle()):
                pass
