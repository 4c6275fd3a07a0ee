"""What `npc bench` measures and how often: all of it, or what fits in a minute."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """What is measured, and how often."""

    rounds: int = 5
    warm_tokens: tuple[int, ...] = (500, 1500, 3500)
    """Lengths of the talks in which a warm turn is measured."""
    new_tokens: int = 40
    """What a warm turn adds to what was read before."""
    crowds: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    crowd_rounds: int = 3
    crowd_tokens: int = 700
    """Length of the talk of each NPC in a crowd."""
    reply_tokens: int = 64
    time_limit_s: float | None = None
    """Nothing is begun after this, and what is under way ends; None takes the time it needs."""


FULL = BenchPlan()
QUICK = BenchPlan(
    rounds=2,
    crowds=(1, 2, 4, 8),
    crowd_rounds=1,
    crowd_tokens=300,
    reply_tokens=24,
    time_limit_s=50.0,
)
