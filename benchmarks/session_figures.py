"""The rounds of `benchmarks.session` as figures with their targets, and as rows for the JSON."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace

from benchmarks.report import Figure
from benchmarks.side_by_side import WATCHED, Series, spread

_MB = 1e6


@dataclass(frozen=True, slots=True)
class Measured:
    """All series of a run."""

    warm: Series
    """Warm turns of a long talk: first token and speed at that length."""
    short: Series
    """The same of a short talk."""
    together: list[Series]
    cold: Series
    memory: Mapping[str, float]
    """Of our process, in bytes: weights, budget, held, resident."""
    talk_tokens: int
    short_tokens: int

    @property
    def series(self) -> list[Series]:
        """In the order they were measured."""
        return [self.warm, self.short, *self.together, self.cold]

    def problems(self) -> dict[str, object]:
        """Which side left which series, and why; how many rounds were measured again."""
        found: dict[str, object] = {}
        for series in self.series:
            found |= {f"{series.name}, {side}": why for side, why in series.problems.items()}
            if series.num_discarded:
                found[f"{series.name}, rounds discarded"] = series.num_discarded
        return found

    def rows(self) -> list[dict[str, object]]:
        """Every value of every round that counts."""
        return [
            {"series": series.name, "round": number, "side": side, **values}
            for series in self.series
            for number, found in enumerate(series.rounds)
            for side, values in found.items()
        ]


def session_figures(measured: Measured, *, has_targets: bool) -> list[Figure]:
    """What the run comes to; a figure whose side is missing is left out.

    Args:
        measured: The series.
        has_targets: Whether the sizes are those the targets were set for.
    """
    figures = [
        *_first_tokens(measured),
        *_speeds(measured.short, measured.short_tokens),
        *_speeds(measured.warm, measured.talk_tokens),
        *(figure for series in measured.together for figure in _together(series)),
        *_cold(measured.cold),
        *_memory(measured.memory),
        *_largest_spread(measured),
    ]
    if has_targets:
        return figures
    return [replace(figure, target=None) for figure in figures]


def _first_tokens(measured: Measured) -> list[Figure]:
    series, what = measured.warm, f"first token, {measured.warm.name}"
    figures = [
        *_medians(series, what, "first_ms", "ms"),
        *_ratio(series, what, ("ours", "generate"), "first_ms", 1 / 20, at_most=True),
        *_ratio(series, what, ("ours", "generate_float32"), "first_ms"),
        *_ratio(series, what, ("ours", "generate_static"), "first_ms"),
        *_ratio(series, what, ("ours", "llama"), "first_ms", 1.0, at_most=True),
        *_ratio(series, what, ("worker", "ours"), "first_ms"),
    ]
    same = [
        len({values["first_id"] for values in found.values()}) == 1
        for found in series.rounds
        if found and all("first_id" in values for values in found.values())
    ]
    if same:
        share = sum(same) / len(same)
        figures.append(
            Figure("rounds with one first token on all sides", share, "", runs=len(same))
        )
    read = [
        values["reused_tokens"] / measured.talk_tokens
        for found in series.rounds
        for side, values in found.items()
        if side == "ours"
    ]
    if read:
        figures.append(Figure("reused share, ours", statistics.median(read), "", runs=len(read)))
    return figures


def _speeds(series: Series, tokens: int) -> list[Figure]:
    what = f"decode at {tokens:,}"
    return [
        *_medians(series, what, "tokens_per_s", "tok/s"),
        *_ratio(series, what, ("ours", "llama"), "tokens_per_s", 1.2),
        *_ratio(series, what, ("ours", "generate_float32"), "tokens_per_s", 3.0),
        *_ratio(series, what, ("ours", "generate"), "tokens_per_s"),
        *_ratio(series, what, ("ours", "generate_static"), "tokens_per_s"),
    ]


def _together(series: Series) -> list[Figure]:
    figures = _medians(series, series.name, "total_tokens_per_s", "tok/s", sides=("ours",))
    figures += _medians(series, f"{series.name}, alone", "tokens_per_s", "tok/s", sides=("llama",))
    ratio = series.ratio(("ours", "total_tokens_per_s"), ("llama", "tokens_per_s"))
    runs = len(series.rounds)
    if ratio is not None:
        name = f"{series.name}, ours in total / llama alone"
        figures.append(Figure(name, ratio, "x", 3.0, runs=runs))
    waits = series.values("ours", "longest_wait_steps")
    if waits:
        name = f"{series.name}, longest wait of a speaker"
        figures.append(Figure(name, max(waits), "steps", 3, at_most=True, runs=runs))
    figures += _medians(series, f"{series.name}, last first token", "last_first_ms", "ms")
    return figures


def _cold(series: Series) -> list[Figure]:
    """The whole time, and when the steps of it were reached."""
    figures = []
    runs = len(series.rounds)
    for side in ("local", "worker"):
        keys = dict.fromkeys(key for found in series.rounds for key in found.get(side, {}))
        for key in keys:
            value = series.median(side, key) or 0.0
            if key == "first_s":
                name = f"{series.name}, {side}"
                figures.append(Figure(name, value, "s", 5.0, at_most=True, runs=runs))
            else:
                figures.append(Figure(f"- {side}, {key}", value, "s", runs=runs))
    return figures


def _memory(memory: Mapping[str, float]) -> list[Figure]:
    resident, weights = memory["resident_bytes"], memory["weights_bytes"]
    if not resident:
        return []
    budget, held = memory["budget_bytes"], memory["held_bytes"]
    return [
        Figure("resident memory, ours", resident / _MB, "MB"),
        Figure("resident / (weights + KV budget)", resident / (weights + budget), "x", 1.5,
               at_most=True),
        Figure("resident / (weights + KV held)", resident / (weights + held), "x"),
    ]  # fmt: skip


def _medians(
    series: Series, what: str, key: str, unit: str, sides: tuple[str, ...] = ()
) -> list[Figure]:
    """One figure for each side."""
    found = dict.fromkeys(side for found in series.rounds for side in found)
    values = {side: series.values(side, key) for side in sides or found}
    return [
        Figure(f"{what}, {side}", statistics.median(measured), unit, runs=len(measured))
        for side, measured in values.items()
        if measured
    ]


def _largest_spread(measured: Measured) -> list[Figure]:
    """How noisy the machine was: the least steady of all values that ratios are made of."""
    spreads = [
        spread(series.values(side, key))
        for series in measured.series
        for side in {side for found in series.rounds for side in found}
        for key in WATCHED
    ]
    return [Figure("largest spread of a side", max(spreads, default=0.0), "")]


def _ratio(
    series: Series,
    what: str,
    sides: tuple[str, str],
    key: str,
    target: float | None = None,
    *,
    at_most: bool = False,
) -> list[Figure]:
    ratio = series.ratio((sides[0], key), (sides[1], key))
    if ratio is None:
        return []
    name = f"{what}, {sides[0]} / {sides[1]}"
    return [Figure(name, ratio, "x", target, at_most=at_most, runs=len(series.rounds))]
