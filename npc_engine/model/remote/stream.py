"""The bytes of a streamed answer as pieces of a reply. Knows no connection.

Server-sent events as chat servers send them: one JSON object in each `data:` line.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from npc_engine.model.remote.faults import ServerFault, error_words

MAX_LINE_BYTES = 1 << 20
MAX_ANSWER_BYTES = 32 << 20
_CLOSING = "[DONE]"


@dataclass(frozen=True, slots=True)
class ServerUsage:
    """Token counts of the server."""

    prompt_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """What one chunk adds. All fields may be empty."""

    text: str = ""
    finish: str = ""
    """Why the reply ended, in the server's words."""
    stop_text: str = ""
    """The stop text that the server names as the reason; few servers do."""
    is_thought: bool = False
    """The chunk held reasoning, which is not part of the reply."""
    usage: ServerUsage | None = None
    is_last: bool = False
    """Nothing follows."""


class Lines:
    """Cuts bytes into lines; limits one line and all of them together."""

    def __init__(
        self, *, max_line_bytes: int = MAX_LINE_BYTES, max_bytes: int = MAX_ANSWER_BYTES
    ) -> None:
        """Set the limits."""
        self._max_line_bytes = max_line_bytes
        self._left_bytes = max_bytes
        self._open = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """Take bytes; give the lines they complete, without their ends.

        Raises:
            ServerFault: A limit was passed.
        """
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise ServerFault("found an answer without end; the server is not sending a chat reply")
        *whole, rest = data.split(b"\n")
        lines = []
        for part in whole:
            lines.append(bytes(self._open + part))
            self._open.clear()
        self._open += rest
        if max(len(self._open), *map(len, lines), 0) > self._max_line_bytes:
            raise ServerFault(
                f"found a line of more than {self._max_line_bytes:,} bytes; "
                "the server is not sending a chat reply"
            )
        return [line.decode("utf-8", "replace").removesuffix("\r") for line in lines]

    def rest(self) -> list[str]:
        """The last line, if nothing ended it."""
        return self.feed(b"\n") if self._open else []


def read_line(line: str) -> Piece | None:
    """The piece in a line of the stream; None for comments, other fields and empty lines.

    Raises:
        ServerFault: Broken JSON, or an error in place of a piece.
    """
    if not line.startswith("data:"):
        return None
    data = line[len("data:") :].strip()
    if not data:
        return None
    if data == _CLOSING:
        return Piece(is_last=True)
    return read_answer(data)


def read_answer(data: str | bytes) -> Piece:
    """The piece in a JSON object: a chunk of a stream, or a whole answer.

    Raises:
        ServerFault: Broken JSON, or an error in place of a piece.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ServerFault(
            "found broken JSON in the answer; the server or a proxy before it is at fault"
        ) from error
    if not isinstance(value, dict):
        raise ServerFault(f"found JSON of type {type(value).__name__}; expected an object")
    if value.get("error") or value.get("object") == "error":
        raise ServerFault(f"found an error in the answer ({error_words(value)}); "
                          "look at the server's log")  # fmt: skip
    choice = _first_choice(value.get("choices"))
    said = choice.get("delta") or choice.get("message") or {}
    if not isinstance(said, dict):
        raise ServerFault("found a choice without a delta object; expected a chat completion")
    finish = choice.get("finish_reason")
    stop_text = choice.get("stop_reason") or choice.get("matched_stop")
    return Piece(
        text=_text(said.get("content")),
        finish=finish if isinstance(finish, str) else "",
        stop_text=stop_text if isinstance(stop_text, str) else "",
        is_thought=bool(said.get("reasoning_content") or said.get("reasoning")),
        usage=_usage(value.get("usage")),
    )


def _first_choice(choices: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a stranger's JSON
    """The choice of index 0; empty when the chunk has none of it."""
    if not isinstance(choices, list):
        return {}
    for choice in choices:
        if isinstance(choice, dict) and choice.get("index", 0) == 0:
            return choice
    return {}


def _text(content: Any) -> str:  # noqa: ANN401 - a stranger's JSON
    """Content given as text, as a list of parts, or not at all."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return ""


def _usage(value: Any) -> ServerUsage | None:  # noqa: ANN401 - a stranger's JSON
    if not isinstance(value, dict):
        return None
    details = value.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    prompt = _count(value.get("prompt_tokens"))
    return ServerUsage(prompt, min(_count(cached), prompt)) if prompt else None


def _count(value: Any) -> int:  # noqa: ANN401 - a stranger's JSON
    return value if isinstance(value, int) and value > 0 else 0
