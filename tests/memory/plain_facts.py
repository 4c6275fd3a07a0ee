"""The rules of facts written down a second time, slowly: what a book must agree with."""

from dataclasses import dataclass, field, replace

from npc_engine.memory.capture import facts_in
from npc_engine.memory.entries import FactChanged, FactStated, FoldChanged, Folded
from npc_engine.memory.facts import LearnedFact
from npc_engine.memory.game_days import DayWords
from npc_engine.memory.lines import Ears

CLASSES = ["model", "capture", "authored", "game"]


def fold_case(value):
    return " ".join(value.casefold().split())


def group(fact):
    many = fact.cardinality == "many" or not fact.slot
    return fact.subject, fact.slot, fold_case(fact.value) if many else ""


def rank(fact):
    number = int(fact.id.split(".")[1])
    said_at = max(fact.evidence) if fact.origin == "model" else fact.entry_id
    return CLASSES.index(fact.origin), fact.day, fact.minute, said_at, fact.entry_id, number


@dataclass
class PlainFacts:
    """Every row in one list; every question looks at all of them."""

    npc: str
    rules: tuple
    rows: list = field(default_factory=list)
    hidden: list = field(default_factory=list)
    pins: list = field(default_factory=list)

    def read(self, path):
        ears = Ears(self.npc)
        heard = {}
        for entry in path:
            line = ears.note(entry)
            if line is not None:
                self.rows = [
                    row
                    for row in self.rows
                    if not (row.origin == "capture" and row.entry_id == line.entry_id)
                    and not (
                        row.origin == "model"
                        and line.entry_id in row.evidence
                        and line.entry_id in heard
                    )
                ]
                heard.pop(line.entry_id, None)
                if line.text:
                    heard[line.entry_id] = (line.day, line.minute)
                    self.rows += facts_in(line, self.npc, self.rules, {}, DayWords())
            self.note(entry, heard)
        return self

    def note(self, entry, heard):
        happened = entry.payload
        if isinstance(happened, FactStated):
            if happened.known_by is None or self.npc in happened.known_by:
                self.rows.append(stated(entry, happened))
        elif isinstance(happened, FactChanged) and happened.npc == self.npc:
            self.change(entry, happened)
        elif isinstance(happened, Folded) and happened.npc == self.npc:
            for number, proposal in enumerate(happened.facts):
                if proposal.evidence and set(proposal.evidence) <= set(heard):
                    when = max(heard[line] for line in proposal.evidence)
                    self.rows.append(proposed(entry, number, proposal, when))
        elif isinstance(happened, FoldChanged) and happened.change == "undo":
            self.rows = [
                row for row in self.rows if row.origin != "model" or row.entry_id != happened.target
            ]

    def change(self, entry, changed):
        fact = next((row for row in self.rows if row.id == changed.fact), None)
        if fact is None:
            return
        key = group(fact)
        if changed.change in ("pin", "unpin"):
            self.pins.append((key, fold_case(fact.value), changed.change == "pin"))
            return
        gone = [row for row in self.visible() if group(row) == key]
        self.hidden += [(row.entry_id, key, fold_case(row.value)) for row in gone]
        values = {fold_case(row.value) for row in gone}
        self.pins = [pin for pin in self.pins if not (pin[0] == key and pin[1] in values)]
        if changed.change == "edit" and changed.text.strip():
            self.rows.append(
                replace(
                    fact,
                    id=f"{entry.id}.0",
                    value=changed.text,
                    text=changed.text,
                    origin="authored",
                    mode="true",
                    entry_id=entry.id,
                    day=entry.day,
                    minute=entry.minute,
                    speaker="",
                )
            )

    def visible(self):
        return [
            row
            for row in self.rows
            if (row.entry_id, group(row), fold_case(row.value)) not in self.hidden
        ]

    def current(self):
        best = {}
        for row in sorted(self.visible(), key=rank):
            best[group(row)] = row
        return sorted((self.pinned(row) for row in best.values()), key=place)

    def superseded(self):
        values = {group(row): fold_case(row.value) for row in self.current()}
        lost = [row for row in self.visible() if fold_case(row.value) != values[group(row)]]
        return sorted(lost, key=place)

    def pinned(self, row):
        said = [is_pinned for key, value, is_pinned in self.pins if (key, value) == mark(row)]
        return replace(row, pinned=said[-1]) if said else row


def mark(row):
    return group(row), fold_case(row.value)


def place(fact):
    return fact.entry_id, int(fact.id.split(".")[1])


def stated(entry, happened):
    return LearnedFact(
        id=f"{entry.id}.0",
        subject=happened.subject,
        slot=happened.slot,
        value=happened.value,
        text=happened.text,
        cardinality=happened.cardinality if happened.slot else "many",
        origin=happened.origin,
        mode="true",
        entry_id=entry.id,
        evidence=happened.evidence,
        day=entry.day,
        minute=entry.minute,
        pinned=happened.pinned,
    )


def proposed(entry, number, proposal, when):
    return LearnedFact(
        id=f"{entry.id}.{number}",
        subject="",
        slot="",
        value=proposal.text,
        text=proposal.text,
        cardinality="many",
        origin="model",
        mode="claim",
        entry_id=entry.id,
        evidence=proposal.evidence,
        day=when[0],
        minute=when[1],
    )
