"""Whether a capital letter inside a sentence means a name in the language of some texts."""

import re
from functools import lru_cache

from npc_engine.sentences import split_sentences

_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_ENOUGH_WORDS = 15
"""Fewer words inside sentences tell nothing."""
_MOST_NAMES = 0.15
"""A larger share of capitals is no share of names: German has .3, the shipped sheets .03 to .06."""


@lru_cache(maxsize=64)
def capitals_mean_names(texts: tuple[str, ...]) -> bool:
    """Whether words with a capital inside a sentence are names; yes where there are few words.

    Args:
        texts: What authors wrote in the language in question.
    """
    inside = [
        word
        for text in texts
        for sentence in split_sentences(text)
        for word in _WORD.findall(sentence)[1:]
    ]
    if len(inside) < _ENOUGH_WORDS:
        return True
    num_capitals = sum(word[0].isupper() for word in inside)
    return num_capitals <= _MOST_NAMES * len(inside)
