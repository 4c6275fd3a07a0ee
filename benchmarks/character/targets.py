"""What the engine has to reach, and whether it does: one line for each target and arm."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table

from benchmarks.character.arms import RAW, Arm
from benchmarks.character.figures import (
    MAX_FIRST_TOKEN_RATIO,
    MUCH,
    bound_of,
    first_text_figures,
)
from benchmarks.character.measures import (
    FAILURES,
    FALSE_ALARMS,
    GOLD_IN_PROMPT,
    GOLD_OF_SHEET_IN_PROMPT,
    Measure,
    measured,
)
from benchmarks.character.results import Answered, Rate

NOT_TIMED = "not timed: several series at once"


@dataclass(frozen=True, slots=True)
class Reached:
    """One target in one arm."""

    name: str
    arm: str
    """Its label."""
    rule: str
    """Where the bound comes from."""
    bound: float | None
    """None where there is no raw arm that would give one."""
    at_most: bool
    value: float | None
    """None where it was not measured."""
    count: int
    shown: str
    """The value for people."""
    worst: str
    """Of the seeds; empty where seeds are not told apart."""
    raw: str

    @property
    def met(self) -> bool | None:
        """None where it cannot be said."""
        if self.bound is None or self.value is None:
            return None
        return self.value <= self.bound if self.at_most else self.value >= self.bound


def verdicts_on_targets(answers: Sequence[Answered], arms: Sequence[Arm]) -> list[Reached]:
    """All targets of every arm with an engine; what was not asked is left out."""
    has_raw = any(arm.name == RAW for arm in arms)
    found: list[Reached] = []
    for arm in arms:
        if arm.name == RAW:
            continue
        for measure in (*FAILURES, FALSE_ALARMS, GOLD_OF_SHEET_IN_PROMPT, GOLD_IN_PROMPT):
            raw = measured(measure, answers, RAW) if has_raw else None
            its = measured(measure, answers, arm.name)
            if its.count:
                found.append(_reached(measure, arm, raw, its))
        found += _first_text(answers, arms, arm)
    return found


def targets_table(reached: Sequence[Reached], arm: Arm) -> Table:
    """The targets of one arm."""
    table = Table("target", "raw", "to reach", "measured", "worst seed", "", box=None)
    table.title, table.title_justify = arm.label, "left"
    for each in reached:
        if each.arm == arm.label:
            met = {None: "", True: "met", False: "MISSED"}[each.met]
            table.add_row(each.name, each.raw, bound_text(each), each.shown, each.worst, met)
    return table


def bound_text(reached: Reached) -> str:
    """The bound and its rule."""
    if reached.bound is None:
        return reached.rule
    sign = "≤" if reached.at_most else "≥"
    is_share = "text" not in reached.name
    number = f"{reached.bound:.1%}" if is_share else f"{reached.bound:g}x"
    return f"{sign} {number}{f' ({reached.rule})' if reached.rule else ''}"


def _reached(measure: Measure, arm: Arm, raw: Rate | None, its: Rate) -> Reached:
    worst = its.worst if measure.is_failure else its.least
    return Reached(
        name=measure.name
        if measure is not GOLD_OF_SHEET_IN_PROMPT
        else "right answer of the sheet stands in the prompt",
        arm=arm.label,
        rule=_rule(measure, raw),
        bound=bound_of(measure, raw),
        at_most=measure.is_failure,
        value=its.value,
        count=its.count,
        shown=f"{its.value:.1%} {its.interval} of {its.count}",
        worst=f"{worst:.1%}",
        raw="" if raw is None or measure is FALSE_ALARMS else f"{raw.value:.1%} {raw.interval}",
    )


def _rule(measure: Measure, raw: Rate | None) -> str:
    """In words, where raw gives the bound."""
    if bound_of(measure, None) is not None:
        return ""
    if raw is None:
        return "needs the arm raw"
    return "1/5 of raw" if measure.wants_far_less and raw.value >= MUCH else "raw"


def _first_text(answers: Sequence[Answered], arms: Sequence[Arm], arm: Arm) -> Iterator[Reached]:
    """Only of the default, or of what is the same: nobody has to use the others."""
    is_default = arm.name == "default" or all(each.name != "default" for each in arms)
    if not is_default:
        return
    figures = [
        each for each in first_text_figures(answers, arms) if f": {arm.label} /" in each.name
    ]
    for each in figures:
        name = each.name.partition(" / ")[2].removesuffix(", median of pairs")
        yield Reached(
            f"first text, against {name}", arm.label, "", MAX_FIRST_TOKEN_RATIO, True, each.value,
            each.runs, f"{each.value:.2f}x, median of {each.runs}", "", "",
        )  # fmt: skip
    if not figures and not any(each.timed_in for each in answers if each.arm == arm.name):
        yield Reached(
            "first text, against one candidate", arm.label, "", MAX_FIRST_TOKEN_RATIO, True, None,
            0, NOT_TIMED, "", "",
        )  # fmt: skip
