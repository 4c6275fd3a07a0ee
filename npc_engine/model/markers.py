"""Breaks control markers in foreign text, so that a player's words never open a turn.

A broken marker stays readable: `<extra_id_1>` becomes `‹extra_id_1>`. Knows no template.
"""

import re
from collections.abc import Callable, Iterable

# Markers of known templates, whether or not the loaded tokenizer has a token for them.
_KNOWN = (
    r"<\s*/?\s*extra_id_\d+\s*>",
    r"<\s*/?\s*(?:tool_?call|tool_?response|tool|context)s?\s*>",
    r"<\s*/?\s*s\s*>",
    r"<\|[\w-]{1,40}\|>",
)
_LOOKALIKE = {"<": "‹", "[": "⁅", "{": "❴", "|": "¦", "▁": "_", "(": "❨"}
_BREAK = "·"
_ERASED = "□"
_MAX_ROUNDS = 8


class Markers:
    """All markers of one tokenizer, and how to break them."""

    def __init__(self, tokens: Iterable[str]) -> None:
        """Know the known markers and `tokens`; tokens of nothing but white space are no markers."""
        own = sorted({token for token in tokens if token.strip()}, key=lambda token: -len(token))
        patterns = [*_KNOWN, *(re.escape(token) for token in own)]
        self._pattern = re.compile("|".join(patterns), re.IGNORECASE)

    def neutralise(self, text: str, found: Callable[[str], list[tuple[int, int]]]) -> str:
        """The text with every marker broken. Doing it again changes nothing.

        Args:
            text: Foreign text.
            found: Where the tokenizer itself still sees a marker: it may normalise look-alike
                letters first. (start, end) pairs, in order.
        """
        for _ in range(_MAX_ROUNDS):
            broken = self._pattern.sub(lambda match: _broken(match.group()), text)
            spans = found(broken)
            for start, end in reversed(spans):
                broken = broken[:start] + _ERASED + broken[end:]
            if broken == text:
                return text
            text = broken
        return text


def _broken(marker: str) -> str:
    """A marker that is none any more, as readable as possible."""
    head, rest = marker[0], marker[1:]
    if head in _LOOKALIKE:
        return _LOOKALIKE[head] + rest
    return head + _BREAK + rest if rest else _ERASED
