"""Whether the player's words are those an author wrote a line for.

Two ways: the words of the phrase stand in the line one after the other, or one sentence of it asks
the same with other small words. A sentence that asks for more is left to the model. Knows no NPC
and no chat.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from npc_engine.everyday_words import SMALL_TALK
from npc_engine.memory.term_index import folded, index_terms
from npc_engine.memory.words import is_question, sentences, words

MatchedBy = Literal["words", "stems"]

LEAST_SHARE = 0.7
"""Of what a sentence says, so much must be the phrase: in four words, one other may stand."""
_LEAST_PARTS = 2
"""A phrase of fewer, such as "any work", is met with its own words alone: too much holds them."""
_MAX_CHARS = 2000
"""A line that long says what it is about before its end."""

_ASKING = frozenset({"who", "whom", "whose", "what", "when", "where", "why", "which", "how"})
_MEASURES = frozenset(
    {"much", "many", "long", "far", "high", "old", "often", "big", "deep", "soon"}
)
_PLAIN_KINDS = frozenset({"what", "how much"})
"""What may ask for anything that a phrase such as "sword price" names."""
_OPENING_WORDS = """
is are am was were do does did can could may might will would shall should has have had any got
"""
_OPENING = _ASKING | frozenset(_OPENING_WORDS.split())
_CONTRACTED = {
    "whats": "what is", "whos": "who is", "wheres": "where is", "hows": "how is", "im": "i am",
    "youre": "you are", "dont": "do not", "cant": "can not", "didnt": "did not",
    "doesnt": "does not", "isnt": "is not", "cannot": "can not",
}  # fmt: skip
_ENDINGS = {"ll": "will", "re": "are", "m": "am", "ve": "have", "d": "would"}
_BEFORE_IS = _ASKING | frozenset({"it", "that", "there", "here", "he", "she"})
_NEGATED = {
    "don": "do", "doesn": "does", "didn": "did", "isn": "is", "aren": "are", "wasn": "was",
    "weren": "were", "won": "will", "wouldn": "would", "couldn": "could", "shouldn": "should",
    "haven": "have", "hasn": "has", "hadn": "had", "can": "can",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase that was found in the player's words."""

    phrase: str
    score: float
    """1 for the phrase's own words; otherwise its share of the sentence, at least `LEAST_SHARE`."""
    by: MatchedBy
    parts: int
    """How much the phrase says; of equal matches the one that says more is the better."""

    @property
    def rank(self) -> tuple[bool, float, int]:
        """The larger the better."""
        return (self.by == "words", self.score, self.parts)


@dataclass(frozen=True, slots=True)
class _Said:
    """A text as it is compared."""

    row: str
    """Its words with a space around each."""
    stems: frozenset[str]
    """Of the words that carry meaning."""
    kinds: frozenset[str]
    """What it asks for, such as `why` or `how much`."""
    asks: bool

    @property
    def parts(self) -> tuple[str, ...]:
        return (*self.stems, *self.kinds)


def has_words(phrase: str) -> bool:
    """Whether a phrase can be found in anything at all."""
    return bool(_read(phrase).row.strip())


def same_phrase(phrase: str) -> str:
    """Equal for phrases that are found in the same words: case and punctuation do not count."""
    return _read(phrase).row.strip()


def matches(groups: Sequence[Iterable[str]], text: str) -> list[tuple[int, Match]]:
    """The best match of each group of phrases that has one, the best first.

    A phrase of stop words alone, such as "who are you", fits a sentence that says it and no more.

    Args:
        groups: Phrases that call for the same thing stand in one group.
        text: The player's words; what stands beyond 2,000 characters is not looked at.

    Returns:
        Pairs of the group's index and its match; of equally good ones the earlier group first.
    """
    text = text[:_MAX_CHARS]
    whole, parts = _of(text), [_of(sentence) for sentence in sentences(text)]
    found = []
    for index, phrases in enumerate(groups):
        fitting = (_match(phrase, _read(phrase), whole, parts) for phrase in phrases)
        best = max(filter(None, fitting), key=lambda match: match.rank, default=None)
        if best is not None:
            found.append((index, best))
    return sorted(found, key=lambda each: each[1].rank, reverse=True)


def _match(phrase: str, asked: _Said, whole: _Said, parts: Sequence[_Said]) -> Match | None:
    if not asked.stems:
        is_said = asked.row.strip() and any(asked.row == said.row for said in (whole, *parts))
        return Match(phrase, 1.0, "words", len(asked.kinds)) if is_said else None
    if not asked.stems <= whole.stems:
        return None
    holding = (said for said in (*parts, whole) if asked.row in said.row)
    if any(_other_kinds(asked, said) == frozenset() for said in holding):
        return Match(phrase, 1.0, "words", len(asked.parts))
    if len(asked.parts) < _LEAST_PARTS or asked.stems <= SMALL_TALK:
        return None
    share = max((_share(asked, said) for said in parts), default=0.0)
    return Match(phrase, share, "stems", len(asked.parts)) if share >= LEAST_SHARE else None


def _share(asked: _Said, said: _Said) -> float:
    """How much of a sentence is the phrase, 0 to 1; 0 where it says less than the phrase."""
    if not (asked.stems <= said.stems and asked.kinds <= said.kinds):
        return 0.0
    others = (said.stems - asked.stems - SMALL_TALK) | _other_kinds(asked, said)
    share = len(asked.parts) / (len(asked.parts) + len(others))
    # "I'll cross when it's safe" does not ask whether it is safe to cross.
    return share if said.asks or (share == 1 and not asked.asks) else 0.0


def _other_kinds(asked: _Said, said: _Said) -> frozenset[str]:
    """What a sentence asks for besides: "What is the toll, and how high is the water?"."""
    return said.kinds - (asked.kinds or _PLAIN_KINDS)


@lru_cache(maxsize=16_384)
def _read(phrase: str) -> _Said:
    """An author's phrase, read once: 200 lines may have 50 each."""
    return _of(phrase)


def _of(text: str) -> _Said:
    spoken = _spelt_out([folded(word) for word in words(text)])
    joined = " ".join(spoken)
    following = [*spoken[1:], ""]
    kinds = frozenset(
        f"{word} {after}" if word == "how" and after in _MEASURES else word
        for word, after in zip(spoken, following, strict=False)
        if word in _ASKING
    )
    asks = is_question(text) or (bool(spoken) and spoken[0] in _OPENING)
    return _Said(f" {joined} ", frozenset(index_terms(joined)), kinds, asks)


def _spelt_out(spoken: Sequence[str]) -> list[str]:
    """Contracted words in full, as `words` has split them: what's, I'll, don't, dont."""
    full: list[str] = []
    for word in spoken:
        before = full[-1] if full else ""
        if word in _CONTRACTED:
            full.extend(_CONTRACTED[word].split())
        elif word == "t" and before in _NEGATED:
            full[-1:] = [_NEGATED[before], "not"]
        elif word == "s" and before in _BEFORE_IS:
            full.append("is")
        elif word in _ENDINGS and before:
            full.append(_ENDINGS[word])
        else:
            full.append(word)
    return full
