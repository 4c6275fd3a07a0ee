"""What the player told an NPC, cut into sayings that are understood alone."""

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

from npc_engine.content.character import PLAYER
from npc_engine.dialogue.asked_words import roots
from npc_engine.dialogue.matching import TAG
from npc_engine.memory.lines import HeardLine
from npc_engine.memory.recall_text import on_one_line
from npc_engine.memory.words import is_question, sentences

MAX_SAYING_CHARS = 200
_MAX_LINE_CHARS = 1000
_FEW_ROOTS = 3
"""So few words after a question are understood with it alone."""
_POINTING = re.compile(
    r"(?:(?:and|but|so|then) )?(?:he|she|it|they|his|her|its|their|him|them|this|that|these|those"
    r"|there|one)\b",
    re.IGNORECASE,
)
_OF_SELF = re.compile(r"(?:i|my|we|our|me|mine)\b", re.IGNORECASE)
_BIDDING = re.compile(
    r"(?:(?:please|so|and|now|well)[, ]+)*(?:tell|remind|describe|explain|show|give|let)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Saying:
    """One or more sentences of the player, word for word."""

    line: HeardLine
    text: str
    question: str = ""
    """Of the NPC, right before it; given where the words alone say too little."""

    @property
    def about(self) -> str:
        """All words that it is found by."""
        return f"{self.question} {self.text}"


def sayings_of(lines: Iterable[HeardLine], among: Container[int]) -> tuple[Saying, ...]:
    """What the player said in these lines and was no question, oldest first.

    Args:
        lines: What the NPC said and heard, oldest first.
        among: Entries of the lines that count.
    """
    found: list[Saying] = []
    before: HeardLine | None = None
    for line in lines:
        if line.speaker == PLAYER and not line.authored and line.entry_id in among:
            found += _of_line(line, before)
        before = line
    return tuple(found)


def _of_line(line: HeardLine, before: HeardLine | None) -> Iterator[Saying]:
    for number, text in enumerate(_told(line.text[:_MAX_LINE_CHARS])):
        needs_it = not _OF_SELF.match(text) and len(roots(text)) <= _FEW_ROOTS
        question = _question(before) if number == 0 and needs_it else ""
        yield Saying(line, on_one_line(text), question)


def _told(text: str) -> list[str]:
    """The sentences; those that only point at what the one before says stand with it."""
    told: list[str] = []
    goes_on = False
    for sentence in sentences(text):
        is_told = not _BIDDING.match(sentence) and (
            not is_question(sentence) or TAG.search(sentence) is not None
        )
        if not is_told or len(sentence) > MAX_SAYING_CHARS:
            goes_on = False
            continue
        joined = f"{told[-1]} {sentence}" if told else ""
        if goes_on and _POINTING.match(sentence) and len(joined) <= MAX_SAYING_CHARS:
            told[-1] = joined
        else:
            told.append(sentence)
            goes_on = True
    return told


def _question(before: HeardLine | None) -> str:
    if before is None or not before.is_own or before.authored:
        return ""
    last = sentences(before.text)[-1:]
    return on_one_line(last[0]) if last and is_question(last[0]) else ""
