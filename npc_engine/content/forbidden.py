"""Characters that no authored text may hold: they hide, reorder or control what a person sees.

Control codes can take over a terminal, bidirectional overrides and tag characters make text read
other than it looks. Letters of every script, emoji and the joiners they need are welcome.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
    "\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)

_NAMES = {
    0x00: "a NUL byte",
    0x07: "a bell (BEL)",
    0x08: "a backspace",
    0x1B: "an escape character (ESC)",
    0x7F: "a delete character (DEL)",
    0x85: "a next-line character (NEL)",
    0x2028: "a line separator",
    0x2029: "a paragraph separator",
    0xFEFF: "a byte order mark",
}


class Stray(NamedTuple):
    """One forbidden character in a text."""

    at: int
    """Its place in the text."""
    name: str
    """In words, with its code point: `an escape character (ESC), U+001B`."""


def find_forbidden(text: str) -> Iterator[Stray]:
    """Every forbidden character, in order."""
    for match in _FORBIDDEN.finditer(text):
        yield Stray(match.start(), _name(ord(match.group())))


def without_forbidden(text: str) -> str:
    """The same text with U+FFFD for each forbidden character, so that places stay the same."""
    return _FORBIDDEN.sub("\ufffd", text)


def _name(code: int) -> str:
    if code in _NAMES:
        words = _NAMES[code]
    elif 0xE0000 <= code <= 0xE007F:
        words = "an invisible tag character"
    elif 0x202A <= code <= 0x2069:
        words = f"a hidden direction mark ({unicodedata.name(chr(code)).lower()})"
    else:
        words = "a control character"
    return f"{words}, U+{code:04X}"
