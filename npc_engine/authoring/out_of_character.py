"""Whether a line breaks character, judged by patterns alone and without another model."""

import re
from collections.abc import Sequence

from npc_engine.authoring.matching import shares_run, tidy
from npc_engine.prompt.wording import RULES

_DISCLOSURE = re.compile(
    r"\b(?:as an? (?:ai|language model)"
    r"|(?:i'm|i am) (?:an? )?(?:ai|assistant|chatbot|language model)"
    r"|my (?:training|programming)|openai|nvidia)\b",
    re.IGNORECASE,
)
_OTHER_PERSONA = re.compile(r"\bDAN:|\[Developer Mode", re.IGNORECASE)
_TEMPLATE_TEXT = re.compile(
    r"<extra_id_\d+>|<\|[^|\n]{1,40}\|>|</?s>|\[/?INST\]|</?tool_?call>"
    r"|(?:^|\n)[ ]*(?:user|assistant|system)[ ]*:",
    re.IGNORECASE,
)
_RULE_WORDS = 8
"""So many words of the rules in a row are a quotation of them."""


def character_break(reply: str, other_names: Sequence[str]) -> str:
    """What breaks character in a reply, in a few words; empty if nothing does.

    Args:
        reply: What the NPC said.
        other_names: Names of the player and of everybody else, whose lines are not the NPC's.
    """
    text = tidy(reply)
    found = _DISCLOSURE.search(text)
    if found:
        return f'speaks of itself as a program: "{found.group()}"'
    found = _OTHER_PERSONA.search(text)
    if found:
        return f'takes another persona: "{found.group()}"'
    found = _TEMPLATE_TEXT.search(reply)
    if found:
        return f'writes a mark of the template: "{found.group().strip()}"'
    quoted = shares_run(RULES, reply, _RULE_WORDS)
    if quoted:
        return f'quotes the rules: "{quoted}"'
    names = "|".join(re.escape(name) for name in other_names if name)
    label = re.search(rf"(?:^|\n)[ ]*(?:{names})[ ]*:", reply) if names else None
    return f'speaks for somebody else: "{label.group().strip()}"' if label else ""
