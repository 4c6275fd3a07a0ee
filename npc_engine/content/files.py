"""The authored files of a project: which there are, whether they changed, what is in them."""

import os
from collections.abc import Iterator
from pathlib import Path

from npc_engine.content.marks import Source
from npc_engine.content.paths import is_inside
from npc_engine.content.source import Inspection, inspect_yaml, read_text
from npc_engine.errors import CommandError, ContentError, Fault

SUFFIX = ".yaml"
TEST_SUFFIX = ".persona.yaml"
MAX_FILES = 10_000

_SKIPPED_FOLDERS = frozenset({"tests", "fill", "golden"})

Stamp = tuple[int, int]
"""Time of the last change and size; another stamp means another content."""


def authored_files(folder: Path, *, deep: bool = True) -> Iterator[Path]:
    """The YAML files of a folder, in a fixed order; none where there is no folder.

    Leaves out persona tests, hidden files, and folders named `tests`, `fill` or `golden`. Links to
    folders are not followed.

    Args:
        folder: Where to look.
        deep: Whether folders inside count too.

    Raises:
        CommandError: More than `MAX_FILES`; this is hardly the folder that was meant.
    """
    found = 0
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if deep and _is_searched(name))
        for name in sorted(names):
            if name.endswith(SUFFIX) and not name.endswith(TEST_SUFFIX) and name[0] != ".":
                found += 1
                if found > MAX_FILES:
                    raise CommandError(f"more than {MAX_FILES:,} files in {folder.as_posix()}")
                yield Path(root) / name


def id_of(path: Path) -> str:
    """The id a file gives its content: its name without `.yaml`."""
    return path.name.removesuffix(SUFFIX)


def stamp_of(path: Path) -> Stamp | None:
    """The stamp of a file; None when it cannot be looked at."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


def inspect_file(path: Path, folder: Path) -> Inspection:
    """What can be read of a file that must lie in a folder; never raises for what is in it."""
    name = path.as_posix()
    nothing = Source(name, "", None, {})
    if not is_inside(path, folder):
        found = "a link that leads out of the folder"
        fault = Fault(name, 0, 0, "", found, "a file in it", "copy the file here", "E001")
        return Inspection(nothing, (fault,))
    try:
        text = read_text(path)
    except ContentError as error:
        return Inspection(nothing, error.faults)
    return inspect_yaml(text, name)


def _is_searched(name: str) -> bool:
    return name not in _SKIPPED_FOLDERS and name[0] != "."
