"""Plays in turn, step by step, or several at once, each on a thread of its own."""

import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from typing import Protocol


class Play(Protocol):
    """Something that takes one step after the other."""

    def steps(self) -> Generator[None]:
        """Take them, one for each time this is asked to go on."""
        ...

    def stop(self) -> None:
        """End the step under way as soon as may be; called from another thread."""
        ...


def in_turn(plays: Sequence[Play]) -> None:
    """A step of each, then the next of each: what is compared is done side by side."""
    with ExitStack() as stack:
        going = [stack.enter_context(closing(play.steps())) for play in plays]
        while going:
            going = [each for each in going if next(each, _OVER) is None]


def all_at_once(plays: Sequence[Play], num_threads: int) -> None:
    """Up to so many plays at once, begun in their order.

    The first that fails, or an interrupt, ends all others, and is raised when they have ended.
    """
    stopping = threading.Event()
    pool = ThreadPoolExecutor(num_threads, thread_name_prefix="character-exam")
    futures: list[Future[None]] = [pool.submit(_through, play, stopping.is_set) for play in plays]
    try:
        while wait(futures, timeout=_LOOK_S, return_when=FIRST_EXCEPTION).not_done:
            if any(future.done() and future.exception() for future in futures):
                break
    finally:
        stopping.set()
        for future in futures:
            future.cancel()
        while not all(future.done() for future in futures):
            for play in plays:  # more than once: one may just have been about to ask
                play.stop()
            wait(futures, timeout=_LOOK_S)
        pool.shutdown(wait=True)
    for future in futures:
        if not future.cancelled():
            future.result()


_LOOK_S = 0.2
"""How long an interrupt may have to wait."""
_OVER = object()


def _through(play: Play, must_stop: Callable[[], bool]) -> None:
    if must_stop():
        return
    with closing(play.steps()) as steps:
        for _ in steps:
            if must_stop():
                return
