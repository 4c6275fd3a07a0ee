"""The engine's own rules in a reply: so many words of them in a row are a quotation.

What it reminds of on every turn is one of them.
"""

from collections.abc import Iterable, Mapping
from functools import cache

from npc_engine.dialogue.spoken import words_of
from npc_engine.prompt.wording import REMIND_EVERY_TURN, RULES

RULE_WORDS = 8
"""As many words in a row as no character says by chance."""

ASIDE_WORDS = 5
"""Of what is no speech at all, such as a note to the character, five in a row are enough."""

NextWords = Mapping[tuple[str, ...], set[str]]


def next_words(texts: Iterable[str], count: int) -> NextWords:
    """What follows each run of words that is one shorter than `count`."""
    following: dict[tuple[str, ...], set[str]] = {}
    for text in texts:
        words = words_of(text)
        for start in range(len(words) - count + 1):
            run = words[start : start + count]
            following.setdefault(run[:-1], set()).add(run[-1])
    return following


@cache
def _of_the_rules() -> NextWords:
    return next_words((RULES, *REMIND_EVERY_TURN.split("{nickname}")), RULE_WORDS)


class RuleWatch:
    """Follows one reply."""

    def __init__(self, following: NextWords | None = None, count: int = RULE_WORDS) -> None:
        """Begin before the first word.

        Args:
            following: What may not be quoted, see `next_words`; None: the engine's rules.
            count: So many words in a row are a quotation.
        """
        self._next = _of_the_rules() if following is None else following
        self._kept = count - 1
        self._words: tuple[str, ...] = ()
        self._starts: tuple[int, ...] = ()

    def word(self, word: str, start: int) -> int | None:
        """Note a whole word; where the quotation began that it completes, or None."""
        nexts = self._next.get(self._words)
        begun = self._starts[0] if nexts is not None and word in nexts else None
        self._words = (*self._words, word)[-self._kept :]
        self._starts = (*self._starts, start)[-self._kept :]
        return begun

    def may_quote(self, partial: str) -> bool:
        """Whether the word that is being written may complete a quotation."""
        nexts = self._next.get(self._words)
        return bool(partial and nexts and any(word.startswith(partial) for word in nexts))
