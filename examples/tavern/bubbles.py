"""Speech bubbles: text that grows letter by letter over a head and stays until it can be read."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

CHARS_PER_S = 48.0
"""How fast letters appear: faster than most read, slower than authored lines arrive."""
MAX_LINES = 4

BubbleKind = Literal["speech", "thought"]


@dataclass(frozen=True, slots=True)
class Bubble:
    """What hangs over one head."""

    npc: str
    text: str = ""
    kind: BubbleKind = "speech"
    shown_chars: float = 0.0
    is_whole: bool = False
    """Whether no more text comes."""
    read_s: float = 0.0
    """How long all of it has been there."""

    @property
    def shown(self) -> str:
        """The text as far as it can be seen."""
        return self.text[: int(self.shown_chars)]

    @property
    def is_shown(self) -> bool:
        """Whether all that will come can be seen."""
        return self.is_whole and self.shown_chars >= len(self.text)

    @property
    def is_over(self) -> bool:
        """Whether it has hung there long enough."""
        return self.is_shown and self.read_s > (1.6 + 0.045 * len(self.text) if self.text else 0.0)


def heard(bubble: Bubble, text: str, kind: BubbleKind, *, is_whole: bool) -> Bubble:
    """The same bubble with the text as it is now; one that reads differently begins anew."""
    goes_on = text.startswith(bubble.shown) and kind == bubble.kind
    shown = bubble.shown_chars if goes_on else 0.0
    return replace(bubble, text=text, kind=kind, shown_chars=shown, is_whole=is_whole)


def grown(bubble: Bubble, dt: float) -> Bubble:
    """The bubble a moment later."""
    if bubble.is_shown:
        return replace(bubble, read_s=bubble.read_s + dt)
    shown = min(float(len(bubble.text)), bubble.shown_chars + CHARS_PER_S * dt)
    return replace(bubble, shown_chars=shown, read_s=0.0)


def wrapped(text: str, width: float, measure: Callable[[str], float]) -> tuple[str, ...]:
    """Lines of whole words no wider than `width`; a word that is too long is broken.

    Args:
        text: Any.
        width: In pixels.
        measure: Gives the width of a text in pixels.
    """
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split():
            for piece in _pieces(word, width, measure):
                longer = f"{line} {piece}" if line else piece
                if line and measure(longer) > width:
                    lines.append(line)
                    longer = piece
                line = longer
        if line:
            lines.append(line)
    return tuple(lines)


def _pieces(word: str, width: float, measure: Callable[[str], float]) -> tuple[str, ...]:
    pieces = []
    while len(word) > 1 and measure(word) > width:
        size = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or measure(word[:n]) <= width)
        pieces.append(word[:size])
        word = word[size:]
    return (*pieces, word)
