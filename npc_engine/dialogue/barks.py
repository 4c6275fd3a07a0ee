"""Authored words for when the model has nothing to say: chosen by reason, not repeated too soon."""

from collections.abc import Sequence

from npc_engine.content.character import CharacterSheet
from npc_engine.content.emotions import without_tag
from npc_engine.dialogue.breaks import BreakKind
from npc_engine.messages import Reason

_KIND_BY_REASON: dict[Reason, str] = {
    "late_first": "thinking",
    "loading": "thinking",
    "blocked": "refuse",
}


def bark_for(
    sheet: CharacterSheet, reason: Reason, said: Sequence[str], broken: BreakKind | None = None
) -> str:
    """The bark to say, with the tag it may begin with, or an empty text if the sheet has none.

    Waiting gets a `thinking` bark, a break of character or of the content policy a `refuse` bark,
    everything else a `fail` bark; a sheet that lacks the kind lends from the others. Of the
    options, the one said least often and longest ago is taken, so none comes twice before all were
    heard.

    Args:
        sheet: Whose barks.
        reason: Why a bark is needed.
        said: This NPC's earlier lines, oldest first.
        broken: How the model broke character, if that is why.
    """
    kind = _KIND_BY_REASON.get(reason, "fail")
    if broken is not None and broken not in ("loop", "catchphrase"):
        kind = "refuse"
    kinds = (kind, "fail", "thinking", "refuse")
    options = next(filter(None, (sheet.barks.get(each) for each in kinds)), ())
    if not options:
        return ""
    latest = {text: index for index, text in enumerate(said)}

    def told(bark: str) -> tuple[int, int]:
        words = without_tag(bark)[1]
        return said.count(words), latest.get(words, -1)

    return str(min(options, key=told))
