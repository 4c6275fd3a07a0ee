"""Where a project's sheets and worlds lie, and whom a person means by a name."""

import difflib
from dataclasses import dataclass
from pathlib import Path

from npc_engine.content.library import Library
from npc_engine.errors import CommandError, SheetError

_PACKAGE = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Project:
    """The two folders of a project."""

    characters: Path
    worlds: Path

    def library(self) -> Library:
        """A library over both folders."""
        return Library.open(self.characters, self.worlds)


def find_project(characters: Path | None = None, worlds: Path | None = None) -> Project:
    """The folders given; else `characters` and `worlds` here; else those that ship with us.

    With only the sheets given, the worlds are looked for beside them.

    Raises:
        CommandError: A folder that was given does not exist.
    """
    for folder in (characters, worlds):
        if folder is not None and not folder.is_dir():
            raise CommandError(f"{folder}: found no such folder; give a folder with YAML files")
    here = Path("characters")
    sheets = characters or (here if here.is_dir() else _shipped("characters"))
    beside = sheets.parent / "worlds"
    return Project(sheets, worlds or (beside if beside.is_dir() else _shipped("worlds")))


def shipped_project() -> Project:
    """The sheets and worlds that ship with us, whatever lies in the current folder."""
    return Project(_shipped("characters"), _shipped("worlds"))


def _shipped(name: str) -> Path:
    """A folder of the wheel, or of the checkout the package is run from."""
    inside = _PACKAGE / "shipped" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def sheet_named(library: Library, name: str) -> str:
    """The id of a sheet by id, nickname or full name, in any case.

    Raises:
        CommandError: Nobody is called so; names the nearest and everybody there is.
        SheetError: The sheet meant is wrong.
    """
    wanted = name.strip().casefold()
    ids = library.sheet_ids()
    for sheet_id in ids:
        if sheet_id.casefold() == wanted:
            return sheet_id
    called = {sheet_id: names_of(library, sheet_id) for sheet_id in ids}
    for sheet_id, names in called.items():
        if wanted in (other.casefold() for other in names):
            return sheet_id
    near = difflib.get_close_matches(wanted, [sheet_id.casefold() for sheet_id in ids], n=1)
    mend = f'; did you mean "{near[0]}"?' if near else ""
    raise CommandError(f'no character "{name}"{mend}; there are: {", ".join(ids)}')


def names_of(library: Library, sheet_id: str) -> tuple[str, ...]:
    """Nickname and name of a sheet; none for a sheet that is wrong."""
    try:
        sheet = library.sheet(sheet_id)
    except SheetError:
        return ()
    return (sheet.nickname, sheet.name)


def world_for(library: Library, sheet_id: str | None, world: str | None) -> Path:
    """The world file to play in: the one asked for, the character's own, or the first.

    Args:
        library: Sheets and worlds.
        sheet_id: Who is spoken with, if that is known.
        world: A world id or file, if one was asked for.

    Raises:
        CommandError: There is no such world, or none at all.
    """
    if world is not None:
        path = Path(world)
        return path if path.suffix in (".yaml", ".yml") else library.world_path(world)
    own = library.sheet(sheet_id).world if sheet_id is not None else None
    if own is not None:
        return library.world_path(own)
    ids = library.world_ids()
    if not ids:
        raise CommandError("found no world; expected a YAML file in the folder of worlds")
    return library.world_path(ids[0])
