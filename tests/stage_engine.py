"""Engines for tests: the project of `tests.stage` on disk, a scripted session, a fake clock."""

from pathlib import Path
from typing import Any

from npc_engine.engine import Engine
from npc_engine.events import Event
from npc_engine.model.scripted import ScriptedSession
from tests.stage import write_project

LONG_WORDS = "".join(f"word{number} " for number in range(100, 600))
"""A reply of 500 words in which nothing is said twice, so that no guard ends it."""


def open_engine(folder: Path, session: Any = None, *, save: bool = False, **options: Any) -> Engine:
    """An engine over a fresh project in `folder`, or over the one that is there already."""
    world, characters = folder / "worlds" / "ford.yaml", folder / "characters"
    if not characters.exists():
        write_project(folder)
    session = session if session is not None else ScriptedSession(["Fresher than you."])
    save_path = folder / "slot.db" if save else None
    return Engine.open(world, characters, save_path, session, **options)


class Heard:
    """Everything an engine delivered, in order."""

    def __init__(self, engine: Engine) -> None:
        self.events: list[Event] = []
        engine.subscribe(self.events.append)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]
