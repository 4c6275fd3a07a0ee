"""Measurements as a table, a bar picture and JSON, with the hardware and versions they belong to.

The form of the JSON is the same for `npc bench` and for every benchmark of the checkout.
"""

import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Any

from rich.bar import Bar
from rich.console import Console
from rich.table import Column, Table

import npc_engine
from npc_engine.authoring.bench_results import BenchReport, Crowd, Figure

_PACKAGES = ("torch", "transformers", "tokenizers")
_TEXT_COLUMNS = 100
_BAR_COLUMNS = 30


def hardware() -> str:
    """Processor, cores and system, as far as the machine tells."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                cpu = line.partition(":")[2].strip()
                break
    return f"{cpu}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def versions() -> dict[str, str]:
    """Versions of what matters for speed; what is not installed is left out."""
    found = {"npc_engine": npc_engine.__version__}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def figures_table(figures: Sequence[Figure]) -> Table:
    """Figure, target, measured, met; the columns of targets only if there are any."""
    if all(figure.target is None for figure in figures):
        table = Table("figure", _right("measured"), "", _right("runs"), box=None)
        for figure in figures:
            table.add_row(figure.name, _number(figure.value), figure.unit, str(figure.runs))
        return table
    table = Table("figure", "target", "measured", "met", box=None)
    for figure in figures:
        sign = "≤" if figure.at_most else "≥"
        target = "" if figure.target is None else f"{sign} {figure.target:g} {figure.unit}"
        met = {None: "", True: "yes", False: "no"}[figure.met]
        table.add_row(figure.name, target, f"{_number(figure.value)} {figure.unit}", met)
    return table


def figures_data(
    figures: Sequence[Figure],
    settings: Mapping[str, object],
    rows: Sequence[Mapping[str, object]] = (),
) -> dict[str, Any]:
    """Figures, and the rows they were worked out from, as JSON data."""
    return {
        "hardware": hardware(),
        "versions": versions(),
        "settings": dict(settings),
        "figures": [{**asdict(figure), "met": figure.met} for figure in figures],
        "rows": list(rows),
    }


def bench_json(report: BenchReport) -> str:
    """The machine form of an `npc bench`; `rows` holds the crowds."""
    data = figures_data(report.figures, report.settings, [asdict(one) for one in report.crowds])
    data["problems"] = [asdict(problem) for problem in report.problems]
    data["was_interrupted"] = report.was_interrupted
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def bench_text(report: BenchReport) -> str:
    """What a person reads: a table, bars for many NPCs at once, and what this was measured on."""
    page = StringIO()
    console = Console(file=page, width=_TEXT_COLUMNS, highlight=False, color_system=None)
    if report.figures:
        console.print(figures_table(report.figures))
    if report.crowds:
        console.print()
        console.print(_crowds_table(report.crowds))
    for problem in report.problems:
        console.print(f"not measured: {problem.what}: {problem.why}", markup=False)
    if report.was_interrupted:
        console.print("interrupted: this is what was measured until then")
    console.print()
    console.print(measured_on(report.settings), markup=False)
    lines = (line.rstrip() for line in page.getvalue().splitlines())
    return "\n".join(lines).strip("\n")


def measured_on(settings: Mapping[str, object]) -> str:
    """Hardware, versions and settings, one line each."""
    return "\n".join(
        (
            f"{hardware()}; {', '.join(f'{name} {found}' for name, found in versions().items())}",
            ", ".join(f"{name}: {value}" for name, value in settings.items()),
        )
    )


def _crowds_table(crowds: Sequence[Crowd]) -> Table:
    table = Table(
        _right("NPCs at once"),
        "tokens/s in total",
        "",
        _right("each"),
        _right("first token, ms"),
        _right("longest gap, ms"),
        box=None,
    )
    most = max(one.total_tokens_per_s for one in crowds)
    for one in crowds:
        table.add_row(
            str(one.num_npcs),
            Bar(max(most, 1e-9), 0, one.total_tokens_per_s, width=_BAR_COLUMNS),
            _number(one.total_tokens_per_s),
            _number(one.each_tokens_per_s),
            _number(one.first_token_ms),
            _number(one.longest_gap_ms),
        )
    return table


def _right(heading: str) -> Column:
    return Column(heading, justify="right")


def _number(value: float) -> str:
    """Three digits that count; whole numbers from a hundred on."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
