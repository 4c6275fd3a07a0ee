"""Paths that authors write: always relative, always inside the project.

Pure checks of the text; whether a file exists is somebody else's question.
"""

from pathlib import Path, PurePosixPath, PureWindowsPath

from npc_engine.content.fields import refuse


def check_relative(text: str) -> str:
    """The path as written, once it cannot lead out of its folder on any system."""
    posix, windows = PurePosixPath(text), PureWindowsPath(text)
    if not text or len(text) > 200 or "\0" in text:
        raise refuse("a path of 1 to 200 characters")
    if posix.is_absolute() or windows.drive or windows.root or text.startswith("~"):
        raise refuse("a path beside this file", "write it without a leading / or drive letter")
    if ".." in posix.parts or ".." in windows.parts:
        raise refuse("a path that stays in this folder", "move the file here; .. is not allowed")
    if "\\" in text:
        raise refuse("a path with /", f"write {text.replace(chr(92), '/')}")
    return text


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a file truly lies in a folder, links followed."""
    return path.resolve().is_relative_to(folder.resolve())
