from collections.abc import Callable
from pathlib import Path

import pytest

from npc_engine.content.library import Library

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of a small project and gives its path."""
    for folder in ("characters", "worlds"):
        (tmp_path / folder).mkdir()

    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def library(tmp_path: Path, write: Write) -> Callable[[], Library]:
    """Opens the small project."""
    return lambda: Library.open(tmp_path / "characters", tmp_path / "worlds")


@pytest.fixture
def project() -> Path:
    """The two examples of the design, as they stand there, and a character for each reference."""
    return Path(__file__).parent / "project"
