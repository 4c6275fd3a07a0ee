"""When words give something away that should stay unknown: a run of its text, or a telling key.

Keys of facts and secrets are mostly topics ("floor", "blade") and give nothing away by themselves.
A key is telling when the hidden text itself holds it, it is a name, a number, a compound or several
words, and it stands in nothing the listener may know anyway.
"""

import re
from collections.abc import Iterable, Sequence

from npc_engine.authoring.matching import Searched, shares_run, tidy, words_of

RUN_WORDS = 6
"""So many words of a hidden text in a row give it away."""

_SENTENCE_START = re.compile(r"(?:^|[.!?:;]\s+)[\"'(]*$")


def telling_keys(text: str, keys: Iterable[str], known: Sequence[Searched]) -> tuple[str, ...]:
    """The keys that give a hidden text away.

    Args:
        text: The hidden text.
        keys: Its keys.
        known: Texts whose words are known anyway.
    """
    hidden = Searched.of(text, spoken=False)
    return tuple(
        key
        for key in keys
        if hidden.has(key) and _is_telling(text, key) and not any(other.has(key) for other in known)
    )


def gives_away(text: str, keys: Iterable[str], said: str, known: Sequence[Searched] = ()) -> str:
    """The words of `said` that give a hidden text away; empty if none do.

    Args:
        text: The hidden text.
        keys: Its keys.
        said: What may hold it.
        known: Texts whose words are known anyway, such as the question that was asked.
    """
    run = shares_run(text, said, RUN_WORDS)
    if run and not any(run in " ".join(words_of(other.tidy)) for other in known):
        return run
    searched = Searched.of(said, spoken=False)
    return next((key for key in telling_keys(text, keys, known) if searched.has(key)), "")


def _is_telling(text: str, key: str) -> bool:
    """Whether a key is more than one common word: a name, a number, a compound, or a phrase."""
    if len(key.split()) > 1 or any(sign.isdigit() or sign == "-" for sign in key):
        return True
    straight = tidy(text, spoken=False)
    for match in re.finditer(rf"(?<!\w){re.escape(key)}(?!\w)", straight, re.IGNORECASE):
        if match.group()[0].isupper() and not _SENTENCE_START.search(straight[: match.start()]):
            return True
    return False
