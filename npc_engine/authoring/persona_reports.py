"""Results of persona tests as text for a terminal and as JSON for machines.

Pure: a `TestReport` in, text out. The JSON is stable; its shape:

    {"schema": "npc-test/1",
     "run": {"tier", "model", "device", "dtype", "tokenizer", "wall_s"},
     "hashes": {path: hash},
     "tests": [{"name", "persona", "file", "line", "tier", "status", "note", "k", "n", "need",
                "wilson": [low, high],
                "runs": [{"seed", "verdict", "error",
                          "turns": [{"say", "reply", "reason", "from_model", "line", "why", "ms",
                                     "plan": {"total_tokens", "window_tokens", "digest",
                                              "sections": {name: tokens},
                                              "cut": [{"section", "what", "tokens", "rule"}]},
                                     "expects": [{"kind", "arg", "verdict", "found", "expected",
                                                  "line"}]}]}]}],
     "lint": [{"path", "line", "column", "key", "found", "expected", "advice", "code",
               "severity"}],
     "totals": {status: count, "tests", "errors", "warnings"},
     "exit_code": 0}

`plan` is null where the turn came to none. Prompts are not part of it, for they hold secrets.
"""

import json
import shlex
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, get_args

from npc_engine.authoring.persona_results import (
    CaseResult,
    PlanFigures,
    RunResult,
    Status,
    TestReport,
    TurnResult,
)

SCHEMA = "npc-test/1"

_LABELS: dict[Status, str] = {
    "passed": "ok",
    "failed": "FAIL",
    "not_run": "not run",
    "skipped": "skipped",
    "xfailed": "xfail",
    "xpassed": "XPASS",
    "error": "ERROR",
}
_LABEL_WIDTH = 7


def tests_text(report: TestReport) -> str:
    """The report for a terminal: faults, a line for each test, failures in full, counts."""
    parts = [str(fault) for fault in report.faults]
    if parts and report.tests:
        parts.append("")
    width = max((len(test.persona) for test in report.tests), default=0)
    parts += [_test_line(test, width) for test in report.tests]
    for test in report.tests:
        if test.status in ("failed", "xpassed"):
            parts += ["", *_failure(test)]
    parts += ["", _counts(report)]
    return "\n".join(parts).lstrip("\n")


def tests_json(report: TestReport) -> str:
    """The report for machines; see the head of this module."""
    errors = sum(fault.severity == "error" for fault in report.faults)
    warnings = sum(fault.severity == "warning" for fault in report.faults)
    data = {
        "schema": SCHEMA,
        "run": {
            "tier": report.tier,
            "model": report.model,
            "device": report.device,
            "dtype": report.dtype,
            "tokenizer": report.tokenizer,
            "wall_s": round(report.wall_s, 3),
        },
        "hashes": report.hashes,
        "tests": [_test_data(test) for test in report.tests],
        "lint": [asdict(fault) for fault in report.faults],
        "totals": {
            **{status: report.count(status) for status in get_args(Status)},
            "tests": len(report.tests),
            "errors": errors,
            "warnings": warnings,
        },
        "exit_code": report.exit_code,
    }
    return json.dumps(data, ensure_ascii=False, indent=2)


# -- text ------------------------------------------------------------------------------------------


def _test_line(test: CaseResult, width: int) -> str:
    row = f"{_LABELS[test.status]:<{_LABEL_WIDTH}}  {test.persona:<{width}}  {test.name}"
    if test.status == "not_run" and test.runs:
        held = sum(j.outcome.verdict == "passed" for t in test.runs[0].turns for j in t.judged)
        held_text = f"{held} held, " if held else ""
        return f"{row}  {held_text}{test.num_waiting} need a model"
    if not test.runs:
        return f"{row}  {test.note}".rstrip()
    score = f"{row}  {test.num_passed}/{len(test.runs)}"
    if test.tier == "model":
        score += f" {test.interval}"
    if test.status == "failed" and len(test.runs) > 1:
        score += f", needs {test.need}"
    return f"{score}  {test.note}".rstrip()


def _failure(test: CaseResult) -> Iterator[str]:
    yield f"{test.path}:{test.line} {test.persona}: {test.name}"
    if test.status == "xpassed":
        yield f"  passed, though it is marked as failing: {test.note}; remove xfail"
        return
    failed = [run for run in test.runs if run.verdict == "failed"]
    for run in failed[:1]:
        yield from _failed_run(test, run)
    if len(failed) > 1:
        seeds = ", ".join(str(run.seed) for run in failed[1:])
        yield f"  failed as well with seeds {seeds}; the JSON report holds them all"


