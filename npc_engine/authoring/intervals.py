"""How sure a share of runs is: Wilson's interval."""

import math
from dataclasses import dataclass

_Z = 1.96
"""Two-sided 95 %."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A range of shares, 0..1."""

    low: float
    high: float

    def __str__(self) -> str:
        """Two decimals and no leading zero, such as `[.38, .96]`."""
        return f"[{_short(self.low)}, {_short(self.high)}]"


def wilson(num_passed: int, num_runs: int) -> Interval:
    """The 95 % interval of a share.

    Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953. No runs: anything is possible.

    >>> str(wilson(4, 5))
    '[.38, .96]'
    """
    if num_runs == 0:
        return Interval(0.0, 1.0)
    share = num_passed / num_runs
    scale = 1 + _Z**2 / num_runs
    centre = (share + _Z**2 / (2 * num_runs)) / scale
    half = _Z / scale * math.sqrt(share * (1 - share) / num_runs + _Z**2 / (4 * num_runs**2))
    low = 0.0 if num_passed == 0 else max(0.0, centre - half)
    high = 1.0 if num_passed == num_runs else min(1.0, centre + half)
    return Interval(low, high)


def _short(share: float) -> str:
    text = f"{share:.2f}"
    return {"0.00": "0", "1.00": "1"}.get(text, text.removeprefix("0"))
