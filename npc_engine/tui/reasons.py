"""Why a line ended, in words for people."""

from collections.abc import Mapping

from npc_engine.messages import Reason, Rung

_WORDS: Mapping[Reason, str] = {
    "blocked": "not allowed",
    "superseded": "a newer line came",
    "busy": "was speaking",
    "queue_full": "too many lines wait",
    "too_far": "out of earshot",
}
"""Of the reasons that are the game's; those of the model keep their names, as reports have them."""


def reason_text(reason: Reason) -> str:
    """A reason as the screen shows it."""
    return _WORDS.get(reason, reason)


def mark_of(reason: Reason, rung: Rung, *, edited: bool = False) -> str:
    """What the header of a line says when it is no full reply."""
    if rung == "bark" and reason == "done":
        return "bark"
    if rung == "bark":
        return f"bark · {reason_text(reason)}"
    if rung == "authored" and not edited:
        return "authored" if reason == "done" else f"authored · {reason_text(reason)}"
    if rung == "silence":
        return "no reply" if reason == "cancelled" else f"no reply · {reason_text(reason)}"
    if rung == "short" and reason in ("cancelled", "stopped"):
        return "stopped"
    if rung == "short":
        return "short" if reason == "length" else f"short · {reason_text(reason)}"
    return "edited" if edited else ""
