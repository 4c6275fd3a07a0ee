"""Where sentences end: the one rule that cutting, digests and the output guard share."""

import re
from collections.abc import Callable

_END = re.compile(r"""[.!?…。！？]+[)\]"'’”*»]*(?=\s|$)|[。！？]""")
_ABBREVIATION = re.compile(r"(?:^|[\s(\"'“])(?:Mr|Mrs|Ms|Dr|St|Sr|Jr|No|vs|etc|e\.g|i\.e|[A-Z])\.$")


def sentence_ends(text: str) -> list[int]:
    """Offsets right behind each sentence end, in order; an unfinished rest has none.

    An abbreviation or a lone initial does not end a sentence unless the text ends with it.
    """
    ends = []
    for match in _END.finditer(text):
        if match.end() < len(text) and _ABBREVIATION.search(text[: match.start() + 1]):
            continue
        ends.append(match.end())
    return ends


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, stripped; an unfinished rest is the last one."""
    pieces = []
    start = 0
    for end in [*sentence_ends(text), len(text)]:
        piece = text[start:end].strip()
        if piece:
            pieces.append(piece)
        start = end
    return pieces


def finished_part(text: str) -> str:
    """The text up to its last sentence end; empty if no sentence is finished."""
    ends = sentence_ends(text)
    return text[: ends[-1]].rstrip() if ends else ""


def cut_to_tokens(text: str, max_tokens: int, count: Callable[[str], int]) -> str:
    """The longest beginning of a text that fits, ending at a sentence, else a word, else anywhere.

    Args:
        text: Any text; returned unchanged when it fits.
        max_tokens: At least 0.
        count: Tokens of a text.
    """
    # A token is at least one character only for ordinary text; a bounded slice keeps counting
    # cheap on hostile lengths, and 24 characters a token is beyond what any tokenizer packs.
    head = text[: max_tokens * 24]
    if len(head) == len(text) and count(text) <= max_tokens:
        return text
    low, high = 0, len(head)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count(head[:middle]) <= max_tokens else (low, middle - 1)
    fitting = head[:low]
    while fitting and count(fitting) > max_tokens:
        fitting = fitting[:-1]
    whole = finished_part(fitting)
    if len(whole) >= len(fitting) // 3 and whole:
        return whole
    words = fitting.rsplit(maxsplit=1)
    return (words[0] if len(words) > 1 else fitting).rstrip()
