"""What can be wrong with a reply."""

from dataclasses import dataclass
from typing import Literal

BreakKind = Literal[
    "marker", "role", "speaker", "enough",
    "assistant", "disclosure", "persona", "rules", "never_says", "invented", "loop",
    "catchphrase",
    "blocked",
]  # fmt: skip
"""What is wrong. The first four only end a reply: what stands before them is as good as ever."""

ENDINGS: frozenset[BreakKind] = frozenset(("marker", "role", "speaker", "enough"))
"""Kinds where the model went on after its reply was over."""


@dataclass(frozen=True, slots=True)
class Break:
    """Something that may not be heard."""

    kind: BreakKind
    start: int
    """Where the sentence begins that it stands in; for endings, where it stands itself."""
    end: int
    """Where that sentence ends, as far as it was read."""
    words: str
    """The words that make it."""
