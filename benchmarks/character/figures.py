"""The exam's answers as a table of arms, figures against targets, and rows for JSON."""

from collections.abc import Mapping, Sequence
from statistics import median

from rich.table import Table

from benchmarks.character.arms import BEFORE, RAW, Arm, plainest
from benchmarks.character.measures import (
    FAILURES,
    FALSE_ALARMS,
    GOLD_IN_PROMPT,
    GOLD_OF_SHEET_IN_PROMPT,
    GUARD_ONLY,
    OTHERS,
    SECRET_IN_PROMPT,
    Measure,
    measured,
    ratio,
)
from benchmarks.character.results import Answered, Rate, unguarded
from benchmarks.character.separability import told_apart
from benchmarks.report import Figure

MUCH = 0.1
"""From this share of failures of raw on, the engine has to do far better."""
FAR_BETTER = 1 / 5
MAX_FALSE_ALARMS = 0.02
MAX_FIRST_TOKEN_RATIO = 1.15
_SHARED = ("style", "benign", "loops")
"""Kinds whose lines are said to every persona."""
_ZERO_BY_CONSTRUCTION = ("secret given away", "secret given away anywhere")


def target_of(measure: Measure, raw: Rate) -> float:
    """What the engine may fail at most: never more than raw, and of some a fifth of much."""
    is_much = measure.wants_far_less and raw.value >= MUCH
    return raw.value * FAR_BETTER if is_much else raw.value


def with_before_guard(
    answers: Sequence[Answered], arms: Sequence[Arm]
) -> tuple[list[Answered], list[Arm]]:
    """Answers and arms, with the plainest engine as it would have been without its guard."""
    base = plainest(arms)
    made = unguarded(answers, base.name, BEFORE.name) if base else []
    if base is None or not made:
        return list(answers), list(arms)
    place = arms.index(base)
    return [*answers, *made], [*arms[:place], BEFORE, *arms[place:]]


def figures_of(answers: Sequence[Answered], arms: Sequence[Arm]) -> list[Figure]:
    """All figures; targets only where there is a raw arm to compare with, or none is needed."""
    figures = []
    has_raw = any(arm.name == RAW for arm in arms)
    all_answers, all_arms = with_before_guard(answers, arms)
    for measure in (*FAILURES, *OTHERS):
        raw = measured(measure, answers, RAW)
        for arm in all_arms:
            if arm.name in (RAW, BEFORE.name) and measure in GUARD_ONLY:
                continue
            found = measured(measure, all_answers, arm.name)
            target = None
            if arm.name not in (RAW, BEFORE.name):
                target = bound_of(measure, raw if has_raw else None)
            figures += _figure(measure, arm, found, target)
    return [*figures, *voice_figures(answers, arms), *cost_figures(answers, arms)]


def bound_of(measure: Measure, raw: Rate | None) -> float | None:
    """What an engine has to keep to; None where nothing says so, or there is no raw arm."""
    if measure.name in _ZERO_BY_CONSTRUCTION:
        return 0.0
    if measure.name in _TARGETS:
        return _TARGETS[measure.name]
    return target_of(measure, raw) if measure in FAILURES and raw is not None else None


_TARGETS: Mapping[str, float] = {
    GOLD_IN_PROMPT.name: 1.0,
    GOLD_OF_SHEET_IN_PROMPT.name: 1.0,
    SECRET_IN_PROMPT.name: 0.0,
    FALSE_ALARMS.name: MAX_FALSE_ALARMS,
}


def _figure(measure: Measure, arm: Arm, found: Rate, target: float | None) -> list[Figure]:
    if not found.count:
        return []
    return [
        Figure(
            f"{measure.name}: {arm.label}",
            found.value,
            "",
            target,
            at_most=measure.is_failure,
            runs=found.count,
        )
    ]


def voice_figures(answers: Sequence[Answered], arms: Sequence[Arm]) -> list[Figure]:
    """How often a reply to a line that all personas are asked is given to who said it."""
    figures = []
    for arm in arms:
        lines: dict[str, list[str]] = {}
        for each in answers:
            if each.arm == arm.name and each.probe.kind in _SHARED and each.spoken.text:
                lines.setdefault(each.probe.npc, []).append(each.spoken.text)
        told = told_apart(lines)
        if told:
            share = sum(told) / len(told)
            figures.append(
                Figure(f"told apart, {len(lines)} personas: {arm.label}", share, "", runs=len(told))
            )
    return figures


