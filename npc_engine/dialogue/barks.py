"""Authored words for when the model has nothing to say: chosen by reason, not repeated too soon."""

from collections.abc import Sequence

from npc_engine.content.character import CharacterSheet
from npc_engine.messages import Reason

_KIND_BY_REASON: dict[Reason, str] = {"late_first": "thinking", "loading": "thinking"}


def bark_for(sheet: CharacterSheet, reason: Reason, said: Sequence[str]) -> str:
    """The bark to say, or an empty text if the sheet has none.

    Waiting gets a `thinking` bark, everything else a `fail` bark; a sheet that lacks the kind lends
    from the other. Of the options, the one said least often and longest ago is taken, so none comes
    twice before all were heard.

    Args:
        sheet: Whose barks.
        reason: Why a bark is needed.
        said: This NPC's earlier lines, oldest first.
    """
    kind = _KIND_BY_REASON.get(reason, "fail")
    options = getattr(sheet.barks, kind) or sheet.barks.fail or sheet.barks.thinking
    if not options:
        return ""
    latest = {text: index for index, text in enumerate(said)}
    return str(min(options, key=lambda text: (said.count(text), latest.get(text, -1))))
