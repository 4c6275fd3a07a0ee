"""Names and numbers that stand nowhere in a prompt: what a character cannot know.

A name is a capitalised word that does not begin a sentence. Small talk may count to three, name
days and months, and swear by whom it likes.
"""

import re
from collections.abc import Iterable
from functools import cached_property

from npc_engine.memory.words import STOP_WORDS, numbers_by_word, words

_CLOCK = re.compile(r"\b([01]?\d|2[0-3]):[0-5]\d\b")
_COMPOUND = re.compile(
    r"\b(twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)[- ]"
    r"(one|two|three|four|five|six|seven|eight|nine)\b",
    re.IGNORECASE,
)
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
OPENERS = frozenset("\"'“‘«([*:;—–-.!?…")
"""Signs after which a capital letter makes no name."""


class KnownNames:
    """The names and numbers a reply may hold."""

    def __init__(self, prompt: str, allowed: Iterable[str] = ()) -> None:
        """Take what the model was told; it is read when the first name or number comes.

        Args:
            prompt: The whole prompt, the player's line included.
            allowed: More names, such as those of the cast.
        """
        self._prompt = prompt
        self._allowed = tuple(allowed)

    @cached_property
    def _words(self) -> frozenset[str]:
        told = set(words(self._prompt))
        for name in self._allowed:
            told.update(words(name))
        return frozenset(told)

    @cached_property
    def _numbers(self) -> frozenset[str]:
        known = set(_ALLOWED_NUMBERS)
        known.update(word for word in self._words if word.isdigit())
        by_word = numbers_by_word()
        known.update(by_word[word] for word in self._words if word in by_word)
        for tens, unit in _COMPOUND.findall(self._prompt):
            units = by_word.get(unit.casefold(), "1")
            known.add(str(int(by_word[tens.casefold()]) + int(units)))
        for number in [int(word) for word in known if len(word) == 2]:
            known.update((str(number - number % 10), str(number % 10)))
        for hour in _CLOCK.findall(self._prompt):
            known.add(str(int(hour) % 12 or 12))
        return frozenset(known)

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
        if opens or not _looks_like_name(bare) or lower in _ALLOWED_NAMES:
            return False
        known = self._words
        return not (lower in known or lower.removesuffix("s") in known or f"{lower}s" in known)

    def may_become_one(self, partial: str, *, opens: bool) -> bool:
        """Whether a word that is being written may still turn out to be invented."""
        if partial[:1].isdigit():
            return True
        if partial[:1].isupper() and not opens:
            return True
        return partial.casefold() in self._beginnings

    def _has_number(self, lower: str) -> bool:
        if lower in self._words:
            return True
        digits = re.match(r"\d+", lower)
        value = numbers_by_word().get(lower) or (digits.group() if digits else lower)
        return value in self._numbers


def _looks_like_name(word: str) -> bool:
    """Capital first and small letters after it; words shouted in capitals are no names."""
    return (
        len(word) > 1
        and word[0].isupper()
        and word[1:].islower()
        and word.casefold() not in STOP_WORDS
    )
