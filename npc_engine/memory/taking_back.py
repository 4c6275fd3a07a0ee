"""The fact that stands in place of one its speaker took back, in the speaker's own words."""

from collections.abc import Mapping
from dataclasses import replace

from npc_engine.memory.changes import Change
from npc_engine.memory.current_facts import NAME_SLOTS
from npc_engine.memory.facts import MAX_KEYS, LearnedFact, fact_sentence
from npc_engine.memory.game_days import DayWords
from npc_engine.memory.lines import HeardLine


def may_be_taken_back_by(fact: LearnedFact, heard: Mapping[int, HeardLine]) -> str:
    """Who can take a fact back in words: who said it. Empty where nobody can.

    What a game or an author states, what somebody pinned, and names are changed by no words.

    Args:
        fact: Something that was learned.
        heard: What the NPC heard, by entry.
    """
    if fact.origin in ("game", "authored") or fact.pinned or fact.slot in NAME_SLOTS:
        return ""
    line = heard.get(max(fact.evidence, default=0))
    return "" if line is None else line.speaker


def amendment(
    fact: LearnedFact, change: Change, number: int, called: Mapping[str, str], days: DayWords
) -> LearnedFact:
    """The words of a change as a fact about what they change.

    Args:
        fact: What was taken back.
        change: The line that does so.
        number: Of the fact among those of that line.
        called: What everybody is called in the texts, by id.
        days: Of the world.
    """
    line = change.line
    name = called.get(line.speaker, line.speaker)
    words = f"{name[:1].upper()}{name[1:]}: {change.told}"
    sentence = fact_sentence(words, line.day, days)
    return replace(
        fact,
        id=f"{line.entry_id}.{number}",
        value=sentence.text,
        text=sentence.text,
        mode="claim",
        entry_id=line.entry_id,
        evidence=(line.entry_id,),
        day=line.day,
        minute=line.minute,
        when_day=sentence.day,
        # Whoever asks for the old finds the new.
        keys=(fact.text, *fact.keys)[:MAX_KEYS],
        speaker=line.speaker,
    )
