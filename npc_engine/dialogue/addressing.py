"""Whom words are said to, by the words alone: "Mira, any work?", but not "I saw Mira yesterday".

A name counts where it stands apart from the sentence, as people call each other; a name that only
takes part in the sentence is spoken of. Knows English sentences and nothing of who is where.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

_MAX_CHARS = 1000
"""Names behind this are not looked for."""

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_ENDS = frozenset(".!?…;:\n")
_NOUN_END_LIST = """
of at in on for from with who whose whom which that and or to by near under over as is
"""
_NOUN_ENDS = frozenset(_NOUN_END_LIST.split())
_GREETING_LIST = """
hey hi hello oi ho hail ah oh well now so and but then please look listen say tell me excuse pardon
sorry thanks thank good morning day evening afternoon night greetings welcome farewell goodbye bye
yes no aye nay okay ok right sir madam come on here there what about how hm hmm my dear you
"""
_GREETINGS = frozenset(_GREETING_LIST.split())
"""Words that may stand before a name that is called, from the start of the sentence on."""
_TITLE_LIST = """
old young dear good master mistress miss mister mr mrs ms poor sweet little
"""
_TITLES = frozenset(_TITLE_LIST.split())
_AND = frozenset(("and", "or", "&"))
_ASKED = re.compile(
    r"(?:what|how|why|when|where|who|which"
    r"|(?:do|did|are|were|can|could|will|would|have|has|shall|should|is|was|may|might)"
    r" (?:you|i|it|there)"
    r"|(?:tell|give|show|help|listen|look|please|come|wait|stop|i need|i want|i am|i'm|you))\b",
    re.IGNORECASE,
)
"""What may follow a name that is called without a comma: "Mira what do you think"."""
_EVERYBODY = re.compile(
    r"\b(?:all of you|you all|both of you|you both|you two|you three|the (?:two|three|four) of you"
    r"|each of you|every one of you|all of us here)\b",
    re.IGNORECASE,
)
_EVERYBODY_WORDS = frozenset(("everyone", "everybody", "all", "friends", "folks", "gentlemen"))
"""They call all who are there where a name could stand."""
_ANYBODY = re.compile(
    r"\b(?:any(?:one|body)|some(?:one|body)|(?:any|either|one|which|who) of you"
    r"|who (?:here|among you)|does no one|has no one|no one here)\b",
    re.IGNORECASE,
)
_YOU = re.compile(r"\b(?:you|your|yours|yourself)\b", re.IGNORECASE)

Called = Literal["nobody", "somebody", "everybody", "anybody"]


@dataclass(frozen=True, slots=True)
class Addressed:
    """Whom words are said to."""

    called: Called
    ids: tuple[str, ...] = ()
    """Who was called by name, in the order in which they were."""
    is_second_person: bool = False
    """Whether they speak to a "you" at all."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    end: int


def role_of(summary: str) -> str:
    """The word for what somebody is, such as `blacksmith`, in small letters; empty if unclear.

    Args:
        summary: As a sheet has it: "Blunt blacksmith of Oakhollow whose first forge was burned."
    """
    words: list[str] = []
    for match in _WORD.finditer(summary):
        word = match[0].casefold()
        if word in _NOUN_ENDS or (words and "," in summary[: match.start()]):
            break
        words.append(word)
    return words[-1] if words and len(words[-1]) > 3 else ""


def addressed(text: str, names: Mapping[str, Iterable[str]]) -> Addressed:
    """Whom words are said to.

    Args:
        text: The words.
        names: By id, what each who is there may be called: names, and words such as `blacksmith`.
            What two of them are called calls neither.
    """
    text = text[:_MAX_CHARS]
    ids = _by_word(names)
    found: list[str] = []
    everybody = _EVERYBODY.search(text) is not None
    for sentence in _sentences(text):
        called, all_of_them = _called_in(sentence, text, ids)
        found += called
        everybody = everybody or all_of_them
    is_you = _YOU.search(text) is not None
    if found:
        return Addressed("somebody", tuple(dict.fromkeys(found)), is_you)
    if everybody:
        return Addressed("everybody", (), is_you)
    return Addressed("anybody" if _ANYBODY.search(text) else "nobody", (), is_you)


