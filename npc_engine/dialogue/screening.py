"""Holds a reply back until each of its sentences has passed a content policy."""

from collections.abc import Callable
from dataclasses import dataclass

from npc_engine.sentences import sentence_ends

Screen = Callable[[str], str]
"""Why a sentence may not be heard; empty if it may."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """A sentence that may not be heard."""

    start: int
    end: int
    why: str


class Screening:
    """Screens one reply as it grows."""

    def __init__(self, screen: Screen) -> None:
        """Nothing was asked yet."""
        self._screen = screen
        self._passed_to = 0

    def take(self, words: str, *, complete: bool) -> tuple[int, Blocked | None]:
        """Up to where the reply may be heard, and what is behind that, if it may not.

        Args:
            words: The reply so far; always begins with what it was before.
            complete: Whether nothing more comes.
        """
        start = self._passed_to
        ends = [start + end for end in sentence_ends(words[start:])]
        ends = [end for end in ends if end < len(words)]
        if complete:
            ends.append(len(words))
        for end in ends:
            sentence = words[start:end].strip()
            why = self._screen(sentence) if sentence else ""
            if why:
                return self._passed_to, Blocked(start, end, why)
            start = self._passed_to = end
        return self._passed_to, None
