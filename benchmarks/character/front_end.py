"""What an ordinary front end does with a model's raw text before it shows it."""

import re
from collections.abc import Sequence

_MARK = re.compile(
    r"<\|[^|\n]{1,40}\|>|<extra_id_\d+>|</?s>|\[/?INST\]|<(?:start|end)_of_turn>"
    r"|(?:^|\n)[ \t]*#{2,} ?(?:System|User|Assistant|Instruction|Response)\b"
)
_ROLES = ("user", "human", "player", "system", "assistant")


def trimmed(text: str, name: str, others: Sequence[str]) -> str:
    """The text without the speaker's own label, cut where a template or another speaker begins.

    Args:
        text: As the model wrote it.
        name: Of the speaker.
        others: Who else may speak; roles of templates are known anyway.
    """
    own = rf"\A\s*(?:{re.escape(name)}|assistant)(?: [A-Z]\w+)?\s*:\s*"
    shown = re.sub(own, "", text, count=1, flags=re.IGNORECASE)
    mark = _MARK.search(shown)
    if mark:
        shown = shown[: mark.start()]
    labels = "|".join(re.escape(other) for other in (*others, name, *_ROLES) if other)
    label = re.search(rf"(?:^|\n)[ *]*(?:{labels})[ *]*:", shown, re.IGNORECASE)
    return (shown[: label.start()] if label else shown).strip()