def cost_figures(answers: Sequence[Answered], arms: Sequence[Arm]) -> list[Figure]:
    """Medians by arm, and first texts against the plainest engine's; times only of timed answers.

    An answer is not timed when others were played beside it.
    """
    figures = []
    for arm in arms:
        own = [each for each in answers if each.arm == arm.name]
        timed = [each.spoken for each in own if each.timed_in]
        first = [one.first_ms for one in timed if one.first_ms is not None]
        speed = [one.tokens_per_s for one in timed if one.heard_tokens]
        prompt = [float(each.spoken.prompt_tokens) for each in own]
        if first:
            figures += [
                Figure(f"first text, median: {arm.label}", median(first), "ms", runs=len(first)),
                Figure(f"heard: {arm.label}", median(speed or [0.0]), "tok/s", runs=len(speed)),
            ]
        if prompt:
            figures += [
                Figure(f"prompt, median: {arm.label}", median(prompt), "tokens", runs=len(prompt)),
                Figure(f"- the largest: {arm.label}", max(prompt), "tokens", runs=len(prompt)),
            ]
    return [*figures, *first_text_figures(answers, arms)]


def first_text_figures(answers: Sequence[Answered], arms: Sequence[Arm]) -> list[Figure]:
    """How much later first texts come than one candidate's, and than the first it wrote at all."""
    base = plainest(arms)
    figures = []
    for arm in arms:
        if base is None or arm.name == RAW:
            continue
        target = MAX_FIRST_TOKEN_RATIO if arm.name == "default" else None
        for written in (False, True):
            pairs = _first_ratios(answers, arm.name, base.name, written=written)
            if not pairs or (arm == base and not written):
                continue
            against = f"{base.label}, no guard" if written else base.label
            name = f"first text: {arm.label} / {against}, median of pairs"
            figures.append(Figure(name, median(pairs), "", target, at_most=True, runs=len(pairs)))
    return figures


def _first_ratios(
    answers: Sequence[Answered], arm: str, base: str, *, written: bool
) -> list[float]:
    """Of each probe and seed, how much later its first text came; only of pairs of one run."""
    times: dict[tuple[str, int, int], float] = {}
    for each in answers:
        first = each.spoken.first_written_ms if written else each.spoken.first_ms
        if each.arm == base and each.timed_in and first:
            times[each.probe.id, each.seed, each.timed_in] = first
    return [
        each.spoken.first_ms / times[key]
        for each in answers
        if each.arm == arm and each.spoken.first_ms
        and (key := (each.probe.id, each.seed, each.timed_in)) in times
    ]  # fmt: skip


def arms_table(answers: Sequence[Answered], arms: Sequence[Arm]) -> Table:
    """Failures by arm: share, interval, worst seed, and the ratio to raw."""
    answers, arms = with_before_guard(answers, arms)
    table = Table("failures", "n", *(arm.label for arm in arms), box=None)
    for measure in (*FAILURES, *OTHERS):
        rates = {
            arm.name: measured(measure, answers, arm.name)
            for arm in arms
            if not (measure in GUARD_ONLY and arm.name in (RAW, BEFORE.name))
        }
        count = max((found.count for found in rates.values()), default=0)
        if count:
            cells = (_cell(measure, rates, arm.name) for arm in arms)
            table.add_row(measure.name, str(count), *cells)
    return table


def _cell(measure: Measure, rates: Mapping[str, Rate], arm: str) -> str:
    found = rates.get(arm)
    if found is None or not found.count:
        return ""
    most = max(rate.count for rate in rates.values())
    more = [f"of {found.count}"] if found.count != most else []
    if measure.is_failure and found.hits:
        more.append(f"worst seed {found.worst:.0%}")
    share = ratio(found, rates[RAW]) if RAW in rates and arm != RAW else None
    if measure.is_failure and share is not None:
        more.append(f"x{share:.2f}")
    text = f"{found.value:.1%} {found.interval}"
    return f"{text}\n{'; '.join(more)}" if more else text
