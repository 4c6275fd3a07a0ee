"""A long text to ids stretch by stretch, so that what stood in it before is not encoded again.

Every tokenizer of the `tokenizers` library cuts a text at its added tokens first and encodes what
lies between two of them by itself. A prompt differs from the one before in a few such stretches.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

import tokenizers

from npc_engine.model.splicing import Encoded

_KNOWN_STRETCHES = 4096
"""Some sixty prompts of sixty messages."""


class Stretches:
    """Encodes texts in pieces that begin with an added token."""

    def __init__(
        self,
        added: Iterable[tokenizers.AddedToken],
        *,
        normalised: bool,
        encode: Callable[[str], Encoded],
    ) -> None:
        """Look at how the added tokens are found in a text.

        Args:
            added: All of them.
            normalised: Whether the tokenizer rewrites a text before it is encoded.
            encode: Encodes a whole text, without adding special tokens.
        """
        added = [token for token in added if token.content]
        plain = not any(
            token.lstrip or token.single_word or (token.normalized and normalised)
            for token in added
        )
        contents = sorted((token.content for token in added), key=len, reverse=True)
        self._pattern = (
            re.compile("|".join(map(re.escape, contents))) if plain and contents else None
        )
        self._encode_whole = encode
        self._known = lru_cache(_KNOWN_STRETCHES)(encode)

    def encode(self, text: str) -> Encoded:
        """What encoding the whole text gives.

        Where an added token takes in white space before it, looks at its neighbours or is found in
        the rewritten text, the text is encoded whole.
        """
        if self._pattern is None:
            return self._encode_whole(text)
        cuts = [match.start() for match in self._pattern.finditer(text)]
        if not cuts:
            return self._encode_whole(text)
        starts = cuts if cuts[0] == 0 else [0, *cuts]
        ends = [*starts[1:], len(text)]
        return Encoded.joined(
            (self._known(text[start:end]), start) for start, end in zip(starts, ends, strict=True)
        )
