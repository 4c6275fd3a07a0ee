"""Saving and loading: the engine's snapshot and the game's own state, as one thing.

The engine keeps its side in its save file, the game writes one JSON file that names the snapshot
it belongs to. That file is replaced at once or not at all, so a crash leaves the older pair.
"""

import json
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from examples.tavern.people import Person
from examples.tavern.tavern import Tavern

_NOT_KEPT = ("overlay", "memory", "typed", "talking_to", "note", "note_s")


class Slot:
    """One place to save to: a file, or memory alone."""

    def __init__(self, path: Path | None = None) -> None:
        """Nothing is written yet; `path` is that of the game's own JSON."""
        self._path = path
        self._text = path.read_text("utf-8") if path is not None and path.exists() else ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to load."""
        return not self._text

    @property
    def next_name(self) -> str:
        """A name for the next snapshot; never that of the last one."""
        number = int(self.snapshot_name.removeprefix("quick-")) + 1 if self._text else 1
        return f"quick-{number}"

    @property
    def snapshot_name(self) -> str:
        """The engine's snapshot that belongs to what was saved."""
        return str(json.loads(self._text)["snapshot"])

    def write(self, tavern: Tavern, snapshot_name: str) -> None:
        """Keep the game's side; the engine's snapshot of that name is made already."""
        self._text = json.dumps({"snapshot": snapshot_name, "tavern": kept(tavern)}, indent=1)
        if self._path is not None:
            beside = self._path.with_suffix(".new")
            beside.write_text(self._text, "utf-8")
            beside.replace(self._path)

    def read(self) -> Tavern:
        """The game's side as it was saved."""
        return tavern_from(json.loads(self._text)["tavern"])


def kept(tavern: Tavern) -> dict[str, Any]:
    """What of the game a save holds: not what the player was typing or looking at."""
    return {name: value for name, value in asdict(tavern).items() if name not in _NOT_KEPT}


def tavern_from(data: dict[str, Any]) -> Tavern:
    """The game that `kept` gave, read back from JSON or not.

    Raises:
        KeyError: Something is missing.
        TypeError: There is something else in it.
    """
    own = {field.name for field in fields(Tavern)}
    plain = {name: data[name] for name in data if name not in ("player", "guests")}
    lists = {name: tuple(value) for name, value in plain.items() if isinstance(value, list | tuple)}
    if unknown := set(data) - own:
        raise TypeError(f"found {', '.join(sorted(unknown))}, which no tavern has")
    people = tuple(_person(each) for each in data["guests"])
    return replace(Tavern(_person(data["player"]), people), **{**plain, **lists})


def _person(data: dict[str, Any]) -> Person:
    path = tuple((point[0], point[1]) for point in data["path"])
    return Person(**{**data, "path": path})
