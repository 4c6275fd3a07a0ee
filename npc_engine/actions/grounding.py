"""Whether anybody called for an action: the player's line, an answer to the character, or a goal.

Small models call whenever they can. This second look compares words, knows no meanings, and gives
the same answer every time. English; other languages by the sheet's `keys`.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from npc_engine.content.action_declarations import ActionDeclaration
from npc_engine.everyday_words import SMALL_TALK, said_instead
from npc_engine.sentences import split_sentences
from npc_engine.stems import content_stems, stem, words

_MAX_CHARS = 600
"""A line that long says what it wants before its end."""
_MIN_PREFIX_CHARS = 5

_CLAUSE = re.compile(r"[,;:–—]|\bbut\b|\band then\b|\bthen\b")
_ASKED_WITH_NOT = re.compile(r"\b(?:why do|can|could|wo|would)n['’]t you\b|\bwhy not\b")
_REFUSED = re.compile(
    r"\b(?:do not|don['’]?t|never|must not|mustn['’]?t|should not|shouldn['’]?t|no need|stop|"
    r"not (?:to|yet|now)|without|instead of|rather than)\b"
)
_ABOUT_THE_PAST = re.compile(
    r"^(?:so |and |well )?(?:(?:why|when|who|where|how|what) )?(?:did|was|were|had|has|"
    r"have you(?! (?:got|any|an?|the)\b))\b"
    r"|^(?:i|we|he|she|it|they) (?:once )?(?:had|was|were|did)\b"
)
_ASKING_FOR = re.compile(
    r"\b(?:please|give me|get me|sell me|show me|hand me|bring me|let me|let us|let['’]s|"
    r"(?:can|could|will|would|wo|may|might) (?:you|i|we)|i(?:['’]d| would) like|i(?:['’]ll| will)|"
    r"i (?:want|need|take)|you (?:can|may|must|should)|how about|i wish|"
    r"(?:do|have) you (?:have|got|any|an?)|is there|are there|what (?:does|would|do)|how much)\b"
    r"|^(?!(?:i|you|we|he|she|they|it|what|who)\b)\w+ (?:me|us|it|him|her|them)\b"
)
_ASKING_TO_TELL = re.compile(
    r"\b(?:tell|talk|speak|say|explain|describe|know|hear|ask|remember|think|believe|mean|answer|"
    r"swear|promise)\b"
)
_OPENING = re.compile(
    r"^(?:(?:please|now|go|just|quickly|quick|and|so|ok|okay|well|then|hey|come on|"
    r"(?:can|could|will|would) you(?: please)?|i (?:want|need) you to|let['’]s|let us|"
    r"you (?:can|may|must|should)|i(?:['’]d| would) like(?: you)? to|i(?:['’]ll| will)|"
    r"help me|go and)\s+)*"
)
_AGREES = re.compile(
    r"^(?:oh |well |ah |then )?(?:yes|yeah|yep|yup|aye|sure|ok|okay|deal|done|agreed|fine|gladly|"
    r"of course|certainly|absolutely|please(?: do)?|go (?:ahead|on)|do (?:it|so|that)|very well|"
    r"all right|alright|right|good|i (?:agree|accept|do|will|would|am)|i['’]ll take|let['’]s|"
    r"with pleasure|by all means|why not|you (?:can|may)|it is|sounds good)\b"
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The words by which an action is called for, as stems."""

    name: frozenset[str]
    whole_name: frozenset[str]
    """With its small words: `hand_out` is no hand."""
    keys: tuple[tuple[str, ...], ...]
    """The words of each key in order: they call for it only side by side."""
    about: frozenset[str]
    """Of its description and of its arguments' names."""


def is_grounded(
    name: str,
    declaration: ActionDeclaration,
    arguments: Mapping[str, Any],
    line: str,
    before: str,
    goals: Sequence[str],
) -> bool:
    """Whether an action was called for.

    Args:
        name: Of the action.
        declaration: Of the action; its `keys` are words that always call for it.
        arguments: Of the call.
        line: What the player said.
        before: What the character said before that; a "yes" to its last sentence counts.
        goals: The character's; one counts where the line speaks of it.
    """
    wanted = _wanted(name, declaration.description, declaration.keys, tuple(declaration.parameters))
    line = line[:_MAX_CHARS]
    if _calls_for(line, wanted, arguments):
        return True
    sentences = split_sentences(before)
    if sentences and agrees(line) and _calls_for(sentences[-1], wanted, arguments):
        return True
    said = _heavy(content_stems(line))
    return any(
        said & _heavy(content_stems(goal)) and _calls_for(goal, wanted, arguments) for goal in goals
    )


