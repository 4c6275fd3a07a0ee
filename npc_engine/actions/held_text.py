"""Text that is still arriving, read by generators that wait for more by yielding.

A reader written on it sees one stream of characters, however it was cut into pieces.
"""

from collections.abc import Generator
from typing import TypeVar

Result = TypeVar("Result")

Waiting = Generator[None, None, Result]
"""Gives its result in the end; each yield waits for more text."""


class HeldText:
    """What has arrived so far, and how far it was read."""

    def __init__(self) -> None:
        """Nothing has arrived."""
        self.text = ""
        self.at = 0
        """What stands before was given out or dropped."""
        self.is_ended = False
        """No more will arrive."""

    def char(self, index: int) -> Waiting[str]:
        """The character at an offset; empty behind the end."""
        while index >= len(self.text) and not self.is_ended:
            yield
        return self.text[index : index + 1]

    def after_space(self, index: int, max_chars: int = 1000) -> Waiting[int]:
        """The offset of the first character that is no space, looking at most so far."""
        last = index + max_chars
        while index < last:
            char = yield from self.char(index)
            if not char or not char.isspace():
                break
            index += 1
        return index

    def word_end(self, index: int, max_chars: int = 1000) -> Waiting[int]:
        """The offset behind the letters, digits and `_` that begin at one."""
        last = index + max_chars
        while index < last:
            char = yield from self.char(index)
            if not char or not (char.isalnum() or char == "_"):
                break
            index += 1
        return index
