"""Facts that `remember:` rules capture from what an NPC heard; derived from a path, never stored.

A player's words stay a claim: the rule's own text says who said what, and the value is cut and put
on one line, so that it cannot pose as anything else.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from npc_engine.content.character import PLAYER
from npc_engine.content.facts import RememberRule
from npc_engine.memory.entries import Entry
from npc_engine.memory.lines import HeardLine, heard_lines

MAX_LINE_CHARS = 1000
"""Patterns see no more of a line than this: `re` has no time limit."""
MAX_FACT_WORDS = 25

_PLACEHOLDER = re.compile(r"\{(speaker|hearer|value)\}")


@dataclass(frozen=True, slots=True)
class LearnedFact:
    """One thing an NPC learned from a line."""

    slot: str
    value: str
    text: str
    """A sentence of at most 25 words."""
    entry_id: int
    """The line it comes from."""
    day: int
    minute: int
    speaker: str
    """Id of who said it: facts of one slot about different speakers do not replace each other."""


def captured_facts(
    path: Sequence[Entry],
    npc: str,
    rules: Sequence[RememberRule],
    player_name: str,
    *,
    names: Mapping[str, str] | None = None,
) -> tuple[LearnedFact, ...]:
    """What `npc` has learned at the end of `path`, in the order it was said.

    Where a rule's cardinality is one, the newest value a speaker gave stands alone; else each
    value stands once, where it was said last. Authored lines are never a source.

    Args:
        path: Entries from the root to a leaf.
        npc: Id of the NPC; only lines it heard or said count.
        rules: Of the world and the sheet.
        player_name: What the player is called in the texts.
        names: What others are called, by id; their id is the default.
    """
    called = {**(names or {}), PLAYER: player_name}
    current: dict[tuple[str, ...], LearnedFact] = {}
    for line in heard_lines(path, npc):
        if line.authored:
            continue
        for rule in rules:
            if not _listens_to(rule, line):
                continue
            for fact in _captured(rule, line, npc, called):
                key: tuple[str, ...] = (fact.slot, fact.speaker)
                if rule.cardinality != "one":
                    key = (*key, fact.value.casefold())
                current.pop(key, None)
                current[key] = fact
    return tuple(current.values())


def facts_from(facts: Iterable[LearnedFact], entry_ids: Iterable[int]) -> tuple[LearnedFact, ...]:
    """Those facts that come from certain lines: the facts of a chunk that is to be folded."""
    wanted = set(entry_ids)
    return tuple(fact for fact in facts if fact.entry_id in wanted)


def _listens_to(rule: RememberRule, line: HeardLine) -> bool:
    return rule.from_ in ("anyone", line.role)


def _captured(
    rule: RememberRule, line: HeardLine, npc: str, called: Mapping[str, str]
) -> Iterator[LearnedFact]:
    for match in re.finditer(rule.pattern, line.text[:MAX_LINE_CHARS]):
        value = " ".join((match.groupdict().get("value") or "").split())
        if value:
            value, text = _worded(rule.say, value, line, npc, called)
            yield LearnedFact(
                rule.slot, value, text, line.entry_id, line.day, line.minute, line.speaker
            )


def _worded(
    say: str, value: str, line: HeardLine, npc: str, called: Mapping[str, str]
) -> tuple[str, str]:
    """The value, shortened until its sentence is short enough, and the sentence."""
    hearer = npc if not line.is_own else next(iter(line.hearers), PLAYER)
    people = {
        "speaker": called.get(line.speaker, line.speaker),
        "hearer": called.get(hearer, hearer),
    }
    frame = _PLACEHOLDER.sub(lambda found: people.get(found[1], "value"), say)
    room = max(1, MAX_FACT_WORDS + 1 - len(frame.split()))
    value = " ".join(value.split()[:room])
    filling = {**people, "value": value}
    return value, _PLACEHOLDER.sub(lambda found: filling[found[1]], say)