def agrees(line: str) -> bool:
    """Whether a line says yes to what was said before, as `confirm:` actions wait for."""
    folded = " ".join(line.casefold().split()).lstrip("\"'“‘*")
    return _AGREES.match(folded) is not None and not _REFUSED.search(folded)


@lru_cache(maxsize=256)
def _wanted(
    name: str, description: str, keys: tuple[str, ...], parameters: tuple[str, ...]
) -> _Wanted:
    named = frozenset(content_stems(_spaced(name)))
    whole = frozenset(map(stem, words(_spaced(name))))
    about = _heavy(content_stems(description))
    about |= _heavy(stem for each in parameters for stem in content_stems(_spaced(each)))
    phrases = tuple(tuple(map(stem, words(key))) for key in keys)
    return _Wanted(named, whole, phrases, about - named)


def _calls_for(text: str, wanted: _Wanted, arguments: Mapping[str, Any]) -> bool:
    clauses = list(_clauses(text))
    said: set[str] = set()
    for clause in clauses:
        if wanted.name & _first_words(clause):
            return True
        stems = list(map(stem, words(clause)))
        if any(_holds(stems, key) for key in wanted.keys):
            return True
        said.update(stems)
    if wanted.whole_name <= said:
        return True
    heavy = _heavy(wanted.name)
    core = {one for one in heavy if _is_said(one, said)}
    given = _heavy(one for value in texts_in(arguments) for one in content_stems(_spaced(value)))
    values = {one for one in given if _is_said(one, said)}
    is_one_word = heavy == wanted.whole_name and len(heavy) == 1
    if len(core) >= 2 or (core and (is_one_word or values or wanted.about & said)):
        return True
    if values and wanted.about & said:
        return True
    # A part of a name such as `hand_out` alone is another word.
    named = core if wanted.whole_name - heavy <= said else set()
    return bool(named | values) and any(map(_asks_for_something, clauses))


def _holds(stems: Sequence[str], key: Sequence[str]) -> bool:
    """Whether words stand side by side in a clause."""
    size = len(key)
    return size > 0 and any(
        tuple(stems[at : at + size]) == tuple(key) for at in range(len(stems) - size + 1)
    )


def _asks_for_something(clause: str) -> bool:
    """Whether a clause wants something done, and not only told."""
    return bool(_ASKING_FOR.search(clause)) and not _ASKING_TO_TELL.search(clause)


def _clauses(text: str) -> Iterator[str]:
    """What is wanted, in small letters; what is refused or past is left out."""
    for sentence in split_sentences(text.casefold()):
        for part in _CLAUSE.split(sentence):
            clause = " ".join(part.split())
            is_refused = _REFUSED.search(clause) and not _ASKED_WITH_NOT.search(clause)
            if clause and not is_refused and not _ABOUT_THE_PAST.search(clause):
                yield clause


def _first_words(clause: str) -> frozenset[str]:
    """The stem a request begins with, politeness aside: `open` in "could you open it"."""
    rest = words(clause[_end_of_opening(clause) :])[:1]
    return frozenset(map(stem, rest)) - SMALL_TALK


def _end_of_opening(clause: str) -> int:
    match = _OPENING.match(clause)
    return match.end() if match else 0


def _is_said(one: str, said: Collection[str]) -> bool:
    if one in said or any(other in said for other in said_instead(one)):
        return True
    is_long = len(one) >= _MIN_PREFIX_CHARS
    return is_long and any(
        other.startswith(one) or (len(other) >= _MIN_PREFIX_CHARS and one.startswith(other))
        for other in said
    )


def _heavy(stems: Iterable[str]) -> frozenset[str]:
    """Stems that say something of a subject; numbers do not."""
    return frozenset(one for one in stems if one not in SMALL_TALK and not one.isdigit())


def texts_in(value: object) -> Iterator[str]:
    """All texts of an argument, also inside of lists and groups."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from texts_in(inner)


def _spaced(name: str) -> str:
    """A name as words: `offerItem` and `offer_item` are two."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[_.\-/]", " ", name)
