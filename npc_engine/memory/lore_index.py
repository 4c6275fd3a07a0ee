"""The lore of a world by its words: which passages bear on a line.

Holds texts, not rights: who may read a text now is asked of the caller for every search.
"""

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from npc_engine.content.lore import LoreText
from npc_engine.everyday_words import SMALL_TALK, said_instead
from npc_engine.memory.passages import AIM_WORDS, Passage, passages_of
from npc_engine.memory.search_terms import MAX_FREQUENCY_SUM, MAX_PREVIOUS_TERMS, MAX_TERMS
from npc_engine.memory.term_index import TermIndex, index_terms

NUM_PASSAGES = 5
"""How many passages a line calls up at most."""

_MIN_PREVIOUS_MATCHES = 2
_MAX_CHARS = 2_000
"""A line that long says what it is about before its end."""
_CANDIDATES = 24
_MIN_SHARE = 0.3
"""Of the line's terms, by weight, that a passage must hold."""
_MIN_OF_BEST = 0.5
"""Of the best passage's score, below which others are left out."""
_ABSENT_WEIGHT = 1.0
"""Of a term that no passage holds; that of a term in one passage of a hundred is 4."""
_SATURATION, _LENGTH = 1.2, 0.75
"""BM25's k1 and b, the values SQLite's search uses too."""


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage that bears on a line."""

    text: LoreText
    """Where it stands, by the first entry of the world that lets this reader see it."""
    passage: Passage
    score: float
    """Above 0; the larger the better."""
    terms: tuple[str, ...]
    """The stems it was found by."""

    @property
    def id(self) -> str:
        """File and number: `lore/chronicle.md#7`."""
        return f"{self.text.path}#{self.passage.number}"


@dataclass(frozen=True, slots=True)
class _Asked:
    """One thing that is asked for: a term, or those that stand for it."""

    terms: tuple[str, ...]
    weight: float


class LoreIndex:
    """Every passage of a world's lore. May be searched from several threads at once."""

    def __init__(self, texts: Sequence[LoreText] = ()) -> None:
        """Cut and index the texts.

        Raises:
            StoreError: This SQLite was built without full-text search.
        """
        self._lock = threading.Lock()
        self._index: TermIndex | None = None
        self._texts: tuple[tuple[str, LoreText], ...] = ()
        """With their digests, in the order of the world's entries."""
        self._keys: dict[str, range] = {}
        """By the digest of a text: the keys of its passages."""
        self._passages: dict[int, tuple[str, Passage]] = {}
        self._next_key = 1
        self.update(texts)

    def __len__(self) -> int:
        """How many passages there are."""
        return len(self._passages)

    def update(self, texts: Sequence[LoreText]) -> None:
        """Hold these texts from now on; a text that was there already is not read again."""
        wanted = {text.digest: text for text in texts}
        with self._lock:
            for digest in self._keys.keys() - wanted.keys():
                self._remove(digest)
            for digest, text in wanted.items():
                if digest not in self._keys:
                    self._add(digest, text)
            self._texts = tuple((text.digest, text) for text in texts)

    def search(
        self,
        line: str,
        previous: str,
        may_read: Callable[[LoreText], bool],
        limit: int = NUM_PASSAGES,
    ) -> tuple[FoundPassage, ...]:
        """The passages that bear on a line, the best first; none for small talk.

        A word that no passage holds is looked for by words said in its place. A line without any
        word that is known, such as "Why?", takes the rarest words of the reply before it.

        Args:
            line: What the player says.
            previous: What the NPC said before it; may be empty.
            may_read: Whether a text may be shown now: to whom, and whether its `when:` holds.
            limit: The most passages to return.
        """
        with self._lock:
            if self._index is None:
                return ()
            asked, min_matches = self._asked(line, previous)
            readable = self._readable(may_read)
            found = [
                passage
                for passage in self._candidates(asked, readable)
                if len(passage.terms) >= min_matches
            ]
        place = {id(text): index for index, text in enumerate(readable.values())}
        found.sort(key=lambda one: (-one.score, place[id(one.text)], one.passage.number))
        best = found[0].score if found else 0.0
        return tuple(one for one in found[:limit] if one.score >= _MIN_OF_BEST * best)

    # -- inside, with the lock held -------------------------------------------------------------

    def _add(self, digest: str, text: LoreText) -> None:
        if self._index is None:
            self._index = TermIndex.in_memory()
        first = self._next_key
        for passage in passages_of(text.text, markdown=text.is_markdown):
            self._index.add(self._next_key, passage.text, passage.labels)
            self._passages[self._next_key] = (digest, passage)
            self._next_key += 1
        self._keys[digest] = range(first, self._next_key)

    def _remove(self, digest: str) -> None:
        for key in self._keys.pop(digest):
            del self._passages[key]
            if self._index is not None:
                self._index.remove(key)

    def _readable(self, may_read: Callable[[LoreText], bool]) -> Mapping[str, LoreText]:
        """By digest, the first text of that content that may be read."""
        readable: dict[str, LoreText] = {}
        for digest, text in self._texts:
            if digest not in readable and may_read(text):
                readable[digest] = text
        return readable

    def _asked(self, line: str, previous: str) -> tuple[list[_Asked], int]:
        """What is looked for, and in how many of its terms a passage must agree."""
        asked = self._known(_terms(line), with_others=True)
        if any(one.terms for one in asked):
            return asked, 1
        from_previous = self._known(_terms(previous), with_others=False)
        return from_previous[:MAX_PREVIOUS_TERMS], _MIN_PREVIOUS_MATCHES

    def _known(self, terms: Sequence[str], *, with_others: bool) -> list[_Asked]:
        """The terms that some passage holds, the rarest first, and the absent ones.

        Absent ones have no terms to look for, only a weight: what is asked for and stands nowhere.
        """
        index = self._index
        if index is None:
            return []
        frequency = index.frequencies(terms)
        known: list[dict[str, int]] = []
        absent = 0
        for term in terms:
            instead = () if frequency[term] or not with_others else said_instead(term)
            counts = index.frequencies(instead) if instead else {term: frequency[term]}
            held = {other: count for other, count in counts.items() if count}
            if held:
                known.append(held)
            else:
                absent += 1
        known.sort(key=lambda held: max(held.values()))
        asked = [_Asked((), _ABSENT_WEIGHT)] * (absent if with_others else 0)
        total = 0
        for held in known[:MAX_TERMS]:
            total += sum(held.values())
            if total > MAX_FREQUENCY_SUM and held is not known[0]:
                break
            # Words said for one another stand in much the same passages.
            asked.append(_Asked(tuple(held), self._rarity(max(held.values()))))
        return asked

    def _rarity(self, frequency: int) -> float:
        """Weight of a term by how many passages hold it; above 0 even for one that all hold."""
        total = max(len(self._passages), frequency)
        return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5))

    def _candidates(
        self, asked: Sequence[_Asked], readable: Mapping[str, LoreText]
    ) -> Iterator[FoundPassage]:
        """Readable passages that hold enough of what is asked, with their scores."""
        total = sum(one.weight for one in asked)
        for key in self._hits([term for one in asked for term in one.terms], readable):
            digest, passage = self._passages[key]
            counts, length = _counted(passage)
            held = [(one, sum(counts[term] for term in one.terms)) for one in asked]
            share = sum(one.weight for one, count in held if count) / total
            if share < _MIN_SHARE:
                continue
            damping = _SATURATION * (1 - _LENGTH + _LENGTH * length / AIM_WORDS)
            score = sum(
                one.weight * count * (_SATURATION + 1) / (count + damping) for one, count in held
            )
            terms = tuple(term for one in asked for term in one.terms if counts[term])
            yield FoundPassage(readable[digest], passage, score, terms)

    def _hits(self, terms: Sequence[str], readable: Mapping[str, LoreText]) -> Iterator[int]:
        """Keys of the best passages with any of the terms that may be read."""
        if self._index is None or not readable:
            return
        limit, num_seen, num_kept = 2 * _CANDIDATES, 0, 0
        while True:
            hits = self._index.search(terms, limit)
            for hit in hits[num_seen:]:
                if self._passages[hit.key][0] in readable:
                    yield hit.key
                    num_kept += 1
                    if num_kept == _CANDIDATES:
                        return
            if len(hits) < limit:
                return
            num_seen, limit = len(hits), 4 * limit


def _terms(text: str) -> list[str]:
    """The terms of a text once each, without those of small talk."""
    terms = dict.fromkeys(index_terms(text[:_MAX_CHARS]))
    return [term for term in terms if term not in SMALL_TALK]


@lru_cache(maxsize=512)
def _counted(passage: Passage) -> tuple[Counter[str], int]:
    """How often each term stands in a passage and its labels, and how many there are."""
    terms = index_terms("\n".join((passage.text, *passage.labels)))
    return Counter(terms), len(terms)
