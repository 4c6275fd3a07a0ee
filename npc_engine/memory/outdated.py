"""Takes out of an old text what is no longer so."""

from collections.abc import Callable, Collection

from npc_engine.memory.words import sentences, words


def without_values(text: str, values: Collection[str]) -> str:
    """The text without the sentences that give one of these values, rows kept.

    Args:
        text: Rows of sentences.
        values: Compared word for word, whatever their case.
    """
    wanted = [value for value in map(words, values) if value]
    return without(text, lambda sentence: _gives_any(sentence, wanted)) if wanted else text


def without(text: str, is_outdated: Callable[[str], bool]) -> str:
    """The text without the sentences that are outdated, rows kept."""
    rows = []
    for row in text.splitlines():
        kept = [sentence for sentence in sentences(row) if not is_outdated(sentence)]
        if kept:
            rows.append(" ".join(kept))
    return "\n".join(rows)


def _gives_any(sentence: str, values: Collection[list[str]]) -> bool:
    said = words(sentence)
    return any(
        said[start : start + len(value)] == value
        for value in values
        for start in range(len(said) - len(value) + 1)
    )
