"""Which sentences of the sheet and the world bear on a line: by shared words, the rare ones first.

Small models answer from what stands right above the question; the same sentence a thousand tokens
earlier is often passed over. Knows words, not meanings; a line of small talk finds nothing.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

from npc_engine.content.character import CharacterSheet
from npc_engine.content.state import WorldState, scope
from npc_engine.dialogue.asked_words import LIGHT, answering, asked_roots, root, roots
from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.intents import OF_EVERYBODY, fits, is_about_player, wanted
from npc_engine.memory.words import is_question, sentences, words
from npc_engine.prompt.knowledge import known_facts, revealed_secrets
from npc_engine.prompt.offers import Offer
from npc_engine.prompt.statements import Statement, statements

MAX_SENTENCES = 3
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
_FORM = 4.0
"""What a statement gains that the form of the question asks for."""
_FITS = 1.3
_OF_NAMED = 1.4
"""For how the character stands to somebody the line names."""
_NEAR_BEST = 0.6

_ASKING = re.compile(
    r"^(?:(?:and|so|but|well|then|now|please|say) )*(?:who|whom|whose|what|when|where|which|why|"
    r"how|tell|describe|explain|show|do|does|did|is|are|was|were|have|has|can|could|will|would)\b"
)
_TAG = re.compile(
    r",\s*(?:(?:is|are|was|were|do|does|did|has|have|had|ca|could|wo|would|should)(?:n['’]t)?"
    r" (?:i|you|he|she|it|we|they|there)|eh|right|no|yes|huh)\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Bearing:
    """A statement that bears on a line."""

    statement: Statement
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class _Indexed:
    """Statements with the roots they hold."""

    statements: tuple[Statement, ...]
    roots: tuple[frozenset[str], ...]
    frequencies: Mapping[str, int]

    def weight(self, term: str) -> float:
        """The rarer the heavier; a word that stands nowhere counts little."""
        found = self.frequencies.get(term, 0)
        part = _LIGHT if term in LIGHT else 1.0
        whole = log(1 + max(len(self.statements), _FEW) / max(found, 1))
        return part * (whole if found else _UNKNOWN * whole)


def bearing_offers(
    cast: Cast, sheet: CharacterSheet, state: WorldState, line: str
) -> tuple[Offer, ...]:
    """The sentences that bear on a line as offers, the best first.

    Args:
        cast: Everybody, and the world.
        sheet: Who is asked.
        state: The world at this point of the chat.
        line: What the player says.
    """
    values = scope(state, sheet.id, cast.world)
    shared = (*cast.world.facts, *cast.shared_facts(sheet.id))
    facts = (*revealed_secrets(sheet, values), *known_facts(sheet, shared, values))
    about = statements(sheet, cast.world, cast.names, facts, values)
    return tuple(
        Offer("bearing", found.statement.id, found.statement.text, found.score, why=found.why)
        for found in bearing_on(line, about, (sheet.name, sheet.nickname))
    )


def bearing_on(
    line: str, about: tuple[Statement, ...], own_names: tuple[str, ...]
) -> tuple[Bearing, ...]:
    """At most three statements that bear on a line, the best first.

    Args:
        line: What the player says.
        about: What may be said.
        own_names: Of the character; they call up nothing, since most statements hold them.
    """
    index = _indexed(about, own_names)
    said = sentences(line[:_MAX_CHARS])
    asked = [each for each in said if _asks(each)]
    terms = _terms(said, asked, own_names)
    by_form = _by_form(asked, about)
    of_player = bool(asked) and all(map(is_about_player, asked))
    found: list[tuple[float, int, str]] = []
    for place, statement in enumerate(about):
        if of_player and statement.field not in OF_EVERYBODY:
            continue
        gain, share, hits = _gain(terms, index, place, is_asked=bool(asked))
        enough = gain >= _LEAST_GAIN and share >= _least_share(hits, terms, is_asked=bool(asked))
        score = gain * (1 + share) / 2 if enough else 0.0
        if any(fits(question, statement.text) for question in asked):
            score *= _FITS
        if statement.field == "relationships" and any(
            root(word) in hits for word in words(statement.id)
        ):
            score *= _OF_NAMED
        score += _FORM * by_form[place]
        if score > 0:
            found.append((score, place, ", ".join(hits) or "the form of the question"))
    found.sort(key=lambda each: (-each[0], each[1]))
    best: list[Bearing] = []
    for score, place, why in found:
        if len(best) == MAX_SENTENCES or score < _NEAR_BEST * found[0][0]:
            break
        text = about[place].text
        # One may hold the other, where a sentence is only understood with the one before it.
        if not any(text in each.statement.text or each.statement.text in text for each in best):
            best.append(Bearing(about[place], round(score, 4), f"found by {why}"))
    return tuple(best)


def _least_share(hits: Sequence[str], terms: Mapping[str, float], *, is_asked: bool) -> float:
    """How much of what was said a statement must hold to be found; above 1: it is not."""
    if not is_asked:
        return _LEAST_SHARE_UNASKED if len(hits) >= _LEAST_WORDS_UNASKED else 2.0
    return _LEAST_SHARE if any(hit in terms for hit in hits) else _LEAST_SHARE_INSTEAD


def _asks(sentence: str) -> bool:
    """Whether a sentence wants to know something, also as in "tell me about the bridge".

    A question put behind a statement, as in "nice weather, isn't it?", does not.
    """
    if _TAG.search(sentence):
        return False
    return is_question(sentence) or _ASKING.match(" ".join(words(sentence))) is not None


def _indexed(about: tuple[Statement, ...], own_names: tuple[str, ...]) -> _Indexed:
    own = {term for name in own_names for term in roots(name)}
    held = tuple(frozenset(_held(statement)) - own for statement in about)
    return _Indexed(about, held, Counter(term for terms in held for term in terms))


def _held(statement: Statement) -> Sequence[str]:
    return roots("\n".join((statement.text, *statement.keys)))


def _terms(
    said: Sequence[str], asked: Sequence[str], own_names: Sequence[str]
) -> Mapping[str, float]:
    """What a line is about, with how much each word counts."""
    own = {term for name in own_names for term in roots(name)}
    terms: dict[str, float] = {}
    for sentence in said:
        weight = 1.0 if sentence in asked or not asked else _ASIDE
        for term in asked_roots(sentence):
            if term not in own:
                terms[term] = max(weight, terms.get(term, 0.0))
    return terms


def _by_form(asked: Sequence[str], about: Sequence[Statement]) -> Sequence[float]:
    forms = [wanted(question, about) for question in asked]
    return [max(column) for column in zip(*forms, strict=True)] if forms else [0.0] * len(about)


def _gain(
    terms: Mapping[str, float], index: _Indexed, place: int, *, is_asked: bool
) -> tuple[float, float, tuple[str, ...]]:
    """What a statement shares with a line: the sum, its part of all, and the words."""
    held = index.roots[place]
    gain = whole = 0.0
    hits: list[str] = []
    for term, counts in terms.items():
        weight = index.weight(term)
        whole += counts * weight
        if term in held:
            gain += counts * weight
            hits.append(term)
            continue
        instead = [other for other in answering(term) if other in held] if is_asked else []
        if instead:
            best = max(instead, key=index.weight)
            gain += counts * _IN_PLACE * index.weight(best)
            whole += counts * max(0.0, _IN_PLACE * index.weight(best) - weight)
            hits.append(best)
    return gain, gain / whole if whole else 0.0, tuple(hits)
