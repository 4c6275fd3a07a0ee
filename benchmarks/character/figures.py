"""The exam's answers as a table of arms, figures against targets, and rows for JSON."""

from collections.abc import Mapping, Sequence
from statistics import median

from rich.table import Table

from benchmarks.character.arms import RAW, Arm
from benchmarks.character.measures import (
    FAILURES,
    FALSE_ALARMS,
    GOLD_IN_PROMPT,
    OTHERS,
    SECRET_IN_PROMPT,
    Measure,
    measured,
    ratio,
)
from benchmarks.character.results import Answered, Rate
from benchmarks.character.separability import told_apart
from benchmarks.report import Figure

MUCH = 0.1
"""From this share of failures of raw on, the engine has to do far better."""
FAR_BETTER = 1 / 5
MAX_FALSE_ALARMS = 0.02
MAX_FIRST_TOKEN_RATIO = 1.15
PLAINEST = "bare"
"""The arm whose first text the others are compared with; without it, the first engine's."""
_SHARED = ("style", "benign", "loops")
"""Kinds whose lines are said to every persona."""
_ZERO_BY_CONSTRUCTION = ("secret given away", "secret given away anywhere")


def target_of(measure: Measure, raw: Rate) -> float:
    """What the engine may fail at most: never more than raw, and of some a fifth of much."""
    is_much = measure.wants_far_less and raw.value >= MUCH
    return raw.value * FAR_BETTER if is_much else raw.value


def figures_of(answers: Sequence[Answered], arms: Sequence[Arm]) -> list[Figure]:
    """All figures; targets only where there is a raw arm to compare with, or none is needed."""
    figures = []
    has_raw = any(arm.name == RAW for arm in arms)
    for measure in FAILURES:
        raw = measured(measure, answers, RAW)
        for arm in arms:
            found = measured(measure, answers, arm.name)
            target = target_of(measure, raw) if has_raw and arm.name != RAW else None
            if measure.name in _ZERO_BY_CONSTRUCTION and arm.name != RAW:
                target = 0.0
            figures += _figure(measure, arm, found, target)
    for measure in OTHERS:
        for arm in arms:
            if arm.name == RAW and measure not in (GOLD_IN_PROMPT, SECRET_IN_PROMPT, OTHERS[0]):
                continue
            target = None if arm.name == RAW else _TARGETS.get(measure.name)
            figures += _figure(measure, arm, measured(measure, answers, arm.name), target)
    return [*figures, *voice_figures(answers, arms), *cost_figures(answers, arms)]


_TARGETS: Mapping[str, float] = {
    GOLD_IN_PROMPT.name: 1.0,
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
    """Medians of time, speed and prompt by arm, and the first token against the plainest engine."""
    figures = []
    for arm in arms:
        spoken = [each.spoken for each in answers if each.arm == arm.name]
        first = [one.first_ms for one in spoken if one.first_ms is not None]
        if not spoken or not first:
            continue
        speed = [one.tokens_per_s for one in spoken if one.heard_tokens]
        prompt = [float(one.prompt_tokens) for one in spoken]
        figures += [
            Figure(f"first text, median: {arm.label}", median(first), "ms", runs=len(first)),
            Figure(f"heard: {arm.label}", median(speed or [0.0]), "tok/s", runs=len(speed)),
            Figure(f"prompt, median: {arm.label}", median(prompt), "tokens", runs=len(prompt)),
            Figure(f"- the largest: {arm.label}", max(prompt), "tokens", runs=len(prompt)),
        ]
    engines = sorted((arm for arm in arms if arm.name != RAW), key=lambda arm: arm.name != PLAINEST)
    for arm in engines[1:]:
        pairs = _first_ratios(answers, arm.name, engines[0].name)
        if pairs:
            figures.append(
                Figure(
                    f"first text: {arm.label} / {engines[0].label}, median of pairs",
                    median(pairs),
                    "",
                    MAX_FIRST_TOKEN_RATIO if arm.name == "default" else None,
                    at_most=True,
                    runs=len(pairs),
                )
            )
    return figures


def _first_ratios(answers: Sequence[Answered], arm: str, base: str) -> list[float]:
    """Of each probe and seed, how much later its first text came than in another arm."""
    times: dict[tuple[str, int, str], float] = {
        (each.probe.id, each.seed, each.arm): each.spoken.first_ms
        for each in answers
        if each.spoken.first_ms
    }
    return [
        time / times[probe, seed, base]
        for (probe, seed, its_arm), time in times.items()
        if its_arm == arm and (probe, seed, base) in times
    ]


def arms_table(answers: Sequence[Answered], arms: Sequence[Arm]) -> Table:
    """Failures by arm: share, interval, worst seed, and the ratio to raw."""
    table = Table("failures", "n", *(arm.label for arm in arms), box=None)
    for measure in (*FAILURES, *OTHERS):
        rates = {arm.name: measured(measure, answers, arm.name) for arm in arms}
        count = max((found.count for found in rates.values()), default=0)
        if count:
            cells = (_cell(measure, rates, arm.name) for arm in arms)
            table.add_row(measure.name, str(count), *cells)
    return table


def _cell(measure: Measure, rates: Mapping[str, Rate], arm: str) -> str:
    found = rates[arm]
    worst = f", worst seed {found.worst:.0%}" if measure.is_failure and found.hits else ""
    text = f"{found.value:.1%} {found.interval}{worst}"
    if arm == RAW or RAW not in rates or not measure.is_failure:
        return text
    share = ratio(found, rates[RAW])
    return text if share is None else f"{text}; x{share:.2f}"


def rows_for_json(answers: Sequence[Answered], arms: Sequence[Arm]) -> list[dict[str, object]]:
    """The cells of the table, then every answer with its verdicts."""
    rows: list[dict[str, object]] = []
    for measure in (*FAILURES, *OTHERS):
        raw = measured(measure, answers, RAW)
        for arm in arms:
            found = measured(measure, answers, arm.name)
            if found.count:
                low_high = [found.interval.low, found.interval.high]
                rows.append(
                    {"series": "measures", "measure": measure.name, "arm": arm.name,
                     "hits": found.hits, "count": found.count, "interval": low_high,
                     "worst_seed": found.worst,
                     "ratio_to_raw": None if arm.name == RAW else ratio(found, raw)}
                )  # fmt: skip
    return [*rows, *map(_row, answers)]


def _row(answered: Answered) -> dict[str, object]:
    probe, spoken = answered.probe, answered.spoken
    return {
        "series": "answers",
        "probe": probe.id,
        "npc": probe.npc,
        "kind": probe.kind,
        "family": probe.family,
        "distance": probe.distance,
        "ask": probe.ask,
        "gold": probe.gold,
        "arm": answered.arm,
        "seed": answered.seed,
        "text": spoken.text,
        "failed": answered.failed,
        "findings": {finding.fault: finding.found for finding in answered.findings},
        "has_marker": answered.has_marker,
        "gold_in_prompt": answered.gold_in_prompt,
        "was_replaced": spoken.was_replaced,
        "is_false_alarm": answered.is_false_alarm,
        "how": spoken.how,
        "written": list(spoken.written),
        "prompt_tokens": spoken.prompt_tokens,
        "reused_tokens": spoken.reused_tokens,
        "first_ms": spoken.first_ms,
        "whole_ms": spoken.whole_ms,
        "heard_tokens": spoken.heard_tokens,
    }
