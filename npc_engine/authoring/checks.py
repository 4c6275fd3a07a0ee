"""`npc check`: everything wrong, or doubtful, in the sheets and worlds of a project.

What content finds by itself, and what only the prompt's budget and the knowledge rule can tell.
"""

from collections.abc import Iterator
from pathlib import Path

from npc_engine.authoring.check_reports import Report
from npc_engine.authoring.line_checks import check_lines
from npc_engine.authoring.sheet_checks import CheckedSheet, check_sheet_content
from npc_engine.authoring.tag_checks import check_tags
from npc_engine.authoring.world_checks import CheckedWorld, check_world_content
from npc_engine.content.library import Library
from npc_engine.content.world import World
from npc_engine.errors import Fault
from npc_engine.prompt.budget import Budget
from npc_engine.protocols import Tokenizer


def check_project(characters: Path, worlds: Path | None, tokenizer: Tokenizer) -> Report:
    """Check all sheets and worlds of two folders.

    Args:
        characters: The folder of the sheets, or one sheet: then only that sheet and its world.
        worlds: The folder of the worlds; by default beside the sheets.
        tokenizer: Of the model the prompts are meant for.

    Raises:
        CommandError: A folder does not exist.
        BudgetError: The window of the tokenizer's model is too narrow for any prompt.
    """
    library = Library.open(characters, worlds)
    only = characters.name.removesuffix(".yaml") if characters.is_file() else None
    sheet_ids = library.sheet_ids() if only is None else (only,)
    world_ids = library.world_ids()
    if only is not None:
        world_ids = tuple(name for name in world_ids if name == _world_named(library, only))
    return Report(
        faults=check(library, tokenizer, sheet_ids, world_ids),
        num_sheets=len(sheet_ids),
        num_worlds=len(world_ids),
    )


def check(
    library: Library,
    tokenizer: Tokenizer,
    sheet_ids: tuple[str, ...] | None = None,
    world_ids: tuple[str, ...] | None = None,
) -> tuple[Fault, ...]:
    """All faults of a library, sorted by file and place, each once.

    Args:
        library: The project.
        tokenizer: Of the model the prompts are meant for.
        sheet_ids: Only these sheets; all by default.
        world_ids: Only these worlds; all by default.
    """
    budget = Budget.for_window(tokenizer.window_tokens)
    found: list[Fault] = []
    for world_id in library.world_ids() if world_ids is None else world_ids:
        found += _world_faults(library, world_id, tokenizer, budget)
    for sheet_id in library.sheet_ids() if sheet_ids is None else sheet_ids:
        found += _sheet_faults(library, sheet_id, tokenizer, budget)
    return tuple(
        sorted(dict.fromkeys(found), key=lambda f: (f.path, f.line, f.column, f.code, f.found))
    )


def _world_faults(
    library: Library, world_id: str, tokenizer: Tokenizer, budget: Budget
) -> Iterator[Fault]:
    faults = library.world_faults(world_id)
    yield from faults
    world = _valid_world(library, world_id)
    if world is not None:
        is_complete = not any(library.sheet_faults(name) for name in library.sheet_ids())
        cast = library.cast(world) if is_complete else ()
        checked = CheckedWorld(world, library.world_source(world_id), cast)
        yield from check_world_content(checked, tokenizer, budget)


def _sheet_faults(
    library: Library, sheet_id: str, tokenizer: Tokenizer, budget: Budget
) -> Iterator[Fault]:
    faults = library.sheet_faults(sheet_id)
    yield from faults
    world_id = _world_named(library, sheet_id)
    world = _valid_world(library, world_id) if world_id is not None else None
    if faults or world is None:
        return
    checked = CheckedSheet(
        library.sheet(sheet_id), library.sheet_source(sheet_id), world, library.cast(world)
    )
    yield from check_sheet_content(checked, tokenizer, budget)
    yield from check_lines(checked.sheet.lines, checked.source)
    yield from check_tags(checked.sheet, checked.source)


def _valid_world(library: Library, world_id: str) -> World | None:
    """The world, unless it is wrong by itself."""
    return None if library.world_faults(world_id) else library.world(world_id)


def _world_named(library: Library, sheet_id: str) -> str | None:
    """The world of a sheet: its own, else the only one, else the first that there is."""
    data = library.sheet_source(sheet_id).data
    own = data.get("world") if isinstance(data, dict) else None
    if isinstance(own, str):
        return str(own) if own in library.world_ids() else None
    return library.world_ids()[0] if library.world_ids() else None
