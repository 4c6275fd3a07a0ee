"""Loops: a reply that repeats an earlier one, or itself."""

from collections import Counter
from collections.abc import Sequence

from npc_engine.authoring.matching import words_of

_GRAM = 4
_RECENT_REPLIES = 8
_MAX_SHARE = 0.5
"""From this share of repeated 4-grams on, a reply is the old one in other clothes."""
_MIN_GRAMS = 4
_MIN_LINE_WORDS = 3
_MAX_SAYINGS = 2
"""So often among the latest lines, a turn of phrase of the sheet is one and no loop."""
_MAX_TIMES = 2
"""A 4-gram more often than this in one reply is a loop."""


def loop_in(reply: str, earlier: Sequence[str], says: Sequence[str] = ()) -> str:
    """How a reply repeats, in a few words; empty if it does not.

    Args:
        reply: What was said.
        earlier: The speaker's lines before it, oldest first.
        says: Turns of phrase that an author gave the speaker; they may come again.
    """
    words = words_of(reply)
    times = sum(words == words_of(line) for line in earlier)
    lately = sum(words == words_of(line) for line in earlier[-_RECENT_REPLIES:])
    is_saying = any(words == words_of(line) for line in says) and lately < _MAX_SAYINGS
    if len(words) >= _MIN_LINE_WORDS and times and not is_saying:
        return "says a line again, word for word"
    grams = _grams(words)
    often = Counter(grams).most_common(1)
    if often and often[0][1] > _MAX_TIMES:
        return f'says "{" ".join(often[0][0])}" {often[0][1]} times'
    share = 0.0 if is_saying else repeated_share(reply, earlier)
    return f"{share:.0%} of its 4-grams were said before" if share >= _MAX_SHARE else ""


def repeated_share(reply: str, earlier: Sequence[str]) -> float:
    """The share of a reply's 4-grams that stand in the latest lines; 0 for short replies."""
    grams = _grams(words_of(reply))
    if len(grams) < _MIN_GRAMS:
        return 0.0
    before = {gram for line in earlier[-_RECENT_REPLIES:] for gram in _grams(words_of(line))}
    return sum(gram in before for gram in grams) / len(grams)


def _grams(words: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(words[start : start + _GRAM]) for start in range(len(words) - _GRAM + 1)]
