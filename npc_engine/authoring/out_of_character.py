"""Whether a line breaks character: the output guard's own verdict, in words for a report."""

from collections.abc import Mapping

from npc_engine.dialogue.breaks import BreakKind
from npc_engine.dialogue.limits import Limits
from npc_engine.dialogue.verdict import breaks_in

_IN_WORDS: Mapping[BreakKind, str] = {
    "marker": "writes a mark of the template",
    "role": "writes a mark of the template",
    "speaker": "speaks for somebody else",
    "assistant": "talks like an assistant",
    "disclosure": "speaks of itself as a program",
    "persona": "takes another persona",
    "rules": "quotes the rules",
    "never_says": "says what it never says",
    "loop": "says the same again",
    "catchphrase": "answers with nothing but a catchphrase",
    "invented": "names what nobody told it",
}


def character_break(reply: str, limits: Limits) -> str:
    """What breaks character in a reply, in a few words; empty if nothing does.

    Args:
        reply: What the NPC said.
        limits: What it may say.
    """
    for found in breaks_in(reply, limits):
        return f'{_IN_WORDS[found.kind]}: "{" ".join(found.words.split())}"'
    return ""
