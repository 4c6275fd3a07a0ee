"""What the exam gives: every answer with its verdicts, and shares of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from benchmarks.character.probes import Probe
from benchmarks.character.talks import Spoken
from benchmarks.character.verdicts import Fault, Finding
from npc_engine.authoring.intervals import Interval, wilson


@dataclass(frozen=True, slots=True)
class Before:
    """The same answer without the engine's guard."""

    text: str
    findings: tuple[Finding, ...]
    failed: bool
    is_counted: bool
    """False where a right answer may only be missing because nobody waited for the end."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One probe, answered once in one arm."""

    probe: Probe
    arm: str
    seed: int
    spoken: Spoken
    findings: tuple[Finding, ...]
    failed: bool
    has_marker: bool
    gold_in_prompt: bool | None
    """None where there is no right answer to give."""
    secret_in_prompt: bool
    """Something stands in the prompt that gives a secret away."""
    is_false_alarm: bool
    """What the model wrote was replaced, and the exam finds nothing wrong with it."""
    before: Before | None = None
    """None in the arm without an engine."""
    timed_in: int = 1
    """The run it was timed in; 0 if others were played beside it, which makes times worthless."""

    def has(self, *faults: Fault) -> bool:
        """Whether one of these faults was found."""
        return any(finding.fault in faults for finding in self.findings)


def unguarded(answers: Sequence[Answered], arm: str, name: str) -> list[Answered]:
    """The answers of an engine's arm as they would have been without its guard.

    Args:
        answers: Of all arms.
        arm: With an engine.
        name: Of the arm that is made up so.
    """
    return [
        replace(
            each,
            arm=name,
            spoken=replace(each.spoken, text=each.before.text, was_replaced=False, how=""),
            findings=each.before.findings,
            failed=each.before.failed,
            is_false_alarm=False,
            before=None,
            timed_in=0,
        )
        for each in answers
        if each.arm == arm and each.before is not None and each.before.is_counted
    ]


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many, over all seeds, and in the worst of them."""

    hits: int
    count: int
    worst: float
    """The largest share that a single seed had; 0 of nothing."""
    least: float = field(default=0.0, compare=False)
    """The smallest one."""

    @property
    def value(self) -> float:
        """Between 0 and 1; 0 of nothing."""
        return self.hits / self.count if self.count else 0.0

    @property
    def interval(self) -> Interval:
        """Wilson's, at 95 %."""
        return wilson(self.hits, self.count)


def rate(marks: Sequence[tuple[int, bool]]) -> Rate:
    """The rate of pairs of a seed and whether it was a hit."""
    by_seed: dict[int, list[bool]] = {}
    for seed, is_hit in marks:
        by_seed.setdefault(seed, []).append(is_hit)
    shares = [sum(hits) / len(hits) for hits in by_seed.values()] or [0.0]
    return Rate(sum(is_hit for _, is_hit in marks), len(marks), max(shares), min(shares))
