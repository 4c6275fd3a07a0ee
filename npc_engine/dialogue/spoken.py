"""How the guard reads words: the same ones, however a text was cut into pieces on its way."""

import re

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+(?:['’][^\W{_UNSPACED}]+)*")
"""A word; a single sign in scripts that are written without spaces."""
_SIGN = re.compile(f"[{_UNSPACED}]")


def normal(word: str) -> str:
    """A word as words are compared: in small letters, with straight apostrophes."""
    return word.casefold().replace("’", "'")


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, as they are compared."""
    return tuple(normal(word) for word in _WORD.findall(text))


def word_end(text: str, start: int, *, final: bool) -> int | None:
    """Where the word ends that begins at `start`; None while more of it may come.

    Args:
        text: What is there so far.
        start: Where a letter or digit stands.
        final: Whether nothing more comes.
    """
    match = _WORD.match(text, start)
    end = match.end() if match else start + 1
    if final or _SIGN.match(text, start) or text[end : end + 2] not in ("", "'", "’"):
        return end
    return None
