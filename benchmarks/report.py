"""What every benchmark prints and writes: figures against targets, with hardware and versions."""

import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

import npc_engine

_PACKAGES = ("torch", "transformers", "tokenizers")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure."""

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
    """Versions of what matters for speed."""
    installed = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {"npc_engine": npc_engine.__version__, **installed}


def show(figures: Sequence[Figure], settings: Mapping[str, object]) -> None:
    """Print the closing table."""
    console = Console()
    table = Table("figure", "target", "measured", "met", box=None)
    for figure in figures:
        sign = "≤" if figure.at_most else "≥"
        target = "" if figure.target is None else f"{sign} {figure.target:g} {figure.unit}"
        met = {None: "", True: "yes", False: "no"}[figure.met]
        table.add_row(figure.name, target, f"{figure.value:,.3g} {figure.unit}", met)
    console.print(table)
    console.print(f"{hardware()}; {', '.join(f'{k} {v}' for k, v in versions().items())}")
    console.print(", ".join(f"{name}: {value}" for name, value in settings.items()))


def write_json(
    path: Path,
    figures: Sequence[Figure],
    settings: Mapping[str, object],
    rows: Sequence[Mapping[str, object]] = (),
) -> None:
    """Write figures, and the rows they were worked out from."""
    data = {
        "hardware": hardware(),
        "versions": versions(),
        "settings": dict(settings),
        "figures": [{**asdict(figure), "met": figure.met} for figure in figures],
        "rows": list(rows),
    }
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
