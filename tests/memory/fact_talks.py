"""A path that grows with the fact book of one NPC beside it."""

from npc_engine.content.facts import RememberRule
from npc_engine.memory.entries import (
    Entry,
    FactChanged,
    FactProposed,
    FactStated,
    Folded,
    LineSaid,
)
from npc_engine.memory.fact_book import FactBook
from npc_engine.memory.lines import Ears


def rule(**fields):
    return RememberRule.model_validate(fields)


NAME = rule(slot="player_name", pattern=r"(?:my name is|call me) (?P<value>[A-Z]\w+)")
PROMISE = rule(
    slot="promise", pattern=r"I'll (?P<value>[^.!?]+)", cardinality="many", **{"from": "anyone"}
)
PRICE = rule(slot="price", pattern=r"(?P<value>\d+ silver)", keys=("cost",), subject="hearer")


class Talk:
    """A path that grows, and the book of one NPC beside it."""

    def __init__(self, *rules, npc="mira", calendar=None):
        called = {"player": "the traveller", "mira": "Mira", "bett": "Bett"}
        self.book = FactBook(npc, rules or (NAME, PROMISE), called, calendar)
        self.ears = Ears(npc)
        self.entries = []
        self.day, self.minute = 41, 600

    def add(self, payload):
        number = len(self.entries) + 1
        entry = Entry(number, 1, number - 1 or None, 0.0, self.day, self.minute, payload)
        self.entries.append(entry)
        line = self.ears.note(entry)
        if line is not None:
            self.book.hear(line)
        self.book.note(entry)
        return number

    def say(self, text, speaker="player", hearers=("mira",), **more):
        role = "player" if speaker == "player" else "npc"
        return self.add(LineSaid(role=role, speaker=speaker, text=text, hearers=hearers, **more))

    def state(self, value, slot="toll", subject="ferry", **more):
        text = more.pop("text", f"The {slot} of the {subject} is {value}.")
        return self.add(FactStated(subject=subject, slot=slot, value=value, text=text, **more))

    def change(self, fact, change, text=""):
        return self.add(FactChanged(npc="mira", fact=fact, change=change, text=text))

    def fold(self, *proposals):
        facts = tuple(FactProposed(text=text, evidence=lines) for text, lines in proposals)
        return self.add(
            Folded(npc="mira", entry_ids=(1,), text="", kind="model", source_digest="", facts=facts)
        )

    def values(self):
        return [fact.value for fact in self.book.current()]

    def texts(self):
        return [fact.text for fact in self.book.current()]


def captured_facts(path, npc, rules, player_name, *, names=None, calendar=None):
    """What `npc` knows at the end of `path`, read from its beginning."""
    book = FactBook(npc, rules, {**(names or {}), "player": player_name}, calendar)
    ears = Ears(npc)
    for entry in path:
        line = ears.note(entry)
        if line is not None:
            book.hear(line)
        book.note(entry)
    return book.current()
