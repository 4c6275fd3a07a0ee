"""Which old turns a summary replaces, when, and how a fold knows that its sources still stand.

Counts tokens it is given; knows no model and writes no text.
"""

import hashlib
import json
from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from npc_engine.memory.entries import Entry, LineEdited
from npc_engine.memory.lines import HeardLine, heard_lines

LEFT_PATH = "its lines were undone, or belong to another branch"
EDITED = "a line it covers was edited"
RESTORED = "the save was restored"
RECAST = "the character or the world was changed"
OTHERWISE = "other lines are to be folded now"


@dataclass(frozen=True, slots=True)
class FoldLimits:
    """How full the recent turns may become, in tokens."""

    high_water_tokens: int = 1500
    """A fold is put into effect when the past turns exceed this."""
    low_water_tokens: int = 750
    """Work on a fold begins here, so that it is done before it is needed. A fold takes away at
    least the difference to the high-water mark."""

    @property
    def need_tokens(self) -> int:
        """What a fold takes away, at least."""
        return self.high_water_tokens - self.low_water_tokens

    def holds_turns_of(self, largest_turn_tokens: int) -> bool:
        """Whether turns up to this size are under the high-water mark again after every fold.

        After a fold at most `high_water + largest_turn - need` tokens are left.
        """
        return largest_turn_tokens <= self.need_tokens


def turns_to_fold(
    turn_tokens: Sequence[int], limits: FoldLimits, *, greeting_first: bool = False
) -> int:
    """How many of the oldest turns a summary should replace now; 0 for none yet.

    None below the low-water mark. Else the fewest whole turns that make up what a fold must take
    away. The newest turn always stays; while the others are too little, nothing is folded, unless
    the high-water mark is passed: then all but the newest go.

    Args:
        turn_tokens: Tokens of each turn not yet folded, oldest first, role tags included.
        limits: The marks.
        greeting_first: The oldest turn is a greeting with nothing before it; it is never folded
            alone.

    >>> turns_to_fold([400, 400, 300], FoldLimits())
    2
    >>> turns_to_fold([400, 400], FoldLimits())
    0
    """
    total = sum(turn_tokens)
    if total < limits.low_water_tokens:
        return 0
    taken = 0
    for num_turns, tokens in enumerate(turn_tokens[:-1], start=1):
        taken += tokens
        if taken >= limits.need_tokens and not (greeting_first and num_turns == 1):
            return num_turns
    others = len(turn_tokens) - 1
    if total > limits.high_water_tokens and others > (1 if greeting_first else 0):
        return others
    return 0


def source_digest(entry_ids: Sequence[int], texts: Sequence[str], prompt_version: str) -> str:
    """SHA-256 over what a fold was made from; another value means that it no longer applies.

    Args:
        entry_ids: Entries of the covered lines, oldest first.
        texts: Their texts after edits, one for each entry.
        prompt_version: Name of the instructions or rules that made the fold's text.
    """
    sources = [prompt_version, list(zip(entry_ids, texts, strict=True))]
    return hashlib.sha256(json.dumps(sources).encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True)
class FoldChunk:
    """Whole turns that are to be folded, as they read now."""

    lines: tuple[HeardLine, ...]
    source_digest: str

    @property
    def entry_ids(self) -> tuple[int, ...]:
        """What the fold will cover."""
        return tuple(line.entry_id for line in self.lines)


def chunk_of(
    lines: Sequence[HeardLine], entry_ids: Collection[int], prompt_version: str
) -> FoldChunk:
    """The chunk made of some of the lines an NPC heard.

    Args:
        lines: All of them, oldest first.
        entry_ids: Those of the turns to fold.
        prompt_version: See `source_digest`.
    """
    ends = [bisect_left(lines, place, key=lambda line: line.entry_id) for place in _span(entry_ids)]
    covered = tuple(line for line in lines[slice(*ends)] if line.entry_id in entry_ids)
    digest = source_digest(
        [line.entry_id for line in covered], [line.text for line in covered], prompt_version
    )
    return FoldChunk(covered, digest)


def _span(entry_ids: Collection[int]) -> tuple[int, int]:
    return min(entry_ids, default=0), max(entry_ids, default=-1) + 1


def why_stale(chunk: FoldChunk, path: Sequence[Entry], npc: str) -> str:
    """Why a text made from a chunk no longer applies; empty while it does.

    Args:
        chunk: The turns as they read when the text was begun.
        path: The entries of the chat now.
        npc: Whose turns they are.
    """
    covered = set(chunk.entry_ids)
    # Ids rise along a path: nothing before the oldest line concerns it.
    start = bisect_left(path, min(covered, default=0), key=lambda entry: entry.id)
    concerned = [
        entry
        for entry in path[start:]
        if entry.id in covered
        or (isinstance(entry.payload, LineEdited) and entry.payload.target in covered)
    ]
    if sum(entry.id in covered for entry in concerned) < len(covered):
        return LEFT_PATH
    now = {line.entry_id: line.text for line in heard_lines(concerned, npc)}
    return "" if all(now.get(line.entry_id) == line.text for line in chunk.lines) else EDITED
