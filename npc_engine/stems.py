"""Words of a text and their stems: the one crude reading that searching and checks share.

English by its endings; Chinese and Japanese by pairs of characters. Good for comparing, never shown
to anybody.
"""

import re
import unicodedata
from collections.abc import Mapping

_WORD = re.compile(r"[^\W_]+")
_NO_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")

_STOP_WORDS = """
a about after again all also am an and any anybody anyone anything are aren as at be because been
before being both but by can cannot could couldn did didn do does doesn don done each else ever
every everybody everyone everything few for from get go got had has have haven having he her here
hers him his how i if in into is isn it its just let ll m many may me might more most much must my
myself no nobody none nor not nothing now of off oh on one or other our out over own re s shall
she should so some somebody someone something such t than that the their them then there these
they this those through to too under until up us ve very was wasn we well were what when where
which while who whom whose why will with without won would yes yet you your yours
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())

_SUFFIXES = (
    ("ingly", ""),
    ("edly", ""),
    ("ing", ""),
    ("ies", "y"),
    ("ied", "y"),
    ("ed", ""),
    ("es", ""),
    ("s", ""),
    ("ly", ""),
)
_LAST_OF_SUFFIXES = frozenset(suffix[-1] for suffix, _ in _SUFFIXES)
_MIN_STEM_CHARS = 3

# "one" is not among them: it is far more often a pronoun than a count.
_SMALL_NUMBERS = """
two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty
"""
_TENS = "thirty forty fifty sixty seventy eighty ninety hundred"
_NUMBER_WORDS = {
    **{word: str(number) for number, word in enumerate(_SMALL_NUMBERS.split(), start=2)},
    **{word: str(10 * number) for number, word in enumerate(_TENS.split(), start=3)},
    "zero": "0",
    "thousand": "1000",
}


def numbers_by_word() -> Mapping[str, str]:
    """The words that are numbers, with their digits; "one" is not among them."""
    return _NUMBER_WORDS


def words(text: str) -> list[str]:
    """Casefolded words and numbers; a run of Chinese or Japanese as overlapping pairs."""
    found: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
        if not word.isascii() and _NO_SPACES.search(word):
            found.extend(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        else:
            found.append(word)
    return found


def stem(word: str) -> str:
    """A casefolded word without its English ending: `forges`, `forged` and `forge` agree."""
    if word.isdigit():
        return word
    for suffix, instead in _SUFFIXES if word[-1:] in _LAST_OF_SUFFIXES else ():
        rest = word.removesuffix(suffix)
        if rest != word and len(rest) >= _MIN_STEM_CHARS and not word.endswith("ss"):
            word = rest + instead
            if suffix in ("ing", "ed") and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    shorter = word.removesuffix("e")
    return shorter if len(shorter) >= _MIN_STEM_CHARS else word


def content_stems(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order, repetitions kept; numbers always count."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]