def _by_word(names: Mapping[str, Iterable[str]]) -> dict[tuple[str, ...], str]:
    """Ids by what they are called, in small letters and word by word; empty ids where unclear."""
    ids: dict[tuple[str, ...], str] = {}
    for id, called in names.items():
        for name in set(called):
            words = tuple(match[0].casefold() for match in _WORD.finditer(name))
            if words:
                ids[words] = id if ids.get(words, id) == id else ""
    return ids


def _sentences(text: str) -> list[list[_Token]]:
    """The words of each sentence; a colon or semicolon ends one too."""
    sentences: list[list[_Token]] = [[]]
    before = 0
    for match in _WORD.finditer(text):
        if not _ENDS.isdisjoint(text[before : match.start()]):
            sentences.append([])
        sentences[-1].append(_Token(match[0].casefold(), match.start(), match.end()))
        before = match.end()
    return [sentence for sentence in sentences if sentence]


@dataclass(frozen=True, slots=True)
class _Name:
    """A name in a sentence: from one token to before another."""

    id: str
    first: int
    end: int


def _called_in(
    tokens: Sequence[_Token], text: str, ids: Mapping[tuple[str, ...], str]
) -> tuple[list[str], bool]:
    """Who is called in one sentence, and whether all are."""
    found: list[str] = []
    for run in _runs(tokens, text, _names(tokens, ids)):
        found += [name.id for name in _called_of(run, tokens, text)]
    return [id for id in found if id != "*"], "*" in found


def _names(tokens: Sequence[_Token], ids: Mapping[tuple[str, ...], str]) -> list[_Name]:
    longest = max(map(len, ids), default=0)
    names = []
    place = 0
    while place < len(tokens):
        for length in range(min(longest, len(tokens) - place), 0, -1):
            words = tuple(token.text for token in tokens[place : place + length])
            if ids.get(words):
                names.append(_Name(ids[words], place, place + length))
                place += length
                break
        else:
            if tokens[place].text in _EVERYBODY_WORDS:
                names.append(_Name("*", place, place + 1))
            place += 1
    return names


def _runs(tokens: Sequence[_Token], text: str, names: Sequence[_Name]) -> list[list[_Name]]:
    """Names that stand together: "Mira and Bett", "Mira, Bett"."""
    runs: list[list[_Name]] = []
    for name in names:
        if runs:
            last = runs[-1][-1]
            between = [token.text for token in tokens[last.end : name.first]]
            if all(word in _AND for word in between) and len(between) <= 1:
                runs[-1].append(name)
                continue
        runs.append([name])
    return runs


def _called_of(run: list[_Name], tokens: Sequence[_Token], text: str) -> list[_Name]:
    """Those of a run that are called."""
    if not _stands_apart_before(run[0], tokens, text):
        is_listed = any(token.text in _AND for token in tokens[run[0].end : run[-1].first])
        is_last_apart = (
            len(run) > 1
            and not is_listed
            and _comma_before(run[-1], tokens, text)
            and run[-1].end == len(tokens)
        )
        return [run[-1]] if is_last_apart else []
    for size in range(len(run), 0, -1):
        if _stands_apart_after(run[size - 1], tokens, text):
            return run[:size]
    return []


def _comma_before(name: _Name, tokens: Sequence[_Token], text: str) -> bool:
    if name.first == 0:
        return False
    between = text[tokens[name.first - 1].end : tokens[name.first].start]
    return "," in between or "—" in between


def _stands_apart_before(name: _Name, tokens: Sequence[_Token], text: str) -> bool:
    """Whether the sentence is open for a call where a name begins."""
    first = name.first
    while first and tokens[first - 1].text in _TITLES and not _comma_at(first, tokens, text):
        first -= 1
    if first == 0 or _comma_at(first, tokens, text):
        return True
    before = [token.text for token in tokens[:first]]
    is_at_end = name.end == len(tokens)
    return all(word in _GREETINGS for word in before) or (before[-1] == "you" and is_at_end)


def _comma_at(place: int, tokens: Sequence[_Token], text: str) -> bool:
    between = text[tokens[place - 1].end : tokens[place].start] if place else ""
    return "," in between or "—" in between


def _stands_apart_after(name: _Name, tokens: Sequence[_Token], text: str) -> bool:
    """Whether a call may end where a name ends."""
    if name.end == len(tokens):
        return True
    rest = text[tokens[name.end - 1].end :]
    if rest.lstrip(" ")[:1] in (",", "—"):
        return True
    opens = name.first == 0 or all(token.text in _GREETINGS for token in tokens[: name.first])
    return opens and _ASKED.match(rest.lstrip()) is not None
