"""The one form in which calls are kept, and their ids.

Only this form ever stands in a history: what a model reads there it writes again.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

CallStyle = Literal["nemotron", "hermes"]
"""`nemotron`: `<toolcall> {…} </toolcall>` in one line. `hermes`: `<tool_call>` in lines."""

_ID_CHARS = 16


def canonical_call(name: str, arguments: Mapping[str, Any], style: CallStyle) -> str:
    """A call as it stands in the history; arguments keep their order."""
    written = json.dumps({"name": name, "arguments": dict(arguments)}, ensure_ascii=False)
    if style == "nemotron":
        return f"<toolcall> {written} </toolcall>"
    return f"<tool_call>\n{written}\n</tool_call>"


def call_id(turn: str, name: str, arguments: Mapping[str, Any]) -> str:
    """The id of a call: 16 hex digits, the same for the same turn, name and arguments.

    The order of the arguments does not count, so that a replay or a restore gives the same id.
    """
    written = json.dumps([turn, name, dict(arguments)], ensure_ascii=True, sort_keys=True)
    return hashlib.sha256(written.encode("ascii")).hexdigest()[:_ID_CHARS]
