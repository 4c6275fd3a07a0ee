"""What a server did wrong, in words: where, what was found, what to do.

Texts never hold a key or a password, also when the server repeats one.
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from npc_engine.model.remote.address import API_KEY_VARIABLE

RETRIED_STATUS = frozenset({429, 502, 503, 504})
REFUSED_FIELDS_STATUS = frozenset({400, 422})
_MAX_SHOWN_CHARS = 200
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_ADVICE = {
    401: f"the key is missing or wrong; set {API_KEY_VARIABLE}",
    403: f"this key may not do that; check {API_KEY_VARIABLE} and the model's name",
    404: "expected a chat server; check the address, which mostly ends in /v1, and the model's "
    "name behind #",
    413: "the prompt is too long for the server; use a smaller window_tokens",
    429: "the server has too much to do; ask less often or later",
}
_SERVER_ADVICE = "look at the server's log, or try again later"
_REFUSED_ADVICE = "check the model's name and that window_tokens is not above the server's"
_REDIRECT_ADVICE = "redirects are not followed; use the server's final address"


class ServerFault(Exception):
    """The server failed, or said what cannot be understood."""

    def __init__(
        self, text: str, *, may_retry: bool = False, retry_after_s: float | None = None
    ) -> None:
        """Keep what the one who retries must know beside the text."""
        self.may_retry = may_retry
        self.retry_after_s = retry_after_s
        super().__init__(text)


def status_fault(status: int, body: bytes, retry_after: str, now: float) -> ServerFault:
    """The fault of an answer that is no success.

    Args:
        status: The HTTP status.
        body: The beginning of the answer.
        retry_after: Its Retry-After header, seconds or a date; may be empty.
        now: Unix seconds, for a date.
    """
    found = f"HTTP {status}"
    if words := server_words(body):
        found = f"{found} ({words})"
    if status in _ADVICE:
        advice = _ADVICE[status]
    elif 300 <= status < 400:
        advice = _REDIRECT_ADVICE
    else:
        advice = _SERVER_ADVICE if status >= 500 else _REFUSED_ADVICE
    return ServerFault(
        f"found {found}; {advice}",
        may_retry=status in RETRIED_STATUS,
        retry_after_s=_seconds(retry_after, now),
    )


def server_words(body: bytes) -> str:
    """What an error answer says, in one short line; empty when it says nothing."""
    text = body.decode("utf-8", "replace").strip()
    if text[:1] == "<":
        return "an HTML page"
    try:
        value = json.loads(text)
    except ValueError:
        return _short(text)
    return error_words(value) or _short(text)


def error_words(value: Any) -> str:  # noqa: ANN401 - whatever a stranger's JSON holds
    """The message of an error object in one of its usual forms; empty if there is none."""
    if not isinstance(value, dict):
        return ""
    inner = value.get("error", value)
    if isinstance(inner, str):
        return _short(inner)
    if isinstance(inner, dict):
        found = inner.get("message") or inner.get("detail")
        if found:
            return _short(found if isinstance(found, str) else json.dumps(found))
        return _short(json.dumps(inner)) if "error" in value else ""
    return _short(json.dumps(inner)) if inner else ""


def without_secrets(text: str, secrets: Sequence[str]) -> str:
    """The text with every secret replaced, also where a server repeated it."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[hidden]")
    return text


def _short(text: str) -> str:
    line = _SPACE.sub(" ", text).strip()
    return line if len(line) <= _MAX_SHOWN_CHARS else line[: _MAX_SHOWN_CHARS - 1] + "…"


def _seconds(retry_after: str, now: float) -> float | None:
    """A Retry-After header in seconds from now; None if it is missing or makes no sense."""
    text = retry_after.strip()
    if text.isdecimal():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, date.timestamp() - now)
