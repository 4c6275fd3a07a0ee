"""What `remember:` rules catch in one line.

A player's words stay a claim: the rule's own text says who said what, and the value is cut and put
on one line, so that it cannot pose as anything else.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from npc_engine.content.character import PLAYER
from npc_engine.content.facts import RememberRule
from npc_engine.content.patterns import MAX_SEEN_CHARS
from npc_engine.memory.entries import SpokenBy
from npc_engine.memory.facts import (
    MAX_FACT_CHARS,
    MAX_FACT_WORDS,
    MAX_KEYS,
    MAX_VALUE_CHARS,
    LearnedFact,
    shortened,
)
from npc_engine.memory.game_days import DatedText, DayWords
from npc_engine.memory.lines import HeardLine
from npc_engine.sentences import split_sentences

MAX_LINE_CHARS = 1000
"""Rules see no more of a line than this, a sentence at a time: `re` has no time limit."""
MAX_VALUES = 8
"""So many values one rule takes from one line."""

_PLACEHOLDER = re.compile(r"\{(speaker|hearer|value)\}")
_CLAUSE_ENDS = ",;:"


@dataclass(frozen=True, slots=True)
class SplitLine:
    """A line as rules read it."""

    role: SpokenBy
    sentences: tuple[str, ...]
    """Of its first 1,000 characters; those cut that are longer than a pattern may see."""

    @classmethod
    def of(cls, role: SpokenBy, text: str) -> "SplitLine":
        """The sentences of what somebody said."""
        return cls(role, tuple(_sentences(text[:MAX_LINE_CHARS])))


def values_in(rule: RememberRule, line: SplitLine) -> Iterator[str]:
    """What a rule catches in a line, at most eight values; none if it does not read such lines."""
    if rule.from_ not in ("anyone", line.role):
        return
    pattern = rule.compiled()
    found = 0
    for sentence in line.sentences:
        for match in pattern.finditer(sentence):
            value = _whole_words(match, sentence)
            if value:
                yield value
                found += 1
            if found == MAX_VALUES:
                return


def facts_in(
    line: HeardLine,
    npc: str,
    rules: Sequence[RememberRule],
    called: Mapping[str, str],
    days: DayWords,
) -> tuple[LearnedFact, ...]:
    """What one line teaches `npc`; nothing if an author wrote it.

    Args:
        line: A line the NPC heard or said.
        npc: Id of the NPC.
        rules: Of the world and the sheet; of two that catch the same the later words it.
        called: What everybody is called in the texts, by id, `player` among them; an id that is
            missing stands for itself.
        days: Of the world.
    """
    if line.authored:
        return ()
    facts: list[LearnedFact] = []
    hearer = _hearer(line, npc)
    people = {
        "speaker": called.get(line.speaker, line.speaker),
        "hearer": called.get(hearer, hearer),
    }
    split = SplitLine.of(line.role, line.text)
    for rule in rules:
        for caught in values_in(rule, split):
            value, sentence = _worded(rule.say, caught, people, line.day, days)
            facts.append(
                LearnedFact(
                    id=f"{line.entry_id}.{len(facts)}",
                    subject=line.speaker if rule.subject == "speaker" else hearer,
                    slot=rule.slot,
                    value=value,
                    text=sentence.text,
                    cardinality=rule.cardinality,
                    origin="capture",
                    mode="claim",
                    entry_id=line.entry_id,
                    evidence=(line.entry_id,),
                    day=line.day,
                    minute=line.minute,
                    when_day=sentence.day,
                    keys=rule.keys[:MAX_KEYS],
                    pinned=rule.pinned,
                    speaker=line.speaker,
                )
            )
    return tuple(facts)


def _hearer(line: HeardLine, npc: str) -> str:
    """Whom the line was said to; lines of older saves name only those who heard it."""
    if line.to:
        return line.to
    return npc if not line.is_own else next(iter(line.hearers), PLAYER)


def _sentences(text: str) -> Iterator[str]:
    for sentence in split_sentences(text):
        rest = sentence
        while len(rest) > MAX_SEEN_CHARS:
            end = _cut_at(rest[:MAX_SEEN_CHARS])
            yield rest[:end]
            rest = rest[end:]
        yield rest


def _cut_at(head: str) -> int:
    """Behind the last clause in the second half, else before the last word there, else the end."""
    half = len(head) // 2
    for marks in (_CLAUSE_ENDS, " "):
        place = max(head.rfind(mark, half) for mark in marks)
        if place > 0:
            return place + (marks is _CLAUSE_ENDS)
    return len(head)


def _whole_words(match: re.Match[str], sentence: str) -> str:
    """The value on one line; a word that the pattern cut in two is left out, if others remain."""
    value = match["value"] or ""
    end = match.end("value")
    if value and end < len(sentence) and value[-1].isalnum() and sentence[end].isalnum():
        value = value.rpartition(" ")[0] or value
    return shortened(value, MAX_VALUE_CHARS)


def _worded(
    say: str, value: str, people: Mapping[str, str], day: int, days: DayWords
) -> tuple[str, DatedText]:
    """The value, shortened until its sentence is short enough, and the sentence."""
    while True:
        dated = days.with_days(value, day)
        sentence = days.dated(_filled(say, {**people, "value": dated}), day)
        over = max(
            len(sentence.text.split()) - MAX_FACT_WORDS, int(len(sentence.text) > MAX_FACT_CHARS)
        )
        if over <= 0:
            return dated, sentence
        room = len(value.split()) - over
        if room < 1:
            return dated, replace(sentence, text=shortened(sentence.text, MAX_FACT_CHARS))
        value = shortened(value, MAX_VALUE_CHARS, room)


def _filled(say: str, filling: Mapping[str, str]) -> str:
    text = " ".join(_PLACEHOLDER.sub(lambda found: filling[found[1]], say).split())
    return text[:1].upper() + text[1:] if _PLACEHOLDER.match(say) else text
