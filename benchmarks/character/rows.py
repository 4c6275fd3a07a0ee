"""The exam as rows of data: shares, targets and every answer with its verdicts."""

from collections.abc import Sequence

from benchmarks.character.arms import RAW, Arm
from benchmarks.character.figures import with_before_guard
from benchmarks.character.measures import FAILURES, OTHERS, measured, ratio
from benchmarks.character.results import Answered
from benchmarks.character.targets import verdicts_on_targets


def rows_for_json(answers: Sequence[Answered], arms: Sequence[Arm]) -> list[dict[str, object]]:
    """The cells of the table, then every answer with its verdicts."""
    rows: list[dict[str, object]] = []
    all_answers, all_arms = with_before_guard(answers, arms)
    for measure in (*FAILURES, *OTHERS):
        raw = measured(measure, answers, RAW)
        for arm in all_arms:
            found = measured(measure, all_answers, arm.name)
            if found.count:
                low_high = [found.interval.low, found.interval.high]
                rows.append(
                    {"series": "measures", "measure": measure.name, "arm": arm.name,
                     "hits": found.hits, "count": found.count, "interval": low_high,
                     "worst_seed": found.worst,
                     "ratio_to_raw": None if arm.name == RAW else ratio(found, raw)}
                )  # fmt: skip
    rows += [
        {"series": "targets", "target": each.name, "arm": each.arm, "bound": each.bound,
         "rule": each.rule, "measured": each.value, "runs": each.count, "met": each.met}
        for each in verdicts_on_targets(answers, arms)
    ]  # fmt: skip
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
        "before_guard": None
        if answered.before is None
        else {
            "text": answered.before.text,
            "failed": answered.before.failed,
            "findings": {finding.fault: finding.found for finding in answered.before.findings},
        },
        "timed_in": answered.timed_in,
        "how": spoken.how,
        "written": list(spoken.written),
        "prompt_tokens": spoken.prompt_tokens,
        "reused_tokens": spoken.reused_tokens,
        "first_ms": spoken.first_ms,
        "first_written_ms": spoken.first_written_ms,
        "whole_ms": spoken.whole_ms,
        "heard_tokens": spoken.heard_tokens,
    }