def _failed_run(test: CaseResult, run: RunResult) -> Iterator[str]:
    if test.tier == "model":
        yield f"  seed {run.seed}"
    if run.error:
        yield f"  stopped: {run.error}"
    for turn in run.turns:
        problems = [judged for judged in turn.judged if judged.outcome.verdict == "failed"]
        if not problems:
            continue
        yield f"  {test.path}:{turn.line}"
        yield f"    player  {turn.say}"
        if turn.has_model_reply:
            yield f"    {test.persona}  {turn.reply}"
        for judged in problems:
            outcome = judged.outcome
            yield f"    line {judged.line}, {outcome.kind}: found {outcome.found}"
            yield f"      expected {outcome.expected}"
        if turn.why:
            yield f"    why: {turn.why}"
        if turn.plan is not None:
            yield from _plan_table(turn.plan)
        yield f"    see  {_prompt_command(test, turn)}"


def _plan_table(plan: PlanFigures) -> Iterator[str]:
    for name, tokens, why in plan.sections:
        yield f"    {name:<9}{tokens:>6}  {why}"
    yield f"    {'total':<9}{plan.total_tokens:>6}  of {plan.window_tokens:,}"
    for section, what, tokens, rule in plan.cut:
        yield f"    cut: {section}, {what} ({tokens} tokens): {rule}"


def _prompt_command(test: CaseResult, turn: TurnResult) -> str:
    """What shows this prompt; for a line of a long script, without what came before."""
    return f"npc prompt {test.persona} --say {shlex.quote(turn.say)}"


def _counts(report: TestReport) -> str:
    words: dict[Status, str] = {
        "passed": "passed",
        "failed": "failed",
        "error": "in error",
        "xpassed": "passed against expectation",
        "xfailed": "failed as expected",
        "not_run": "not run",
        "skipped": "skipped",
    }
    counts = [
        f"{report.count(status)} {word}"
        for status, word in words.items()
        if report.count(status) or status in ("passed", "failed")
    ]
    errors = sum(fault.severity == "error" for fault in report.faults)
    warnings = sum(fault.severity == "warning" for fault in report.faults)
    if errors or warnings:
        counts.append(f"{_many(errors, 'error')}, {_many(warnings, 'warning')} in the files")
    if not report.tests and not report.faults:
        counts.append("found no such tests; they lie in files named *.persona.yaml")
    return "; ".join((", ".join(counts), f"tier {report.tier}"))


def _many(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


# -- JSON ------------------------------------------------------------------------------------------


def _test_data(test: CaseResult) -> dict[str, Any]:
    return {
        "name": test.name,
        "persona": test.persona,
        "file": test.path,
        "line": test.line,
        "tier": test.tier,
        "status": test.status,
        "note": test.note,
        "k": test.num_passed,
        "n": len(test.runs),
        "need": test.need,
        "wilson": [round(test.interval.low, 4), round(test.interval.high, 4)],
        "runs": [
            {
                "seed": run.seed,
                "verdict": run.verdict,
                "error": run.error,
                "turns": [_turn_data(turn) for turn in run.turns],
            }
            for run in test.runs
        ],
    }


def _turn_data(turn: TurnResult) -> dict[str, Any]:
    return {
        "say": turn.say,
        "reply": turn.reply,
        "reason": turn.reason,
        "from_model": turn.has_model_reply,
        "line": turn.line,
        "why": turn.why,
        "ms": round(turn.ms, 1),
        "plan": None if turn.plan is None else _plan_data(turn.plan),
        "expects": [
            {
                "kind": judged.outcome.kind,
                "arg": judged.outcome.argument,
                "verdict": judged.outcome.verdict,
                "found": judged.outcome.found,
                "expected": judged.outcome.expected,
                "line": judged.line,
            }
            for judged in turn.judged
        ],
    }


def _plan_data(plan: PlanFigures) -> dict[str, Any]:
    return {
        "total_tokens": plan.total_tokens,
        "window_tokens": plan.window_tokens,
        "digest": plan.digest,
        "sections": {name: tokens for name, tokens, _ in plan.sections},
        "cut": [
            {"section": section, "what": what, "tokens": tokens, "rule": rule}
            for section, what, tokens, rule in plan.cut
        ],
    }
