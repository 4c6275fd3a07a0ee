"""Which lines of a long chat are mounted: a window over all of them.

Widgets are dear and lines are cheap, so the chat is complete in the state and the log shows a part.
"""

from dataclasses import dataclass

TAIL_LINES = 100
"""Mounted when a chat opens, and after a jump to its end."""
STEP_LINES = 40
"""Mounted in addition when the person scrolls near an end."""
MAX_LINES = 200
"""Never more than this are mounted."""


@dataclass(frozen=True, slots=True)
class Window:
    """Lines `first` to `last` (not included)."""

    first: int
    last: int


def tail(num_lines: int) -> Window:
    """The newest lines."""
    return Window(max(0, num_lines - TAIL_LINES), num_lines)


def older(window: Window) -> Window:
    """The window with older lines in it; what is too much falls off the newer end."""
    first = max(0, window.first - STEP_LINES)
    return Window(first, min(window.last, first + MAX_LINES))


def newer(window: Window, num_lines: int) -> Window:
    """The window with newer lines in it; what is too much falls off the older end."""
    last = min(num_lines, window.last + STEP_LINES)
    return Window(max(window.first, last - MAX_LINES), last)


def follow(window: Window, before: int, now: int) -> Window:
    """The window after the number of lines changed.

    If it reached the end it follows the end; if it did not, it stays. When it grows too large, it
    shrinks to a tail at once, so that lines are not dropped one by one.
    """
    if window.last < min(before, now):
        return window
    if window.first >= now or now - window.first > MAX_LINES:
        return tail(now)
    return Window(window.first, now)
