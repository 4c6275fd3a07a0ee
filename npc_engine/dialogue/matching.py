"""How much a line and a sentence have in common: stems, the rare ones first.

Knows words, not meanings, and nothing of where a sentence comes from.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log

from npc_engine.dialogue.asked_words import LIGHT, answering, asked_roots, roots
from npc_engine.memory.words import is_question, sentences, words

_MAX_CHARS = 600
"""A line that long says what it is about before its end."""
_IN_PLACE = 0.55
"""What a word counts that may be said in place of one that was asked for."""
_FEW = 24
"""Statements of a short sheet: of fewer, each word would count as common."""
_LIGHT = 0.4
"""What a word counts that is said of anything."""
_UNKNOWN = 0.5
"""What a word counts that stands nowhere, as a part of what was asked."""
_ASIDE = 0.5
"""What the words of sentences count that ask nothing, beside one that does."""
_LEAST_GAIN = 1.4
_LEAST_SHARE = 0.3
_LEAST_SHARE_INSTEAD = 0.5
"""Where no word that was asked for is there, only others that may be said in its place."""
_LEAST_WORDS_UNASKED = 2
_LEAST_SHARE_UNASKED = 0.5
"""A line that asks nothing must hold more of a sentence before it is told to the model again."""

_ASKING = re.compile(
    r"^(?:(?:and|so|but|well|then|now|please|say) )*"
    r"(?!(?:when|where|what|how|why|who) (?:i|we|my|our)\b)"
    r"(?:who|whom|whose|what|when|where|which|why|how|tell|remind|describe|explain|show|do|does|did|"
    r"is|are|was|were|have|has|can|could|will|would)\b"
)
TAG = re.compile(
    r",\s*(?:(?:is|are|was|were|do|does|did|has|have|had|ca|could|wo|would|should)(?:n['’]t)?"
    r" (?:i|you|he|she|it|we|they|there)|eh|right|no|yes|huh)\W*$",
    re.IGNORECASE,
)
"""A question put behind a statement, as in "nice weather, isn't it?"."""


@dataclass(frozen=True, slots=True)
class ReadLine:
    """What the player said, as far as sentences can be found by it."""

    said: tuple[str, ...]
    asked: tuple[str, ...]
    """Of its sentences those that want to know something."""
    terms: Mapping[str, float]
    """Roots it is about, with how much each counts."""


@dataclass(frozen=True, slots=True)
class Match:
    """What a text shares with a line."""

    score: float
    """0 where it is too little."""
    share: float
    """Of all that the line is about, 0 to 1."""
    words: tuple[str, ...]


class Matcher:
    """Texts by their roots."""

    def __init__(self, texts: Iterable[str], own_names: Iterable[str]) -> None:
        """Index them.

        Args:
            texts: In an order that `match` counts in.
            own_names: They call up nothing, since most texts hold them.
        """
        own = _of_names(own_names)
        self.roots = tuple(frozenset(roots(text)) - own for text in texts)
        self._frequencies = Counter(term for held in self.roots for term in held)

    def match(self, place: int, line: ReadLine) -> Match:
        """What the text at a place shares with a line."""
        is_asked = bool(line.asked)
        gain, share, hits = self._gain(place, line.terms, is_asked=is_asked)
        enough = gain >= _LEAST_GAIN and share >= _least_share(hits, line.terms, is_asked=is_asked)
        return Match(gain * (1 + share) / 2 if enough else 0.0, share, hits)

    def _weight(self, term: str) -> float:
        """The rarer the heavier; a word that stands nowhere counts little."""
        found = self._frequencies.get(term, 0)
        part = _LIGHT if term in LIGHT else 1.0
        whole = log(1 + max(len(self.roots), _FEW) / max(found, 1))
        return part * (whole if found else _UNKNOWN * whole)

    def _gain(
        self, place: int, terms: Mapping[str, float], *, is_asked: bool
    ) -> tuple[float, float, tuple[str, ...]]:
        """The sum of what is shared, its part of all, and the words."""
        held = self.roots[place]
        gain = whole = 0.0
        hits: list[str] = []
        for term, counts in terms.items():
            weight = self._weight(term)
            whole += counts * weight
            if term in held:
                gain += counts * weight
                hits.append(term)
                continue
            instead = [other for other in answering(term) if other in held] if is_asked else []
            if instead:
                best = max(instead, key=self._weight)
                gain += counts * _IN_PLACE * self._weight(best)
                whole += counts * max(0.0, _IN_PLACE * self._weight(best) - weight)
                hits.append(best)
        return gain, gain / whole if whole else 0.0, tuple(hits)


def read_line(line: str, own_names: Iterable[str]) -> ReadLine:
    """Read what the player says.

    Args:
        line: The player's words.
        own_names: Left out.
    """
    own = _of_names(own_names)
    said = tuple(sentences(line[:_MAX_CHARS]))
    asked = tuple(filter(asks, said))
    terms: dict[str, float] = {}
    for sentence in said:
        weight = 1.0 if sentence in asked or not asked else _ASIDE
        for term in asked_roots(sentence):
            if term not in own:
                terms[term] = max(weight, terms.get(term, 0.0))
    return ReadLine(said, asked, terms)


def asks(sentence: str) -> bool:
    """Whether a sentence wants to know something, also as in "tell me about the bridge".

    "When I was nine" begins a tale, and a question put behind a statement asks nothing either, as
    in "nice weather, isn't it?".
    """
    if TAG.search(sentence):
        return False
    return is_question(sentence) or _ASKING.match(" ".join(words(sentence))) is not None


def _of_names(names: Iterable[str]) -> frozenset[str]:
    return frozenset(term for name in names for term in roots(name))


def _least_share(hits: Sequence[str], terms: Mapping[str, float], *, is_asked: bool) -> float:
    """How much of what was said a statement must hold to be found; above 1: it is not."""
    if not is_asked:
        return _LEAST_SHARE_UNASKED if len(hits) >= _LEAST_WORDS_UNASKED else 2.0
    return _LEAST_SHARE if any(hit in terms for hit in hits) else _LEAST_SHARE_INSTEAD
