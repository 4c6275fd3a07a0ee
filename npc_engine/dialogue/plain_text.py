"""Text that a terminal, a prompt and a save can hold safely: nothing that controls or hides."""

import re
import unicodedata
from collections.abc import Iterable

from npc_engine.errors import CommandError

MAX_LINE_CHARS = 1_000_000
"""A longer line is refused: nobody typed it."""

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor moves
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC: titles, clipboard
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"  # DCS, SOS, PM, APC
    r"|\x1b[^\x1b\n]?|\x9b[0-?]*[ -/]*[@-~]"
)
_OPEN_ESCAPE = re.compile(
    r"(?:\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[PX^_][^\x1b]*\x1b?)?|\x9b[0-?]*[ -/]*)\Z"
)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u200b\u2060\ufeff"  # zero-width space, word joiner, byte order mark
    "\u202a-\u202e\u2066-\u2069"  # bidirectional overrides and isolates
    "\ud800-\udfff\ufff9-\ufffb"  # lone surrogates, annotations
    "\U000e0000-\U000e007f]"  # tag characters
)

_ANY_CODE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def is_plain(text: str) -> bool:
    """Whether `plain` would leave a text as it is."""
    return _ANY_CODE.search(text) is None


def plain(text: str) -> str:
    """The text without escape sequences, control codes and invisible formatting.

    Newlines stay, tabs become spaces. Joiners that emoji and some scripts need stay, and so do
    right-to-left letters; only overrides of direction go.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return _INVISIBLE.sub("", _ESCAPE_SEQUENCE.sub("", text))


def without_open_escape(text: str) -> str:
    """A text that is still growing, without an escape sequence it has only begun."""
    return _OPEN_ESCAPE.sub("", text)


def player_words(text: str) -> str:
    """What a player said, ready for the save: plain, NFC, blank lines and edges trimmed.

    Raises:
        CommandError: Nothing is left to say, or the line is over a million characters.
    """
    if len(text) > MAX_LINE_CHARS:
        raise CommandError(
            f"the line has {len(text):,} characters; at most {MAX_LINE_CHARS:,}; say less at once"
        )
    words = unicodedata.normalize("NFC", plain(text))
    words = re.sub(r"[ ]+\n", "\n", re.sub(r"\n{2,}", "\n", words)).strip()
    if not words:
        raise CommandError("the line is empty; write what to say")
    return words


def given_texts(texts: Iterable[str]) -> tuple[str, ...]:
    """Texts that a game gives with a line, ready for a prompt; empty ones are left out.

    Raises:
        CommandError: One text where several are expected, or one over a million characters.
    """
    if isinstance(texts, str):
        raise CommandError('contexts is a text; expected a list of texts; write ["…"]')
    given = []
    for text in texts:
        if len(text) > MAX_LINE_CHARS:
            raise CommandError(
                f"a context has {len(text):,} characters; at most {MAX_LINE_CHARS:,}; "
                "give the part that matters"
            )
        given.append(unicodedata.normalize("NFC", plain(text)).strip())
    return tuple(text for text in given if text)
