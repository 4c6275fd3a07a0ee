"""Ids to text, one at a time, without reading the whole reply again.

Text of an id is given as soon as it can no longer change: bytes of a character that is still
incomplete are held back.
"""

from collections.abc import Callable, Sequence

_INCOMPLETE = "\N{REPLACEMENT CHARACTER}"


class Detokenizer:
    """Decodes a growing list of ids.

    The pieces given for all ids add up to the decoding of the whole. Only the ids since the last
    complete text are decoded at each step, together with those just before them, because a word
    piece may lose its leading space when it stands alone.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        """Decode with `decode`, which must accept an empty sequence."""
        self._decode = decode
        self._ids: list[int] = []
        self._context = 0
        self._done = 0

    def feed(self, token_id: int) -> str:
        """Take the next id; give the text it completes, which may be empty."""
        self._ids.append(token_id)
        text = self._pending()
        if not text or text.endswith(_INCOMPLETE):
            return ""
        self._context, self._done = self._done, len(self._ids)
        return text

    def rest(self) -> str:
        """What is still held back at the end, without the bytes of an incomplete character."""
        return self._pending().rstrip(_INCOMPLETE)

    def _pending(self) -> str:
        """Text of the ids not given yet."""
        before = self._decode(self._ids[self._context : self._done])
        return self._decode(self._ids[self._context :])[len(before) :]
