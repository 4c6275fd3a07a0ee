"""Rounds in which every side has its turn, and the arithmetic over them: medians, ratios, spread.

Knows nothing of models. A ratio is the median of the ratios of single rounds, so that what slows
the machine down for a while slows both sides of it.
"""

import itertools
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Values = Mapping[str, float]
Round = Mapping[str, Values]
"""What each side measured, by side and name."""

MAX_SPREAD = 0.1
"""A round further than this from a side's median is noise, when told to be strict."""
WATCHED = ("first_ms", "tokens_per_s", "total_tokens_per_s")


@dataclass(slots=True)
class Series:
    """The rounds of one figure; what a side could not do is in `problems`."""

    name: str
    rounds: list[Round] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    num_discarded: int = 0

    def values(self, side: str, key: str) -> list[float]:
        """One value of one side in every round; empty when the side has left."""
        return [found[side][key] for found in self.rounds if key in found.get(side, {})]

    def median(self, side: str, key: str) -> float | None:
        """The median; None when there is nothing."""
        values = self.values(side, key)
        return statistics.median(values) if values else None

    def ratio(self, top: tuple[str, str], bottom: tuple[str, str]) -> float | None:
        """The median over rounds of one side's value divided by another's; None without rounds.

        Args:
            top: Side and name of the value.
            bottom: The same of what it is divided by; rounds in which that is 0 do not count.
        """
        ratios = [
            found[top[0]][top[1]] / found[bottom[0]][bottom[1]]
            for found in self.rounds
            if top[1] in found.get(top[0], {}) and found.get(bottom[0], {}).get(bottom[1])
        ]
        return statistics.median(ratios) if ratios else None


def alternate(
    name: str,
    sides: Mapping[str, Callable[[int], Values]],
    *,
    rounds: int,
    warmups: int,
    strict: bool = False,
    failures: type[Exception] = Exception,
    on_round: Callable[[str], None] | None = None,
) -> Series:
    """Let the sides take turns, A B A B.

    Args:
        name: Of the figure.
        sides: What to run for each; given the number of the round, warm-ups included.
        rounds: That count.
        warmups: That come first and do not count.
        strict: Discard rounds that are noise and measure again, at most twice as often as there
            are rounds.
        failures: What ends a side, but not the others.
        on_round: Told before each round.
    """
    series = Series(name)
    numbers = itertools.count()
    left = dict(sides)

    def one_round() -> Round:
        number = next(numbers)
        if on_round is not None:
            on_round(f"{name}, round {number + 1}")
        found: dict[str, Values] = {}
        for side in tuple(left):
            try:
                found[side] = left[side](number)
            except failures as error:
                series.problems[side] = str(error)
                del left[side]
        return found

    for _ in range(warmups):
        one_round()
    series.rounds = [one_round() for _ in range(rounds)]
    extra = 2 * rounds if strict else 0
    while extra > 0 and (noise := noisy_rounds(series.rounds)):
        noise = noise[:extra]
        extra -= len(noise)
        series.num_discarded += len(noise)
        kept = [found for index, found in enumerate(series.rounds) if index not in noise]
        series.rounds = kept + [one_round() for _ in noise]
    return series


def noisy_rounds(rounds: Sequence[Round]) -> list[int]:
    """Indexes of the rounds in which a watched value is too far from the median of its side."""
    noisy: set[int] = set()
    sides = {side for found in rounds for side in found}
    for side, key in itertools.product(sorted(sides), WATCHED):
        values = {
            index: found[side][key]
            for index, found in enumerate(rounds)
            if key in found.get(side, {})
        }
        if values:
            middle = statistics.median(values.values())
            noisy |= {n for n, value in values.items() if abs(value - middle) > MAX_SPREAD * middle}
    return sorted(noisy)


def spread(values: Sequence[float]) -> float:
    """Largest less smallest, as a share of the median; 0 for fewer than two values."""
    middle = statistics.median(values) if values else 0.0
    return (max(values) - min(values)) / middle if middle else 0.0


def longest_wait_steps(token_times: Sequence[Sequence[float]]) -> int:
    """The most tokens that one speaker said between two tokens of another.

    1 when everybody speaks in every step; 0 for a speaker alone. A speaker that began only when
    another had ended has waited for all that the other said.

    Args:
        token_times: When each speaker's tokens came, in order.
    """
    longest = 0
    for times, theirs in itertools.permutations(token_times, 2):
        if times and theirs and theirs[-1] < times[0]:
            longest = max(longest, len(theirs))
        for early, late in itertools.pairwise(times):
            longest = max(longest, sum(1 for at in theirs if early < at < late))
    return longest
