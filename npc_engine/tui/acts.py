"""Which parts of a line are acts: `*sets the hammer down*`, also without the closing star yet."""

import re

_ACT = re.compile(r"(?<![\w*])\*+(?=[^\s*])[^*\n]*(?:\*+|$)", re.MULTILINE)


def act_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Start and end of each act, stars included.

    An act that is still open runs to the end of its row. A star with a space or a letter on the
    wrong side (`2 * 3`, `5*3`) is a star.

    >>> act_spans("*nods* Fine. *turns aw")
    ((0, 6), (13, 22))
    """
    return tuple(match.span() for match in _ACT.finditer(text))
