"""The project in a replay: as it is now, or as it was where the run read its files again.

A file that still is as the run knew it, at any time of it, is given back to the replay as the run
had it, step by step. One that was changed since stays as it is now, so that the change shows.
"""

import os
import shutil
from pathlib import Path

from npc_engine.content.library import Library
from npc_engine.engine.recorded_files import text_of
from npc_engine.engine.recording_read import Recording

_FOLDERS = ("worlds", "characters")


class ReplayedProject:
    """Worlds and characters for one replay."""

    def __init__(self, recording: Recording, library: Library, world: Path, folder: Path) -> None:
        """Put the project back to where the run began.

        Args:
            recording: Knows which files were read again.
            library: Of the project as it is now.
            world: Its world file.
            folder: An empty folder, for a copy where one is needed.
        """
        self.library = library
        """To be read in the replay."""
        self.world = world
        """The world's file in it."""
        self._recording = recording
        self._files: dict[str, Path] = {}
        self._num_written = 0
        if recording.reloads:
            self._copy(folder)

    def reload(self, actor: str) -> None:
        """Change the files as they had changed when an input read them again."""
        for name, (_, after) in self._recording.reloads.get(actor, {}).items():
            if name in self._files:
                self._write(self._files[name], after)

    def _copy(self, folder: Path) -> None:
        sources = dict(zip(_FOLDERS, (self.world.parent, self.library.characters), strict=True))
        for name, source in sources.items():
            shutil.copytree(source, folder / name, dirs_exist_ok=True)
        for name, texts in _known_texts(self._recording).items():
            path = folder / name
            if text_of(path) in texts:
                self._files[name] = path
                self._write(path, texts[0])
        self.world = folder / "worlds" / self.world.name
        self.library = Library.open(folder / "characters", folder / "worlds")

    def _write(self, path: Path, text: str | None) -> None:
        if text is None:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))
        self._num_written += 1
        os.utime(path, (self._num_written, self._num_written))  # no two looks alike


def _known_texts(recording: Recording) -> dict[str, list[str | None]]:
    """All texts that a file had in the run, the first first."""
    texts: dict[str, list[str | None]] = {}
    for changes in recording.reloads.values():
        for name, (before, after) in changes.items():
            texts.setdefault(name, [before]).append(after)
    return texts
