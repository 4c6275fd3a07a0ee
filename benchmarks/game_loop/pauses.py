"""Rests of Python's garbage collector, and memory of this process."""

import gc
import time
from pathlib import Path
from types import TracebackType
from typing import Any

MIB = 1 << 20


class Pauses:
    """Notes how long each collection stopped all threads, while it is entered."""

    def __init__(self) -> None:
        """Nothing was collected."""
        self.ms: list[float] = []
        self._began = 0.0

    def __enter__(self) -> "Pauses":
        gc.callbacks.append(self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        gc.callbacks.remove(self._note)

    def _note(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.ms.append((time.perf_counter() - self._began) * 1000)


def resident_bytes() -> int:
    """Memory of this process that is in use now; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    for line in status.read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) << 10
    return 0
