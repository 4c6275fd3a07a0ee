"""What texts are compared by: sentences, content stems, names and numbers.

One crude, fast reading of English and, by pairs of characters, of Chinese and Japanese; good for
scores and checks, never shown to anybody. Knows no NPC and no store.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable

from npc_engine.sentences import split_sentences
from npc_engine.stems import STOP_WORDS, content_stems, numbers_by_word, stem, words

__all__ = [
    "STOP_WORDS",
    "content_stems",
    "is_question",
    "jaccard",
    "lexicon_of",
    "names_and_numbers",
    "numbers_by_word",
    "scripts",
    "sentences",
    "stem",
    "words",
]

_WORD = re.compile(r"[^\W_]+")
_OPENING = re.compile(r"[\"'“‘«(\[*:;—–-]\s*$")


def sentences(text: str) -> list[str]:
    """The sentences of a text with single spaces; a line break ends one too."""
    return [" ".join(piece.split()) for row in text.splitlines() for piece in split_sentences(row)]


def is_question(sentence: str) -> bool:
    """Whether a sentence ends with a question mark, closing quotes and brackets aside."""
    return sentence.rstrip("\"'”’»)]*!").endswith(("?", "？"))


def lexicon_of(names: Iterable[str]) -> frozenset[str]:
    """The casefolded words of known names: `The Rusty Tankard` gives rusty and tankard."""
    return frozenset(word for name in names for word in words(name) if word not in STOP_WORDS)


def names_and_numbers(text: str, lexicon: Collection[str] = ()) -> set[str]:
    """Names and numbers in a text: what a summary must keep and must not make up.

    A name is a word of the lexicon, or a capitalised word that does not begin a sentence, a
    quotation or what follows a colon. Numbers are digits, also those written as words: `thirty`
    gives 30. Everything comes out casefolded.

    Args:
        text: Any text.
        lexicon: From `lexicon_of`.
    """
    found = set()
    for sentence in sentences(unicodedata.normalize("NFKC", text)):
        for match in _WORD.finditer(sentence):
            word, lower = match.group(), match.group().casefold()
            before = sentence[: match.start()]
            if any(character.isdigit() for character in word):
                found.add(lower)
            elif lower in numbers_by_word():
                found.add(numbers_by_word()[lower])
            elif lower in lexicon or (_is_capitalised(word) and not _opens(before)):
                found.add(lower)
    return found


def _is_capitalised(word: str) -> bool:
    """Capital first and small letters after it; words shouted in capitals are no names."""
    return word[0].isupper() and word[1:].islower() and word.casefold() not in STOP_WORDS


def _opens(before: str) -> bool:
    return not _WORD.search(before) or _OPENING.search(before) is not None


def jaccard(one: Collection[str], other: Collection[str]) -> float:
    """Shared share of two sets, 0 to 1; 0 for two empty ones."""
    first, second = set(one), set(other)
    either = first | second
    return len(first & second) / len(either) if either else 0.0


def scripts(text: str) -> set[str]:
    """The writing systems of a text's letters, such as LATIN, CYRILLIC or CJK."""
    letters = {character for character in text if character.isalpha()}
    return {unicodedata.name(letter, "UNKNOWN").split()[0] for letter in letters}
