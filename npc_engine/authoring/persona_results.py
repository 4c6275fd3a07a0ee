"""What a run of persona tests found: plain data, the same for every report.

Nothing is rendered here; see `persona_reports`.
"""

from dataclasses import dataclass
from typing import Literal

from npc_engine.authoring.intervals import Interval, wilson
from npc_engine.authoring.judging import Outcome, Verdict
from npc_engine.authoring.persona_test import Tier
from npc_engine.errors import Fault

Status = Literal["passed", "failed", "not_run", "skipped", "xfailed", "xpassed", "error"]
"""`not_run`: nothing failed, but something needs a model. `error`: the test itself is wrong."""

BAD: frozenset[str] = frozenset({"failed", "xpassed", "error"})


@dataclass(frozen=True, slots=True)
class Judged:
    """One verdict with its place in the file."""

    outcome: Outcome
    line: int


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """What a report shows of a plan; the prompt itself is not kept, for it holds secrets."""

    sections: tuple[tuple[str, int, str], ...]
    """Name, tokens and why, in the order of the prompt."""
    cut: tuple[tuple[str, str, int, str], ...]
    """Section, what, tokens and rule."""
    total_tokens: int
    window_tokens: int
    digest: str


@dataclass(frozen=True, slots=True)
class TurnResult:
    """One `say` of a script and what came of it."""

    say: str
    reply: str
    reason: str
    """Why the reply ended; see `messages.Reason`."""
    has_model_reply: bool
    line: int
    """Line of the step in the file."""
    why: str
    plan: PlanFigures | None
    judged: tuple[Judged, ...]
    ms: float


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run of a test, with one seed."""

    seed: int
    verdict: Verdict
    turns: tuple[TurnResult, ...]
    error: str = ""
    """What stopped the run; empty if it went through."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One test of one character."""

    name: str
    persona: str
    path: str
    line: int
    tier: Tier
    """How it was run."""
    status: Status
    need: int
    runs: tuple[RunResult, ...] = ()
    note: str = ""
    """Why it was skipped, expected to fail, or not run."""

    @property
    def num_passed(self) -> int:
        """Runs that passed."""
        return sum(run.verdict == "passed" for run in self.runs)

    @property
    def interval(self) -> Interval:
        """Wilson's 95 % interval of the share of runs that pass."""
        return wilson(self.num_passed, len(self.runs))

    @property
    def num_waiting(self) -> int:
        """Assertions of the first run that only a model's reply could meet or miss."""
        first = self.runs[0].turns if self.runs else ()
        return sum(j.outcome.verdict == "not_run" for turn in first for j in turn.judged)


@dataclass(frozen=True, slots=True)
class TestReport:
    """All results of one run of `npc test`."""

    tier: Tier
    tests: tuple[CaseResult, ...]
    faults: tuple[Fault, ...]
    """Faults of test files, sheets and worlds that came up."""
    model: str
    """Name of the model; empty if none was used."""
    device: str
    dtype: str
    tokenizer: str
    """Fingerprint of the tokenizer."""
    hashes: dict[str, str]
    """Files that took part, each with a short hash of its text."""
    wall_s: float = 0.0

    def count(self, status: Status) -> int:
        """How many tests ended so."""
        return sum(test.status == status for test in self.tests)

    @property
    def exit_code(self) -> int:
        """0: all passed; 1: a failure or fault; 2: nothing could be run."""
        wrong = [fault for fault in self.faults if fault.severity == "error"]
        if wrong and not self.tests and all(fault.code == "E001" for fault in wrong):
            return 2  # a file or folder that is not there: nothing was looked at
        if wrong or any(test.status in BAD for test in self.tests):
            return 1
        return 0 if self.count("passed") or self.count("xfailed") else 2
