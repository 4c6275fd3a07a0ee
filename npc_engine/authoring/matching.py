"""How expectations compare words: whole phrases, in forgiving spelling; or a regular expression.

Case, kinds of quotation marks, spaces and `*stage directions*` make no difference to a phrase.
"""

import re
import unicodedata
from dataclasses import dataclass

_QUOTES = str.maketrans({
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "ʼ": "'", "`": "'",
    "“": '"', "”": '"', "„": '"', "‟": '"', "«": '"', "»": '"',
})  # fmt: skip
_STAGE_DIRECTION = re.compile(r"(?<!\*)\*(?![*\s])[^*\n]{1,200}(?<![*\s])\*(?!\*)")
_SLASHED = re.compile(r"/(.+)/([ims]*)", re.DOTALL)
_WORD = re.compile(r"\w+(?:'\w+)*")
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
)
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}


def tidy(text: str, *, spoken: bool = True) -> str:
    """The text with straight quotes and single spaces, case kept: what expressions search.

    Args:
        text: Any text.
        spoken: Whether `*stage directions*` are taken out, as they are from replies.
    """
    straight = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    heard = _STAGE_DIRECTION.sub(" ", straight) if spoken else straight
    return " ".join(heard.split())


def normalised(text: str, *, spoken: bool = True) -> str:
    """`tidy`, without case: what plain phrases are compared in."""
    return tidy(text, spoken=spoken).casefold()


def words_of(text: str) -> list[str]:
    """The words of a text, normalised; an apostrophe inside a word belongs to it."""
    return _WORD.findall(normalised(text))


def is_expression(phrase: str) -> bool:
    """Whether a phrase is written as `/…/` or `/…/i`."""
    return _SLASHED.fullmatch(phrase) is not None


def compile_expression(phrase: str) -> re.Pattern[str]:
    """The pattern of `/…/ims`, or of a bare expression; raises `re.error`."""
    slashed = _SLASHED.fullmatch(phrase)
    if slashed is None:
        return re.compile(phrase)
    flags = re.RegexFlag(0)
    for letter in slashed[2]:
        flags |= _FLAGS[letter]
    return re.compile(slashed[1], flags)


@dataclass(frozen=True, slots=True)
class Searched:
    """A text made ready for many searches."""

    tidy: str
    folded: str

    @classmethod
    def of(cls, text: str, *, spoken: bool = True) -> "Searched":
        """Prepare a text; see `tidy` for `spoken`."""
        ready = tidy(text, spoken=spoken)
        return cls(ready, ready.casefold())

    def has(self, phrase: str) -> bool:
        """Whether a phrase stands in it: on word borders, or as the expression it is."""
        if is_expression(phrase):
            return self.matches(phrase)
        wanted = normalised(phrase, spoken=False)
        if not wanted:
            return False
        pattern = (
            _border(wanted[0], r"(?<!\w)") + re.escape(wanted) + _border(wanted[-1], r"(?!\w)")
        )
        return re.search(pattern, self.folded) is not None

    def matches(self, expression: str) -> bool:
        """Whether a regular expression finds anything; its own flags decide about case."""
        return compile_expression(expression).search(self.tidy) is not None

    def equals(self, text: str) -> bool:
        """Whether it is the same text, normalised."""
        return self.folded == normalised(text)


def _border(character: str, look_around: str) -> str:
    """Word border beside a letter; none beside signs and in scripts written without spaces."""
    needs_one = (character.isalnum() or character == "_") and not _UNSPACED.match(character)
    return look_around if needs_one else ""


def shares_run(text: str, other: str, num_words: int) -> str:
    """The first run of so many words of `text` that also stands in `other`; empty if there is none.

    A text with fewer words counts as a whole; one of fewer than three words never counts.
    """
    words, others = words_of(text), words_of(other)
    length = min(num_words, len(words))
    if length < 3:
        return ""
    known = {tuple(others[i : i + length]) for i in range(len(others) - length + 1)}
    for start in range(len(words) - length + 1):
        run = tuple(words[start : start + length])
        if run in known:
            return " ".join(run)
    return ""
