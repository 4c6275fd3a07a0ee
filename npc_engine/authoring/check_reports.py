"""The findings of `npc check` as text for people and as JSON for machines."""

import json
from dataclasses import asdict, dataclass

from npc_engine.errors import Fault, Severity


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found."""

    faults: tuple[Fault, ...]
    """Sorted by file and place."""
    num_sheets: int
    num_worlds: int

    def count(self, severity: Severity) -> int:
        """How many faults are so serious."""
        return sum(fault.severity == severity for fault in self.faults)

    @property
    def errors(self) -> tuple[Fault, ...]:
        """The faults that are errors."""
        return tuple(fault for fault in self.faults if fault.severity == "error")

    @property
    def exit_code(self) -> int:
        """0: no errors, warnings or not; 1: errors; 2: there was nothing to check."""
        if self.count("error"):
            return 1
        return 0 if self.num_sheets or self.num_worlds else 2


def report_text(report: Report) -> str:
    """One line for each fault, and the counts at the end; warnings are marked as such."""
    lines = [
        f"{fault}" if fault.severity == "error" else f"{fault} ({fault.severity})"
        for fault in report.faults
    ]
    return "\n".join([*lines, counts(report)])


def report_json(report: Report) -> str:
    """A JSON object: `faults`, each with all its fields, and `totals`."""
    data = {
        "faults": [asdict(fault) for fault in report.faults],
        "totals": {
            "errors": report.count("error"),
            "warnings": report.count("warning"),
            "sheets": report.num_sheets,
            "worlds": report.num_worlds,
        },
    }
    return json.dumps(data, ensure_ascii=False, indent=2)


def counts(report: Report) -> str:
    """The last line: `2 errors, 1 warning`."""
    errors, warnings = report.count("error"), report.count("warning")
    return f"{_many(errors, 'error')}, {_many(warnings, 'warning')}"


def _many(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
