"""What is played in one piece: one persona in one arm with one seed, one part of the exam."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from benchmarks.character.arms import Arm
from benchmarks.character.probes import Probe
from benchmarks.character.script import Exam, Kind, PersonaScript

Part = Literal["rest", "told", "loops"]
"""`told` and `loops` are one long talk each; all other probes share the `rest`."""
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True, slots=True)
class Setting:
    """How the exam is played."""

    exam: Exam
    probes: tuple[Probe, ...]
    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]

    @property
    def num_answers(self) -> int:
        """How often a model is asked for a line."""
        return len(self.probes) * len(self.arms) * len(self.seeds)


@dataclass(frozen=True, slots=True)
class Series:
    """Probes that are asked one after the other; its answers depend on no other series."""

    arm: Arm
    script: PersonaScript
    seed: int
    part: Part
    probes: tuple[Probe, ...]

    @property
    def key(self) -> str:
        """Tells it from every other series of its exam."""
        return f"{self.arm.name}/{self.script.npc}/{self.seed}/{self.part}"


def part_of(kind: Kind) -> Part:
    """The part in which probes of a kind are asked."""
    return kind if kind == "told" or kind == "loops" else "rest"


def series_of(setting: Setting) -> list[tuple[Series, ...]]:
    """Everything that is to be played; the arms of each persona, seed and part belong together."""
    return [
        tuple(Series(arm, script, seed, part, probes) for arm in setting.arms)
        for seed in setting.seeds
        for script in setting.exam.personas
        for part in PARTS
        if (probes := _probes(setting.probes, script.npc, part))
    ]


def flat(groups: Sequence[Sequence[Series]]) -> Iterator[Series]:
    """All series of all groups."""
    for group in groups:
        yield from group


def _probes(probes: Sequence[Probe], npc: str, part: Part) -> tuple[Probe, ...]:
    """Of this persona and part, in the order in which they are asked."""
    found = [probe for probe in probes if probe.npc == npc and part_of(probe.kind) == part]
    if part == "told":
        found.sort(key=lambda probe: probe.number + probe.distance)
    return tuple(found)
