"""A tokenizer without files: reversible, deterministic, close to real ones in its counts.

A token is a word piece of at most six bytes, and its id *is* those bytes, so nothing has to be
learned or stored. Meant for `ScriptedSession`, tests and dry runs; no model was trained on it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from npc_engine.messages import Message
from npc_engine.protocols import Rendering

_MARKERS = ("<|im_start|>", "<|im_end|>", "<tool>", "</tool>", "<context>", "</context>")
_FIRST_MARKER_ID = 1
_END_ID = 2
_MAX_PIECE_BYTES = 6
_WORDS = re.compile(r" ?\w+|\s|[^\w\s]+", re.DOTALL)
_FOREIGN = re.compile("|".join(re.escape(marker) for marker in _MARKERS))
_ROLES = ("system", "user", "assistant", "tool")


class PlainTokenizer:
    """Implements `protocols.Tokenizer` with a ChatML-like template and no files.

    `decode(render(...).token_ids)` gives back the rendered text without its markers, and
    `decode(encode(text)) == text` for every text without markers.
    """

    family = "chatml"
    fingerprint = "plain-1"
    takes_tools = True
    takes_opening = True
    end_ids = frozenset({_END_ID})
    """Ids that close a reply."""

    def __init__(self, *, window_tokens: int = 4096, takes_contexts: bool = True) -> None:
        """Choose the window, and whether the template has a place for contexts."""
        self.window_tokens = window_tokens
        self.takes_contexts = takes_contexts

    def encode(self, text: str) -> tuple[int, ...]:
        """The ids of a text on its own; markers in it become marker ids."""
        return tuple(token_id for token_id, _ in _tokens(text))

    def count(self, text: str) -> int:
        """Tokens of a text on its own."""
        return sum(1 for _ in _tokens(text))

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of ids, markers left out."""
        return b"".join(bytes_of_id(token_id) for token_id in token_ids).decode("utf-8", "replace")

    def neutralise(self, text: str) -> str:
        """Break every marker by replacing its `<` with `‹`."""
        return _FOREIGN.sub(lambda match: "‹" + match.group()[1:], text)

    def render(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        contexts: Sequence[str] = (),
        open_reply: bool = True,
        opening: str = "",
    ) -> Rendering:
        """The chat in ChatML, tools and contexts at the end of the system block."""
        if contexts and not self.takes_contexts:
            raise ValueError("this template has no place for contexts")
        page = _Page()
        spans = [(0, 0)] * len(messages)
        for index, message in enumerate(messages):
            if message.role not in _ROLES:
                raise ValueError(f"unknown role {message.role!r}; expected one of {_ROLES}")
            if message.role == "system" and index:
                raise ValueError("a system message may only come first")
        has_system = bool(messages) and messages[0].role == "system"
        context_spans: list[tuple[int, int]] = []
        tool_spans: list[tuple[int, int]] = []
        if has_system or tools or contexts:
            page.write("<|im_start|>system\n")
            if has_system:
                spans[0] = page.write_message(messages[0])
            for tool in tools:
                page.write("\n<tool> ")
                tool_spans.append(page.write(json.dumps(tool, ensure_ascii=False)))
                page.write(" </tool>")
            for context in contexts:
                page.write("\n<context> ")
                context_spans.append(page.write(context.strip()))
                page.write(" </context>")
            page.write("<|im_end|>\n")
        for index, message in enumerate(messages):
            if message.role != "system":
                page.write(f"<|im_start|>{message.role}\n")
                spans[index] = page.write_message(message)
                page.write("<|im_end|>\n")
        if open_reply:
            page.write("<|im_start|>assistant\n")
            page.write(opening)
        return Rendering(
            text=page.text,
            token_ids=tuple(page.ids),
            starts=tuple(page.starts),
            message_spans=tuple(spans),
            context_spans=tuple(context_spans),
            tool_spans=tuple(tool_spans),
        )


class _Page:
    """A rendering while it is being written, piece by piece."""

    def __init__(self) -> None:
        self.text = ""
        self.ids: list[int] = []
        self.starts: list[int] = []

    def write(self, text: str) -> tuple[int, int]:
        start = len(self.text)
        for token_id, offset in _tokens(text):
            self.ids.append(token_id)
            self.starts.append(start + offset)
        self.text += text
        return start, len(self.text)

    def write_message(self, message: Message) -> tuple[int, int]:
        text = message.text.strip()
        if message.token_ids is None:
            return self.write(text)
        start = len(self.text)
        self.ids.extend(message.token_ids)
        self.starts.extend([start] * len(message.token_ids))
        self.text += text
        return start, len(self.text)


def _tokens(text: str) -> list[tuple[int, int]]:
    """Ids of a text with the character each begins at."""
    found: list[tuple[int, int]] = []
    position = 0
    for marker in _FOREIGN.finditer(text):
        found += _pieces(text, position, marker.start())
        found.append((_FIRST_MARKER_ID + _MARKERS.index(marker.group()), marker.start()))
        position = marker.end()
    return found + _pieces(text, position, len(text))


def _pieces(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Words cut into pieces of at most six bytes, never inside a character."""
    found: list[tuple[int, int]] = []
    for word in _WORDS.finditer(text, start, end):
        whole = word.group().encode("utf-8", "replace")
        if len(whole) <= _MAX_PIECE_BYTES:
            found.append((id_of_bytes(whole), word.start()))
            continue
        piece, begin = b"", word.start()
        for index in range(word.start(), word.end()):
            char = text[index].encode("utf-8", "replace")
            if len(piece) + len(char) > _MAX_PIECE_BYTES:
                found.append((id_of_bytes(piece), begin))
                piece, begin = b"", index
            piece += char
        found.append((id_of_bytes(piece), begin))
    return found


def id_of_bytes(piece: bytes) -> int:
    """The bytes behind a leading 1, read as one number: at least 256, below 2 to the 49."""
    return int.from_bytes(b"\x01" + piece, "big")


def bytes_of_id(token_id: int) -> bytes:
    """The bytes of a piece; none for a marker."""
    if token_id < 256:
        return b""
    return token_id.to_bytes((token_id.bit_length() + 7) // 8, "big")[1:]
