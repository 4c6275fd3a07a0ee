"""The engine's own rules in a reply: so many words of them in a row are a quotation.

What it reminds of on every turn is one of them.
"""

from functools import cache

from npc_engine.dialogue.spoken import words_of
from npc_engine.prompt.wording import REMIND_EVERY_TURN, RULES

RULE_WORDS = 8
"""As many words in a row as no character says by chance."""


@cache
def _next_words() -> dict[tuple[str, ...], set[str]]:
    """What follows each seven words of the rules."""
    following: dict[tuple[str, ...], set[str]] = {}
    for text in (RULES, *REMIND_EVERY_TURN.split("{nickname}")):
        words = words_of(text)
        for start in range(len(words) - RULE_WORDS + 1):
            run = words[start : start + RULE_WORDS]
            following.setdefault(run[:-1], set()).add(run[-1])
    return following


class RuleWatch:
    """Follows one reply."""

    def __init__(self) -> None:
        """Begin before the first word."""
        self._words: tuple[str, ...] = ()
        self._starts: tuple[int, ...] = ()

    def word(self, word: str, start: int) -> int | None:
        """Note a whole word; where the quotation began that it completes, or None."""
        nexts = _next_words().get(self._words)
        begun = self._starts[0] if nexts is not None and word in nexts else None
        self._words = (*self._words, word)[1 - RULE_WORDS :]
        self._starts = (*self._starts, start)[1 - RULE_WORDS :]
        return begun

    def may_quote(self, partial: str) -> bool:
        """Whether the word that is being written may complete a quotation."""
        nexts = _next_words().get(self._words)
        return bool(partial and nexts and any(word.startswith(partial) for word in nexts))
