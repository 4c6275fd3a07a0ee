"""Names and numbers that stand nowhere in a prompt: what a character cannot know.

A name is a capitalised word that does not begin a sentence. Small talk may count to three, name
days and months, and swear by whom it likes.
"""

import re
from collections.abc import Collection, Iterable
from functools import cached_property

from npc_engine.dialogue.unanswerable import Wanted, opens_plainly
from npc_engine.memory.words import STOP_WORDS, numbers_by_word, words

_CLOCK = re.compile(r"(\d\d?):[0-5]\d(?!\d)")
_DIGITS = re.compile(r"\d+")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS = "(one|two|three|four|five|six|seven|eight|nine)"
_SMALL_TALK = """
monday tuesday wednesday thursday friday saturday sunday january february march april may june july
august september october november december christmas easter yule midsummer midwinter
god gods lord lady sir madam ma'am mister miss mrs mr ms dr saint father mother brother sister
captain sergeant master mistress king queen prince princess majesty highness heaven hell devil
english ok tv aye nay oh ah well yes no hello hi hey good welcome please thanks thank bye
north south east west sun moon earth
"""
_ALLOWED_NAMES = frozenset(_SMALL_TALK.split())
_ALLOWED_NUMBERS = frozenset(("0", "1", "2", "3"))
_ROUND = frozenset(("hundred", "thousand"))
"""A hundred times is no number that anybody counted."""
TITLES = frozenset(("mr", "mrs", "ms", "dr", "st", "prof", "capt", "sgt", "lt", "col"))
"""What is written with a full stop before a name."""
OPENERS = frozenset("\"'“‘«([*:;—–-.!?…")
"""Signs after which a capital letter makes no name."""


class KnownNames:
    """The names and numbers a reply may hold."""

    def __init__(
        self,
        prompt: str,
        allowed: Iterable[str] = (),
        *,
        line: str = "",
        unanswerable: Collection[Wanted] = (),
        reads_capitals: bool = True,
    ) -> None:
        """Take what the model was told; it is searched when a name or number comes.

        Args:
            prompt: The whole prompt, the player's line included.
            allowed: More names, such as those of the cast.
            line: The player's words.
            unanswerable: What the line asks for though nothing in the prompt speaks of it. Names
                then count at the beginning of a sentence too, and one to three are numbers like
                any other, wherever else they stand.
            reads_capitals: Whether a capital letter means a name in this language; else only
                numbers are looked at.
        """
        self._reads_capitals = reads_capitals
        self._line_numbers = _numbers_in(line) if "number" in unanswerable else None
        self._minds_openings = "name" in unanswerable
        self._told = "\n".join((prompt, *allowed)).casefold()
        self._found: dict[str, bool] = {}

    @cached_property
    def _numbers(self) -> frozenset[str]:
        told, by_word = self._told, numbers_by_word()
        known = {*_ALLOWED_NUMBERS, *_DIGITS.findall(told)}
        known.update(value for word, value in by_word.items() if self.is_told(word))
        for tens in filter(self.is_told, _TENS):
            for unit in re.findall(rf"{tens}[- ]{_UNITS}(?!\w)", told):
                known.add(str(int(by_word[tens]) + int(by_word.get(unit, "1"))))
        for number in [int(word) for word in known if len(word) == 2]:
            known.update((str(number - number % 10), str(number % 10)))
        for hour in _CLOCK.findall(told):
            known.add(str(int(hour) % 12 or 12))
        return frozenset(known)

    def is_told(self, word: str) -> bool:
        """Whether a word in small letters stands in the prompt as a whole word."""
        if word not in self._found:
            self._found[word] = has_word(self._told, word)
        return self._found[word]

    @cached_property
    def _beginnings(self) -> frozenset[str]:
        """Beginnings of all words that would be an unknown number."""
        unknown = [word for word in numbers_by_word() if not self._has_number(word)]
        return frozenset(word[:length] for word in unknown for length in range(1, len(word) + 1))

    def is_invented(self, word: str, *, opens: bool, before: str) -> bool:
        """Whether a word is a name or number that nobody told.

        Args:
            word: As it was written.
            opens: Whether a capital letter means nothing here.
            before: The word before it in the sentence, in small letters.
        """
        bare = word.replace("’", "'").partition("'")[0]
        lower = bare.casefold()
        if bare[:1].isdigit():
            return not self._has_number(lower)
        if lower in numbers_by_word():
            is_figure_of_speech = lower in _ROUND and before in ("a", "the", "per", "")
            return not is_figure_of_speech and not self._has_number(lower)
        if not self._reads_capitals or not _looks_like_name(bare) or lower in _ALLOWED_NAMES:
            return False
        if opens and (not self._minds_openings or opens_plainly(lower)):
            return False
        return not any(map(self.is_told, (lower, lower.removesuffix("s"), f"{lower}s")))

    def may_become_one(self, partial: str, *, opens: bool) -> bool:
        """Whether a word that is being written may still turn out to be invented."""
        if partial[:1].isdigit():
            return True
        reads = self._reads_capitals
        if reads and partial[:1].isupper() and (self._minds_openings or not opens):
            return True
        return partial.casefold() in self._beginnings

    def _has_number(self, lower: str) -> bool:
        digits = re.match(r"\d+", lower)
        value = numbers_by_word().get(lower) or (digits.group() if digits else lower)
        if self._line_numbers is not None and value in _ALLOWED_NUMBERS:
            return value in self._line_numbers
        return value in self._numbers


def _numbers_in(line: str) -> frozenset[str]:
    """The numbers of a line, as digits."""
    by_word = numbers_by_word()
    spoken = (by_word[word] for word in words(line) if word in by_word)
    return frozenset((*_DIGITS.findall(line), *spoken))


def has_word(text: str, word: str) -> bool:
    """Whether a word stands in a text as a whole; a plain search is fast where a pattern is not."""
    at = text.find(word) if word else -1
    while at >= 0:
        end = at + len(word)
        if not text[at - 1 : at].isalnum() and not text[end : end + 1].isalnum():
            return True
        at = text.find(word, at + 1)
    return False


def _looks_like_name(word: str) -> bool:
    """Capital first and small letters after it; words shouted in capitals are no names."""
    return (
        len(word) > 1
        and word[0].isupper()
        and word[1:].islower()
        and word.casefold() not in STOP_WORDS
    )
