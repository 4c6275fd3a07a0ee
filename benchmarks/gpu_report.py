"""Figures of the GPU benchmark as a table and as JSON; plain text, because rich may be missing."""

import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

_PACKAGES = ("torch", "transformers", "triton")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure; the fields are those of all benchmarks here."""

    name: str
    value: float
    unit: str
    target: float | None = None
    at_most: bool = False
    """Whether the target is an upper bound."""
    runs: int = 1

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None:
            return None
        return self.value <= self.target if self.at_most else self.value >= self.target


@dataclass(slots=True)
class Findings:
    """What was measured so far."""

    figures: list[Figure] = field(default_factory=list)
    rows: list[dict[str, object]] = field(default_factory=list)
    """Values that figures were worked out from."""
    problems: list[str] = field(default_factory=list)
    """What could not be measured, and why."""
    has_targets: bool = True
    """Whether this is the model and the device that targets are for."""

    def add(
        self,
        name: str,
        value: float,
        unit: str,
        *,
        target: float | None = None,
        at_most: bool = False,
        runs: int = 1,
    ) -> None:
        """Take a figure, and show it at once."""
        figure = Figure(name, value, unit, target if self.has_targets else None, at_most, runs)
        self.figures.append(figure)
        print(f"  {name}: {value:.4g} {unit}", flush=True)


def hardware(device: str) -> str:
    """Device, processor, cores and system."""
    parts = [f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}"]
    if device.startswith("cuda"):
        import torch

        properties = torch.cuda.get_device_properties(device)
        memory = f"{properties.total_memory / (1 << 30):.0f} GiB"
        driver = f"CUDA {torch.version.cuda}"
        parts.insert(0, f"{properties.name}, {memory}, {driver}")
    return "; ".join((*parts, f"Python {platform.python_version()}"))


def versions() -> dict[str, str]:
    """Versions of what matters; what is not installed is left out."""
    found: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def table(figures: Sequence[Figure]) -> str:
    """Figure, target, measured, met, as Markdown."""
    lines = ["| figure | target | measured | met |", "|---|---|---|---|"]
    for figure in figures:
        bound = "at most" if figure.at_most else "at least"
        target = "" if figure.target is None else f"{bound} {figure.target:g} {figure.unit}"
        met = {None: "", True: "yes", False: "no"}[figure.met]
        lines.append(f"| {figure.name} | {target} | {figure.value:,.4g} {figure.unit} | {met} |")
    return "\n".join(lines)


def write_json(path: Path, findings: Findings, device: str, settings: Mapping[str, object]) -> None:
    """Write everything, in the form of the other benchmarks."""
    data = {
        "hardware": hardware(device),
        "versions": versions(),
        "settings": dict(settings),
        "figures": [{**asdict(figure), "met": figure.met} for figure in findings.figures],
        "rows": findings.rows,
        "problems": findings.problems,
    }
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
