"""The files of a project as a run reads them, and how they changed while it ran."""

from collections.abc import Mapping
from pathlib import Path

from npc_engine.content.files import authored_files
from npc_engine.content.library import PARENT_MARK, Library

Texts = Mapping[str, str]
"""Texts of files by their names in the project."""
Changes = dict[str, tuple[str | None, str | None]]
"""Before and after; None where there was no such file."""


def project_files(library: Library, world: Path) -> dict[str, Path]:
    """The world's file, its lore, the sheets of its cast and their parents, by name."""
    read = library.world(world)
    files = {f"worlds/{world.name}": world}
    for text in library.lore(read.id):
        files[f"worlds/{text.path}"] = world.parent / text.path
    cast = {library.sheet_path(sheet.id) for sheet in library.cast(read)}
    for path in authored_files(library.characters):
        if path in cast or path.name.startswith(PARENT_MARK):
            files[f"characters/{path.relative_to(library.characters).as_posix()}"] = path
    return files


class WatchedFiles:
    """Tells what changed in a project since it was looked at last."""

    def __init__(self, library: Library, world: Path) -> None:
        """Look at the project now."""
        self._library = library
        self._world = world
        self._texts = self._read()

    def changes(self) -> Changes:
        """What changed since the last look."""
        before, self._texts = self._texts, self._read()
        names = sorted(before.keys() | self._texts.keys())
        return {
            name: (before.get(name), self._texts.get(name))
            for name in names
            if before.get(name) != self._texts.get(name)
        }

    def _read(self) -> Texts:
        files = project_files(self._library, self._world)
        return {name: text for name, path in files.items() if (text := text_of(path)) is not None}


def text_of(path: Path) -> str | None:
    """The text of a file, line ends as they are; None where there is none."""
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
