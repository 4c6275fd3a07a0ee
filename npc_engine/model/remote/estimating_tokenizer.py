"""Counts for a model whose tokenizer is not known: on the safe side, and reversible.

A `PlainTokenizer` with finer pieces. Measured against the 49,152-word vocabulary of SmolLM2, which
is small and mostly English, so that most models need fewer tokens than are counted here: English
prompts 1.2 to 1.3 times, other languages and code mostly 1.0 to 2.4 times. Welsh and some Dutch
came out up to a fifth too low.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from npc_engine.messages import Message
from npc_engine.model.plain_tokenizer import PlainTokenizer, bytes_of_id, id_of_bytes
from npc_engine.protocols import Rendering

# Vocabularies hold whole English words with their space, and little more than syllables of other
# languages. Behind the beginning of a word, pieces rarely have more than two letters. Capitals,
# digits, signs and the bytes of other scripts count one each.
_ENGLISH = re.compile(rb" [A-Za-z]?[a-z]{0,4}|[A-Za-z][a-z]?|[\x00-\xff]", re.DOTALL)
_OTHER = re.compile(rb" [A-Za-z]?[a-z]{0,2}|[A-Za-z][a-z]?|[\x00-\xff]", re.DOTALL)
_WORDS = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")
# Frequent in English; rare or unknown in other languages with Latin letters.
_ENGLISH_WORD = re.compile(
    "the|and|to|you|it|that|for|with|are|his|her|they|my|your|what|but|not|this|from|have|by|who|"
    "all|will|there|she|if|be|one|out|when|their|can|has|at|him|them|would|i'm|don't|it's|its|"
    "into|than|been|how"
)
_ONE_IN = 7
"""A line is English if at least one word in this many is one of those."""


class EstimatingTokenizer:
    """Implements `protocols.Tokenizer` for servers; its counts are meant as an upper bound.

    It is one for running text, not for random letters. It has no place for contexts and tools,
    because servers are sent messages alone.
    """

    family = "other"
    fingerprint = "estimate-1"
    takes_contexts = False
    takes_tools = False
    takes_opening = False
    end_ids: frozenset[int] = frozenset()

    def __init__(self, *, window_tokens: int = 4096) -> None:
        """Choose the window."""
        self.window_tokens = window_tokens
        self._plain = PlainTokenizer(window_tokens=window_tokens, takes_contexts=False)

    def encode(self, text: str) -> tuple[int, ...]:
        """The ids of a text on its own."""
        return tuple(
            fine
            for line in text.splitlines(keepends=True)
            for pieces in (_pieces_of(line),)
            for token_id in self._plain.encode(line)
            for fine in _split(token_id, pieces)
        )

    def count(self, text: str) -> int:
        """Tokens of a text on its own, rather too many than too few."""
        return len(self.encode(text))

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of ids, markers left out."""
        return self._plain.decode(token_ids)

    def neutralise(self, text: str) -> str:
        """Break every marker of the layout that is counted with."""
        return self._plain.neutralise(text)

    def render(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        contexts: Sequence[str] = (),
        open_reply: bool = True,
        opening: str = "",
    ) -> Rendering:
        """The chat in ChatML, for counting; the server renders it in its own way."""
        if tools:
            raise ValueError("servers are sent messages alone; put tools into the system text")
        if opening:
            raise ValueError("chat servers write the whole reply; its first words cannot be given")
        plain = self._plain.render(messages, contexts=contexts, open_reply=open_reply)
        lines = _lines(plain.text)
        end, pieces = next(lines)
        ids: list[int] = []
        starts: list[int] = []
        for token_id, start in zip(plain.token_ids, plain.starts, strict=True):
            while start >= end:
                end, pieces = next(lines)
            fine = _split(token_id, pieces)
            ids += fine
            starts += [start] * len(fine)
        return Rendering(
            plain.text, tuple(ids), tuple(starts), plain.message_spans, plain.context_spans
        )


def _lines(text: str) -> Iterator[tuple[int, re.Pattern[bytes]]]:
    """For each line, where it ends and how its words are split; then one without end."""
    end = 0
    for line in text.splitlines(keepends=True):
        end += len(line)
        yield end, _pieces_of(line)
    yield len(text) + 1, _OTHER


def _pieces_of(line: str) -> re.Pattern[bytes]:
    """How the words of a line are split."""
    words = [word.lower() for word in _WORDS.findall(line)]
    num_english = sum(_ENGLISH_WORD.fullmatch(word) is not None for word in words)
    return _ENGLISH if num_english and num_english * _ONE_IN >= len(words) else _OTHER


def _split(token_id: int, pieces: re.Pattern[bytes]) -> tuple[int, ...]:
    """A plain token as finer ones with the same bytes; a marker stays one."""
    parts = pieces.findall(bytes_of_id(token_id))
    return tuple(id_of_bytes(part) for part in parts) or (token_id,)
