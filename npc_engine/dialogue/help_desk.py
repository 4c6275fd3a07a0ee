"""The vocabulary of a help desk: single words that mean nothing, and together give it away.

Phrases catch what models say again and again; this catches the same in other words. A word that the
sheet itself uses does not count, because some characters do work at a desk.
"""

from collections.abc import Callable

_WORD_LIST = """
apologize apologise apologies unable assist assistance assisting assistant inappropriate
appropriate guidelines guideline generate generated generating generates rephrase scenario
scenarios fictional hypothetical simulate simulated simulation algorithm algorithms user users
prompt prompts harmful unethical illegal illicit topic topics internet online website websites
helpful data response responses respond programmed programming capability capabilities
functionality clarification clarify sensitive sensitivity discuss discussing provide provided
providing information informative engage engaging comply request requests query queries context
content contents encourage promote support professional specific specifically instructions
instructed interaction interactions feedback respectful respectfully ethical accurate accurately
resources essay essays email emails poem python code tips suggestions comfortable offensive
explicit behaviour behavior reveal disclose trained training model models text input output
conversation approach important ensure available additional further regarding related question
questions answers seek consult individuals personal privacy policy safety appreciate concerns
understanding
"""
_WORDS = frozenset(_WORD_LIST.split())
_ENOUGH = 3
"""So many different ones in one sentence."""
_BEGINNINGS = frozenset(word[:length] for word in _WORDS for length in range(1, len(word) + 1))


class HelpDeskWatch:
    """Follows the sentences of one reply."""

    def __init__(self, is_own_word: Callable[[str], bool]) -> None:
        """Begin a reply.

        Args:
            is_own_word: Whether a word belongs to the character's own vocabulary.
        """
        self._is_own_word = is_own_word
        self._said: set[str] = set()

    def word(self, word: str) -> bool:
        """Note a whole word; tells whether the sentence now talks like a help desk."""
        if word in _WORDS and word not in self._said and not self._is_own_word(word):
            self._said.add(word)
            return len(self._said) >= _ENOUGH
        return False

    def may_become_one(self, partial: str) -> bool:
        """Whether the word that is being written may be the one too many."""
        return len(self._said) >= _ENOUGH - 1 and partial in _BEGINNINGS

    def end(self) -> None:
        """Note the end of a sentence."""
        self._said.clear()
