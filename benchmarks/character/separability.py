"""Whether personas can be told apart by their lines alone: naive Bayes, each line left out in turn.

Words and pairs of words, with one added to every count; personas are equally likely beforehand.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from npc_engine.authoring.matching import words_of


def told_apart(lines: Mapping[str, Sequence[str]]) -> list[bool]:
    """For every line, whether it is given to who said it; empty for fewer than two speakers.

    See `guesses`.
    """
    who = [speaker for speaker, said in lines.items() for _ in said]
    return [one == other for one, other in zip(guesses(lines), who, strict=False)]


def guesses(lines: Mapping[str, Sequence[str]]) -> list[str]:
    """For every line, by whom it most likely is; empty for fewer than two speakers.

    Args:
        lines: What each speaker said, in answer to the same lines. One whose only line is left out
            has nothing to be known by, and that line counts as not told.
    """
    if len(lines) < 2:
        return []
    counts = {who: Counter(_all_grams(said)) for who, said in lines.items()}
    size = len(set().union(*counts.values())) or 1
    return [_guess(line, who, counts, size) for who, said in lines.items() for line in said]


def _guess(line: str, speaker: str, counts: Mapping[str, Counter[str]], size: int) -> str:
    """Who says a line most likely, by all other lines."""
    own = Counter(_grams(line))
    best, best_score = "", -math.inf
    for who, found in counts.items():
        left_out = own if who == speaker else Counter[str]()
        total = found.total() - left_out.total()
        if total <= 0:
            continue
        score = sum(
            times * math.log((found[gram] - left_out[gram] + 1) / (total + size))
            for gram, times in own.items()
        )
        if score > best_score:
            best, best_score = who, score
    return best


def _all_grams(lines: Sequence[str]) -> list[str]:
    return [gram for line in lines for gram in _grams(line)]


def _grams(line: str) -> list[str]:
    words = words_of(line)
    return [*words, *(" ".join(pair) for pair in zip(words, words[1:], strict=False))]
