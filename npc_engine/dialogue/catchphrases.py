"""A reply that is nothing but the character's catchphrases, where the player asked for something.

Small models fall back on them: asked how many plants there are, a doctor says "Doctor's orders.".
"""

import re
from collections.abc import Iterable

from npc_engine.dialogue.spoken import words_of
from npc_engine.memory.words import is_question, sentences

_WANTS_WORDS = re.compile(r"\b(?:what|which|who|whom|whose|where|when|why|how)\b", re.IGNORECASE)


def wants_words(line: str) -> bool:
    """Whether a line asks for more than yes or no. English."""
    return any(is_question(part) and _WANTS_WORDS.search(part) for part in sentences(line))


class CatchphraseWatch:
    """Follows one reply, word by word."""

    def __init__(self, phrases: Iterable[tuple[str, ...]] = ()) -> None:
        """Begin a reply.

        Args:
            phrases: The words of each catchphrase; none: nothing is found.
        """
        self._phrases = tuple(filter(None, phrases))
        self._open: set[tuple[int, int]] = set()
        self._may_begin = bool(self._phrases)
        self._has_words = False

    @property
    def is_only(self) -> bool:
        """Whether all that was said is whole catchphrases."""
        return self._may_begin and self._has_words

    def word(self, word: str) -> None:
        """Note a whole word."""
        self._has_words = True
        following = {
            (number, at + 1) for number, at in self._next() if self._phrases[number][at] == word
        }
        self._open = {(number, at) for number, at in following if at < len(self._phrases[number])}
        self._may_begin = len(self._open) < len(following)

    def may_be_only(self, partial: str) -> bool:
        """Whether the reply may still turn out to be nothing else.

        Args:
            partial: The word that is being written; may be empty.
        """
        if not (self._has_words or partial):
            return False
        if not partial:
            return bool(self._open) or self._may_begin
        return any(self._phrases[number][at].startswith(partial) for number, at in self._next())

    def _next(self) -> Iterable[tuple[int, int]]:
        begun = ((number, 0) for number in range(len(self._phrases)) if self._may_begin)
        return (*self._open, *begun)


def catchphrases(says: Iterable[str], line: str) -> tuple[tuple[str, ...], ...]:
    """What is no answer by itself to a line: catchphrases, where it asks for something."""
    return tuple(map(words_of, says)) if wants_words(line) else ()
