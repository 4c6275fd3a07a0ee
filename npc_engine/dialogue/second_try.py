"""When a reply broke character: whether what was said before is enough, and what comes next."""

from collections.abc import Mapping

from npc_engine.dialogue.breaks import Break, BreakKind
from npc_engine.dialogue.guard import KINDS_IN_WORDS
from npc_engine.dialogue.spoken import words_of
from npc_engine.memory.words import STOP_WORDS
from npc_engine.prompt import wording
from npc_engine.sentences import finished_part

_ENOUGH_WORDS = 3
"""A reply of fewer words, such as "Hm. Well.", is no answer yet."""

_WEIGHTS: Mapping[BreakKind, int] = {
    "invented": 1,
    "loop": 1,
    "catchphrase": 1,
    "never_says": 1,
    "assistant": 2,
}
_HEAVIEST = 3

_REMINDERS: Mapping[BreakKind, str] = {
    "invented": wording.REMIND_OF_KNOWLEDGE,
    "loop": wording.REMIND_OF_WORDS,
    "catchphrase": wording.REMIND_TO_ANSWER,
    "never_says": wording.REMIND_OF_WORDS,
}


def is_enough(text: str) -> bool:
    """Whether a reply that was cut may end where it was cut: a whole sentence that says something.

    Args:
        text: Whole sentences; may be empty.
    """
    words = words_of(finished_part(text))
    return len(words) >= _ENOUGH_WORDS and not STOP_WORDS.issuperset(words)


def weight_of(found: Break) -> int:
    """How heavy a break is, 1 to 3: of two cut replies, the one that broke lighter is taken."""
    return _WEIGHTS.get(found.kind, _HEAVIEST)


def reminder_for(found: Break, nickname: str) -> str:
    """The line that goes into the tail of the second prompt."""
    return _REMINDERS.get(found.kind, wording.REMIND_OF_ROLE).format(nickname=nickname)


def break_in_words(found: Break) -> str:
    """For the record: what was wrong, and the words that made it."""
    words = " ".join(found.words.split())
    return f'{KINDS_IN_WORDS[found.kind]}: "{words if len(words) <= 60 else words[:59] + "…"}"'
