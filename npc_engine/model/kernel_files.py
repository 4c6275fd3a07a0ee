"""Compiled kernels on disk that are older than a source they were made from.

numba keys what it keeps by the file of each function alone, not by the files of what it calls:
after an update that touched some of them, old code would run inside new.
"""

import contextlib
from pathlib import Path

KERNELS = Path(__file__).parent / "cpu"
_KEPT = ("*.nbi", "*.nbc")


def drop_stale_kernels(folder: Path = KERNELS) -> int:
    """Delete compiled kernels older than any source of the folder; returns how many files.

    Args:
        folder: With the sources; what was compiled lies in its `__pycache__`.
    """
    newest = max((path.stat().st_mtime for path in folder.glob("*.py")), default=0.0)
    kept = [path for pattern in _KEPT for path in (folder / "__pycache__").glob(pattern)]
    count = 0
    for path in kept:
        with contextlib.suppress(OSError):  # another process did it, or the folder is read-only
            if path.stat().st_mtime < newest:
                path.unlink()
                count += 1
    return count
