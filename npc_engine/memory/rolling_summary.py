"""The rolling summary: put together from the texts of folds, never written anew."""

from collections.abc import Callable, Collection, Mapping

from npc_engine.memory.words import sentences
from npc_engine.sentences import cut_to_tokens


def rolling_summary(
    num_episodes: int,
    text_of: Callable[[int], str],
    cap_tokens: int,
    count: Callable[[str], int],
    *,
    pinned: Collection[int] = (),
) -> str:
    """Episode texts as one text that never exceeds its cap; a row for each, oldest first.

    Pinned ones are taken whole as far as they fit. The newest others are taken whole while they
    fit, then of older ones the first sentence, newest first, until one does not fit. The newest
    alone, if it is too long, is cut at a sentence.

    Args:
        num_episodes: Folds in effect.
        text_of: The text of one by its place, 0 the oldest; asked for the few that may be told.
        cap_tokens: Limit for the whole text as `count` sees it.
        count: Tokens of a text.
        pinned: Places of the pinned ones.
    """
    kept: dict[int, str] = {}

    def take(place: int, text: str) -> bool:
        wider = {**kept, place: text}
        if count(_in_order(wider)) > cap_tokens:
            return False
        kept[place] = text
        return True

    for place in sorted(pinned, reverse=True):
        if text := text_of(place).strip():
            take(place, text)
    whole = True
    for place in reversed(range(num_episodes)):
        text = text_of(place).strip()
        if not text or place in kept or (whole and take(place, text)):
            continue
        whole = False
        alone = not kept
        start = cut_to_tokens(text, cap_tokens, count) if alone else _opening(text)
        if not start or not take(place, start):
            break
    return _in_order(kept)


def _in_order(texts: Mapping[int, str]) -> str:
    return "\n".join(text for _, text in sorted(texts.items()))


def _opening(episode: str) -> str:
    return sentences(episode)[0]
