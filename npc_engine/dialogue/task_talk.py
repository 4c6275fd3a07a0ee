"""Signs of an assistant at work: lists, sums, code and the words of an office.

Only looked for where the player asked for such work, because a character may count on its fingers.
"""

import re
from collections.abc import Callable, Collection

_WORD_LIST = """
resume resumes résumé résumés employer employers employee employees hiring recruiter recruiters
keyword keywords qualifications linkedin networking career careers workplace professional
professionally skills interview interviews interviewer achievements accomplishments research
function functions variable variables loop loops string strings integer integers array arrays
boolean parameter parameters code coding script scripts python javascript html sql def const
console println syntax compile algorithm algorithms input output paragraph paragraphs essay essays
article articles thesis introduction bullet email emails sincerely headline summarize summarise
equation equations multiply multiplying multiplied multiplication subtract subtracting division
equals calculate calculating calculation calculations formula exponent solution solutions approach
approaches method methods technique techniques strategy strategies productivity prioritize
prioritise translation translations translates vocabulary preheat tablespoon tablespoons teaspoon
teaspoons overview effectively efficiently specific specifically additionally furthermore overall
"""
OFFICE_WORDS = frozenset(_WORD_LIST.split())
_ENOUGH = 2
"""So many different ones in one reply."""
_BEGINNINGS = frozenset(
    word[:length] for word in OFFICE_WORDS for length in range(1, len(word) + 1)
)
PHRASES = """
(tip|step|point|tips|steps) (one|two|three|four|five|1|2|3|4|5|number)
there are (two|three|four|five|several|many|a few|various|multiple|some) (main|key|different|) (
    ways|methods|steps|approaches) to
let's (solve|calculate|multiply|work through|start by) (this|the|it|multiplying|with the)
let's break (this|it|that|the problem) (down|into)
^ to (solve|calculate|find) (this|the|that)
(here is|here's|here are) (a|an|the|your|some|my|NUM) (code|function|script|recipe|translation|
    list|draft|essay|summary|email|article|solution|equation|result|example|examples|tips|steps)
dear (hiring|sir or|recruiter)
"""
"""What begins such work."""

_FIRST = frozenset(("first", "firstly"))
_SECOND = frozenset(("second", "secondly"))
_SECOND_BEGINNINGS = frozenset("secondly"[:length] for length in range(1, 9))
_OPENING = re.compile(r"(?:^|[.!?:;\n])[\s\"'“*]*$")
"""What stands before a word that opens a sentence, or a part of one behind a colon."""
_BULLET = r"(?:[-*•–]|\d{1,2}[.)]|\(\d{1,2}\))"
_BEFORE_ITEM = re.compile(rf"\s*{_BULLET}\s+")
_MAY_OPEN_ITEM = re.compile(rf"\s*(?:{_BULLET}|\(\d{{0,2}})\s*")
_BEFORE_NUMBER = re.compile(r"\s*\(?")
_BEFORE_SUMMAND = re.compile(r"\d\s*[+*/×÷^=]\s*$|\d\s+[-x–−]\s+$")


class TaskWatch:
    """Follows one reply."""

    def __init__(self, spoken: Collection[str], is_own_word: Callable[[str], bool]) -> None:
        """Begin a reply.

        Args:
            spoken: Words that mean nothing here: the player's own, which a refusal says again.
            is_own_word: Whether a word belongs to the character's own vocabulary.
        """
        self._spoken = spoken
        self._is_own_word = is_own_word
        self._said: dict[str, int] = {}
        self._first: int | None = None

    def word(self, word: str, start: int, text: str, line_start: int) -> int | None:
        """Note a whole word; where the work began that shows with it, or None.

        Args:
            word: In small letters.
            start: Where it stands.
            text: The reply so far.
            line_start: Where its line begins.
        """
        if _BEFORE_ITEM.fullmatch(text, line_start, start):
            return line_start
        if word[0].isdigit() and _before(_BEFORE_SUMMAND, text, start):
            return start
        if word in _FIRST and self._first is None and _before(_OPENING, text, start):
            self._first = start
        elif word in _SECOND and self._first is not None and _before(_OPENING, text, start):
            return self._first
        if word in OFFICE_WORDS and word not in self._spoken and not self._is_own_word(word):
            self._said.setdefault(word, start)
            if len(self._said) >= _ENOUGH:
                return min(self._said.values())
        return None

    def begun_at(self, partial: str, at: int, text: str, line_start: int) -> int | None:
        """Where work begins that the next word may show, or None.

        Args:
            partial: The beginning of the word that is being written; empty between words.
            at: Where that word stands, or the end of the text.
            text: The reply so far.
            line_start: Where its line begins.
        """
        opens_item = _BEFORE_ITEM if partial else _MAY_OPEN_ITEM
        if partial.isdigit() and _BEFORE_NUMBER.fullmatch(text, line_start, at):
            return line_start
        if opens_item.fullmatch(text, line_start, at):
            return line_start
        is_summand = partial[:1].isdigit() and _before(_BEFORE_SUMMAND, text, at)
        is_second = self._first is not None and partial in _SECOND_BEGINNINGS
        is_office = len(self._said) >= _ENOUGH - 1 and partial in _BEGINNINGS
        return at if is_summand or is_second or is_office else None


def is_code(sign: str, at: int, text: str) -> bool:
    """Whether a sign at a place is one of program text."""
    return sign in "`{}" or (sign == "(" and text[at - 1 : at].isalpha())


def _before(pattern: re.Pattern[str], text: str, at: int) -> bool:
    return pattern.search(text, max(0, at - 8), at) is not None
