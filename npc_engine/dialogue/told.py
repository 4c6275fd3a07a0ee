"""Which of the player's own words answer what the player asks about themselves.

Small models do not find them in the turns. They are quoted, never turned into other words.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from npc_engine.dialogue.forms_of_telling import tells
from npc_engine.dialogue.intents import fits, is_about_character, is_about_player
from npc_engine.dialogue.matching import Matcher, ReadLine, read_line
from npc_engine.dialogue.sayings import Saying
from npc_engine.memory.changes import Change
from npc_engine.memory.words import jaccard, words

MAX_TOLD = 2
_FORM = 3.0
"""What a saying gains that has the form the question asks for."""
_FITS = 1.15
_NEAR_BEST = 0.6
_LEAST_SHARE_OF_OTHERS = 0.6
"""A question that is not about the player must be mostly about what the player said."""
_SAME = 0.5
"""Sayings that share so many of their words speak of the same thing; the newest counts."""
_AS_GOOD = 0.8

_OF_THE_MOMENT = re.compile(
    r"\b(?:should|shall|may|could|would|must|might|can) (?:i|we)\b(?! not\b)"
    r"|\b(?:just|right) now\b|\b(?:in|over) here\b"
)
"""What somebody may do, or how it is now, is not asked of what was told."""

ChangeOf = Callable[[Saying], Change | None]
"""Gives the newest change the player told of later."""


@dataclass(frozen=True, slots=True)
class Told:
    """A saying that answers a line."""

    saying: Saying
    score: float
    why: str
    change: Change | None = None
    """What the player said later that changes it; it is not told without."""


@dataclass(frozen=True, slots=True)
class _Found:
    score: float
    place: int
    why: str


def may_ask_of_told(line: ReadLine) -> bool:
    """Whether a line asks, neither of the character nor of the moment."""
    return bool(line.asked) and not any(map(_is_asked_of_other, line.asked))


def asks_of_player(line: ReadLine) -> bool:
    """Whether the player asks about themselves, as in "My dog is old. How old?" too."""
    if not may_ask_of_told(line):
        return False
    asked = any(map(is_about_player, line.asked))
    leading = not any(read_line(each, ()).terms for each in line.asked)
    return asked or (leading and any(map(is_about_player, line.said)))


def told_on(
    line: ReadLine, sayings: Sequence[Saying], own_names: Sequence[str], change_of: ChangeOf
) -> tuple[Told, ...]:
    """At most two sayings that answer a line, the best first.

    Args:
        line: What the player asks.
        sayings: What the player said before and counts still, oldest first.
        own_names: Of the character; they call up nothing.
        change_of: What changed one of them.
    """
    if not may_ask_of_told(line):
        return ()
    found = _newest(_found(line, sayings, own_names), sayings)
    best = found[0].score if found else 0.0
    told: list[Told] = []
    for each in found:
        if len(told) == MAX_TOLD or each.score < _NEAR_BEST * best:
            break
        saying = sayings[each.place]
        change = change_of(saying)
        if change is not None and _is_told(change, found, sayings, _NEAR_BEST * each.score):
            continue
        if not any(saying.text in other.saying.text for other in told):
            told.append(Told(saying, round(each.score, 4), each.why, change))
    return tuple(told)


def _is_asked_of_other(question: str) -> bool:
    of_moment = _OF_THE_MOMENT.search(" ".join(words(question))) is not None
    return of_moment or is_about_character(question)


def _found(line: ReadLine, sayings: Sequence[Saying], own_names: Sequence[str]) -> list[_Found]:
    """All that answer, the best first, of equally good ones the newest."""
    matcher = Matcher((saying.about for saying in sayings), own_names)
    of_player = asks_of_player(line)
    found = []
    for place, saying in enumerate(sayings):
        match = matcher.match(place, line)
        is_named = any(word in line.terms for word in match.words)
        is_enough = of_player or (is_named and match.share >= _LEAST_SHARE_OF_OTHERS)
        score = match.score if is_enough else 0.0
        if any(fits(question, saying.text) for question in line.asked):
            score *= _FITS
        if of_player and any(tells(question, saying.text) for question in line.asked):
            score += _FORM
        if score > 0:
            why = ", ".join(match.words) or "the form of the question"
            found.append(_Found(score, place, f"said by the player; found by {why}"))
    return sorted(found, key=lambda each: (-each.score, -each.place))


def _newest(found: Sequence[_Found], sayings: Sequence[Saying]) -> list[_Found]:
    """Without what was said anew in nearly the same words later."""
    held = Matcher((sayings[each.place].about for each in found), ()).roots
    return [
        each
        for number, each in enumerate(found)
        if not any(
            other.place > each.place
            and other.score >= _AS_GOOD * each.score
            and jaccard(held[number], held[place]) >= _SAME
            for place, other in enumerate(found)
        )
    ]


def _is_told(
    change: Change, found: Sequence[_Found], sayings: Sequence[Saying], least: float
) -> bool:
    """Whether the line of a change answers by itself."""
    return any(
        sayings[each.place].line.entry_id == change.line.entry_id and each.score >= least
        for each in found
    )
