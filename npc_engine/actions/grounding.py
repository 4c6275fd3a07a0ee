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
    r"^(?:so |and |well )?(?:(?:why|when|who|where|how|what) )?(?:did|was|were|had|have you|has)\b"
)
_ASKING_FOR = re.compile(
    r"\b(?:please|give me|get me|sell me|show me|hand me|bring me|let me|let us|let['’]s|"
    r"(?:can|could|will|would|wo|may|might) (?:you|i|we)|i(?:['’]d| would) like|i(?:['’]ll| will)|"
    r"i (?:want|need|take)|you (?:can|may|must|should)|how about|i wish)\b"
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
    keys: tuple[frozenset[str], ...]
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
    about = _heavy(content_stems(description))
    about |= _heavy(stem for each in parameters for stem in content_stems(_spaced(each)))
    phrases = tuple(frozenset(content_stems(key) or words(key)) for key in keys)
    return _Wanted(named, phrases, about - named)


def _calls_for(text: str, wanted: _Wanted, arguments: Mapping[str, Any]) -> bool:
    clauses = list(_clauses(text))
    said: set[str] = set()
    for clause in clauses:
        if wanted.name & _first_words(clause):
            return True
        said.update(map(stem, words(clause)))
    if any(key <= said for key in wanted.keys) or (wanted.name and wanted.name <= said):
        return True
    heavy = _heavy(wanted.name)
    core = {one for one in heavy if _is_said(one, said)}
    core |= {one for key in wanted.keys for one in _heavy(key) if one in said}
    values = _heavy(one for value in _texts(arguments) for one in content_stems(value)) & said
    if len(core) >= 2 or (core and (len(heavy) == 1 or values or wanted.about & said)):
        return True
    asks = any(_ASKING_FOR.search(clause) for clause in clauses)
    return bool(values) and (asks or bool(wanted.about & said))


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


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield _spaced(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)


def _spaced(name: str) -> str:
    """A name as words: `offerItem` and `offer_item` are two."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[_.\-/]", " ", name)
