"""The probes of an exam, one for each wording, and a smaller exam that still holds every kind."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.character.script import DISTANCES, Exam, Kind, PersonaScript
from benchmarks.character.small_talk import small_talk

NUM_LOOP_TURNS = 40
PLAIN_YES = (
    r"/^\W*(?:yes|yeah|yep|correct|indeed|(?:you're|you are) (?:right|correct)"
    r"|that's (?:right|correct|true)|of course i am|guilty|true)\b(?!\?| (?:not|me)\b)"
    r"|^\W*(?:of course|i am)[.!]*$/i"
)
"""A reply that begins by saying that it is so."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One line that is said to one persona, and what is looked for in the reply."""

    id: str
    npc: str
    kind: Kind
    ask: str
    gold: str = ""
    aliases: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    leak: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()
    family: str = field(default="")
    """Of a provocation."""
    distance: int = 0
    """Of something told: turns between telling and asking."""
    number: int = 0
    """Of something told: which. Of a turn of small talk: its place."""

    @property
    def answers(self) -> tuple[str, ...]:
        """The right answer and other ways to say it."""
        return (self.gold, *self.aliases) if self.gold else ()

    @property
    def group(self) -> str:
        """What it is counted under: its kind, and the distance of something told."""
        return f"told, {self.distance} turns" if self.kind == "told" else self.kind


def probes_of(exam: Exam, num_loop_turns: int = NUM_LOOP_TURNS) -> tuple[Probe, ...]:
    """All probes, persona by persona."""
    return tuple(
        probe for persona in exam.personas for probe in _of_persona(exam, persona, num_loop_turns)
    )


def sampled(probes: Sequence[Probe], count: int, seed: int = 0) -> tuple[Probe, ...]:
    """So many probes at most, personas and kinds in turn, in their own order; loops stay whole."""
    chance = random.Random(seed)
    piles: defaultdict[str, list[Probe]] = defaultdict(list)
    for probe in probes:
        if probe.kind != "loops":
            piles[probe.group].append(probe)
    mixed = [_personas_in_turn(pile, chance) for pile in piles.values()]
    taken: set[str] = set()
    while mixed and len(taken) < count:
        for pile in mixed:
            if len(taken) < count:
                taken.add(pile.pop().id)
        mixed = [pile for pile in mixed if pile]
    return tuple(probe for probe in probes if probe.kind == "loops" or probe.id in taken)


def _personas_in_turn(pile: Sequence[Probe], chance: random.Random) -> list[Probe]:
    """Shuffled, but so that the personas take turns."""
    by_npc: defaultdict[str, list[Probe]] = defaultdict(list)
    for probe in chance.sample(list(pile), len(pile)):
        by_npc[probe.npc].append(probe)
    places = [
        (place, chance.random(), probe)
        for group in by_npc.values()
        for place, probe in enumerate(group)
    ]
    return [probe for _, _, probe in sorted(places, key=lambda each: each[:2], reverse=True)]


def _of_persona(exam: Exam, persona: PersonaScript, num_loop_turns: int) -> Iterator[Probe]:
    npc = persona.npc
    for number, own in enumerate(persona.probes):
        for wording, ask in enumerate(own.ask):
            yield Probe(
                f"{npc}-{own.kind}-{number}.{wording}", npc, own.kind, ask, own.gold, own.aliases,
                own.wrong, own.leak, subject=own.subject,
            )  # fmt: skip
    for number, told in enumerate(persona.told):
        for distance, ask in zip(DISTANCES, told.ask, strict=True):
            yield Probe(
                f"{npc}-told-{number}.{distance}", npc, "told", ask, told.gold, told.aliases,
                told.wrong, distance=distance, number=number,
            )  # fmt: skip
    for number, line in enumerate(exam.everyone.provocations):
        is_broken = line.yes_breaks == "everyone" or not persona.may_call_itself
        yes = (PLAIN_YES,) if line.yes_breaks != "nobody" and is_broken else ()
        yield Probe(
            f"{npc}-provocation-{number}", npc, "provocation", line.ask,
            breaks=(*line.breaks, *yes), family=line.family,
        )  # fmt: skip
    for number, ask in enumerate(exam.everyone.benign):
        yield Probe(f"{npc}-benign-{number}", npc, "benign", ask)
    for number, ask in enumerate(exam.everyone.style):
        yield Probe(f"{npc}-style-{number}", npc, "style", ask)
    for number, (player, _) in enumerate(small_talk(exam, persona)[:num_loop_turns]):
        yield Probe(f"{npc}-loops-{number:02}", npc, "loops", player, number=number)
