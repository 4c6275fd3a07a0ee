"""What a measurement of speed comes to: figures, crowds, and what could not be measured."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure."""

    name: str
    value: float
    unit: str
    target: float | None = None
    at_most: bool = False
    """Whether the target is an upper bound."""
    runs: int = 1

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None:
            return None
        return self.value <= self.target if self.at_most else self.value >= self.target


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many NPCs speaking at once; medians over the rounds, the gap is the longest of all."""

    num_npcs: int
    total_tokens_per_s: float
    each_tokens_per_s: float
    first_token_ms: float
    """Until an NPC's first token, all having been asked in the same moment."""
    longest_gap_ms: float
    """The longest wait between two tokens of one speaker."""
    runs: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be measured, and why."""

    what: str
    why: str


@dataclass(slots=True)
class BenchReport:
    """All that one `npc bench` found; grows while it runs."""

    figures: list[Figure] = field(default_factory=list)
    crowds: list[Crowd] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    settings: dict[str, object] = field(default_factory=dict)
    was_interrupted: bool = False
