"""Ids of a rendered chat in which some messages keep the ids the model itself produced.

Encoding a reply again may split it differently from how it was generated; then everything after it
would have to be read again. So stored ids are put in as they are, and the text around them is
encoded so that both sides come out as the model will see them. Knows offsets, no templates.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Self

_NEUTRAL = ("a", ".", "0", "-")
"""Characters to stand for the end of a reply while the text behind it is encoded."""
_GUESS_MARGIN = 8
"""Bytes of an incomplete character count as characters of their own, so lengths are a guess."""


class Encoded:
    """Ids of a text and where each begins and ends in it; starts never decrease.

    Kept in arrays: thousands are remembered, and the garbage collector need not look into them.
    """

    __slots__ = ("ends", "ids", "starts")

    def __init__(self, ids: Iterable[int], starts: Iterable[int], ends: Iterable[int]) -> None:
        """Take the three, all of one length."""
        self.ids = array("i", ids)
        self.starts = array("i", starts)
        self.ends = array("i", ends)

    @classmethod
    def from_offsets(cls, ids: Sequence[int], offsets: Sequence[tuple[int, int]]) -> Self:
        """Take the offsets of a tokenizer; bytes of one character may come in any order."""
        return cls(
            ids, accumulate((start for start, _ in offsets), max), (end for _, end in offsets)
        )

    def spans_of(self, ids: Container[int]) -> list[tuple[int, int]]:
        """(start, end) of every token that is one of these, in order."""
        return [
            (start, end)
            for token_id, start, end in zip(self.ids, self.starts, self.ends, strict=True)
            if token_id in ids
        ]

    @classmethod
    def joined(cls, parts: Iterable[tuple["Encoded", int]]) -> Self:
        """Encoded texts in a row, each with the place its text begins at."""
        whole = cls((), (), ())
        for part, shift in parts:
            whole.ids += part.ids
            whole.starts.extend([start + shift for start in part.starts])
            whole.ends.extend([end + shift for end in part.ends])
        return whole


@dataclass(frozen=True, slots=True)
class Splice:
    """Ids to stand for `text[start:end]`."""

    start: int
    end: int
    ids: tuple[int, ...]
    shown_start: int
    """The index the ids carry; behind `start` when they stand for a space in front as well."""


@dataclass(slots=True)
class _Result:
    ids: list[int]
    starts: list[int]

    def add(self, encoded: Encoded, shift: int, begin: int, end: int) -> None:
        """Take the tokens that begin in [begin, end), starts moved by `shift`."""
        first = bisect_left(encoded.starts, begin - shift)
        last = bisect_left(encoded.starts, end - shift)
        self.ids += encoded.ids[first:last]
        self.starts += [start + shift for start in encoded.starts[first:last]]


def splice(
    text: str,
    splices: Sequence[Splice],
    markers: frozenset[int],
    encode: Callable[[str], Encoded],
    encode_chat: Callable[[str], Encoded],
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Ids and starts of `text`, with `splices` put in.

    Text between two markers is encoded on its own by every tokenizer, so only the stretch from the
    last marker before a splice and the stretch to the next marker behind it need care: the first
    must be what an opened reply ends with, the second must not merge with the reply nor be taken
    for the beginning of a text.

    Args:
        text: The rendered chat.
        splices: In order, not overlapping.
        markers: Ids of added tokens.
        encode: Encodes without adding special tokens.
        encode_chat: The same for a text that holds many markers.
    """
    full = encode_chat(text)
    if not splices:
        return tuple(full.ids), tuple(full.starts)
    blocks = full.spans_of(markers)
    result = _Result([], [])
    position = 0
    for part in splices:
        inner = _within(blocks, position, part.start)
        _lead(text, full, inner, position, part.start, encode, result)
        if inner or position == 0:
            begin = inner[-1] if inner else 0
            stretch = encode(text[begin : part.start])
            result.add(stretch, begin, begin, part.start)
        result.ids += part.ids
        result.starts += [part.shown_start] * len(part.ids)
        position = part.end
    inner = _within(blocks, position, len(text))
    _lead(text, full, inner, position, len(text), encode, result)
    if inner or position == 0:
        result.add(full, 0, inner[-1] if inner else 0, len(text) + 1)
    return tuple(result.ids), tuple(accumulate(result.starts, max))


def _within(blocks: Sequence[tuple[int, int]], begin: int, end: int) -> list[int]:
    """Where markers begin that lie wholly in [begin, end)."""
    first = bisect_left(blocks, (begin, begin))
    inner: list[int] = []
    for start, stop in blocks[first:]:
        if stop > end:
            break
        inner.append(start)
    return inner


def _lead(
    text: str,
    full: Encoded,
    inner: Sequence[int],
    position: int,
    end: int,
    encode: Callable[[str], Encoded],
    result: _Result,
) -> None:
    """Everything of [position, end) up to its last marker, or all of it if it has none."""
    first = inner[0] if inner else end
    if position == 0:
        if inner:
            result.add(full, 0, 0, inner[-1])
        return
    _continue(text, full, position, first, encode, result)
    if inner:
        result.add(full, 0, first, inner[-1])


def _continue(
    text: str,
    full: Encoded,
    begin: int,
    end: int,
    encode: Callable[[str], Encoded],
    result: _Result,
) -> None:
    """Encode text that follows a spliced reply, as a continuation and not as a beginning."""
    if begin >= end:
        return
    if _clean_cut(full, begin):
        result.add(full, 0, begin, end)
        return
    for neutral in _NEUTRAL:
        tried = encode(neutral + text[begin:end])
        if _clean_cut(tried, 1):
            result.add(tried, begin - 1, begin, end)
            return
    result.add(encode(text[begin:end]), begin, begin, end)


def _clean_cut(encoded: Encoded, position: int) -> bool:
    """Whether no token reaches over a position."""
    index = bisect_left(encoded.starts, position) - 1
    return index < 0 or encoded.ends[index] <= position


def applicable_ids(
    ids: Sequence[int], text: str, decode: Callable[[Sequence[int]], str]
) -> tuple[int, ...]:
    """The leading part of generated ids that says exactly `text`; empty if none does.

    A reply may have been cut after it was generated, and what a model writes may end in white
    space that templates strip: ids of such an end are left out.
    """
    whole = decode(ids).strip()
    if not text or not whole.startswith(text):
        return ()
    size = len(ids) if whole == text else _find_cut(ids, text, decode)
    while size > 1 and decode(ids[: size - 1]).strip() == text:
        size -= 1
    return tuple(ids[:size])


def _find_cut(ids: Sequence[int], text: str, decode: Callable[[Sequence[int]], str]) -> int:
    """How many ids say `text`; 0 if no number does.

    The number is guessed by length first. Bytes of incomplete characters make the guess wrong by
    as many as there are in a row, so all numbers are tried if it does not hold.
    """
    guess = bisect_left(
        range(len(ids) + 1), len(text), key=lambda num: len(decode(ids[:num]).strip())
    )
    near = range(max(1, guess - _GUESS_MARGIN), min(len(ids), guess + _GUESS_MARGIN) + 1)
    for size in chain(near, range(1, len(ids) + 1)):
        if decode(ids[:size]).strip() == text:
            return size
    return 0
