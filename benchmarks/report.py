"""What every benchmark prints and writes: figures against targets, with hardware and versions."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from npc_engine.authoring.bench_report import (
    figures_data,
    figures_table,
    hardware,
    measured_on,
    versions,
)
from npc_engine.authoring.bench_results import Figure

__all__ = ["Figure", "hardware", "show", "versions", "write_json"]


def show(figures: Sequence[Figure], settings: Mapping[str, object]) -> None:
    """Print the closing table."""
    console = Console()
    console.print(figures_table(figures))
    console.print(measured_on(settings), markup=False)


def write_json(
    path: Path,
    figures: Sequence[Figure],
    settings: Mapping[str, object],
    rows: Sequence[Mapping[str, object]] = (),
) -> None:
    """Write figures, and the rows they were worked out from."""
    data = figures_data(figures, settings, rows)
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
