"""The text a server sends as tokens of a local tokenizer, with stop texts and limits.

Servers send text, the rest of the package counts tokens: ids are made here so that decoding all of
them gives the text again.
"""

from collections.abc import Iterator, Sequence

from npc_engine.model.scripted import EncodingTokenizer
from npc_engine.model.stopping import StopText

_PIECE_CHARS = 64
_LINE = "\n"


class ReplyText:
    """A reply while it grows."""

    def __init__(self, tokenizer: EncodingTokenizer, stops: Sequence[str]) -> None:
        """Split with `tokenizer`; end in front of the first of `stops`."""
        self._tokenizer = tokenizer
        self._stops = StopText(stops)
        self._last_ids: tuple[int, ...] = ()
        self._half = ""
        self._line_ids = tokenizer.encode(_LINE)

    @property
    def stopped(self) -> bool:
        """Whether a stop text was found; nothing more is to be fed then."""
        return bool(self._stops.matched)

    @property
    def tail(self) -> str:
        """Text that was held back."""
        return self._stops.held

    def feed(self, text: str) -> Iterator[tuple[int, str]]:
        """Ids of more text, each with what can be shown because of it.

        Long texts are split as they are consumed, so leaving the iterator early costs nothing.
        """
        text = self._whole_characters(text)
        for start in range(0, len(text), _PIECE_CHARS):
            piece = text[start : start + _PIECE_CHARS]
            ids = self._ids_of(piece, self._last_ids)
            for token_id, shown in zip(ids, self._shares(ids, piece), strict=True):
                yield token_id, self._stops.feed(shown)
            # Whole pieces only: bytes of half a character would spoil those that follow.
            self._last_ids = ids

    def _whole_characters(self, text: str) -> str:
        """Join halves of characters that JSON escapes split over two chunks."""
        text = self._half + text
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        text = text[: len(text) - len(self._half)]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def _ids_of(self, piece: str, context: tuple[int, ...]) -> tuple[int, ...]:
        """Ids that decode to this piece behind those of `context`.

        Some tokenizers put a space before every text, but not behind a line break, and drop one
        when they decode. What holds a marker is split until it is one no more.
        """
        encode = self._tokenizer.encode
        plain = encode(piece)
        behind_line = encode(_LINE + piece)
        line_size = len(self._line_ids)
        inner = behind_line[line_size:] if behind_line[:line_size] == self._line_ids else ()
        for ids in (plain, inner, encode(" " + piece)):
            if ids and self._added(ids, context) == piece:
                return ids
        if len(piece) == 1:
            return plain or self._line_ids
        half = len(piece) // 2
        first = self._ids_of(piece[:half], context)
        return first + self._ids_of(piece[half:], context + first)

    def _added(self, ids: tuple[int, ...], context: tuple[int, ...]) -> str:
        """The text that ids add behind others."""
        before = self._tokenizer.decode(context)
        return self._tokenizer.decode(context + ids)[len(before) :]

    def _shares(self, ids: tuple[int, ...], piece: str) -> list[str]:
        """The text of a piece, shared out to its ids: all of it, whatever the ids decode to."""
        shares, given = [], 0
        for count in range(1, len(ids)):
            so_far = self._added(ids[:count], self._last_ids)
            end = max(given, len(so_far)) if piece.startswith(so_far) else given
            shares.append(piece[given:end])
            given = end
        return [*shares, piece[given:]]
