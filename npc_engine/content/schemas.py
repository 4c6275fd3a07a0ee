"""JSON Schemas of sheets and worlds, so that editors complete and check while somebody types.

Generated from the models; the descriptions are the docstrings of the fields.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from npc_engine.content.character import CharacterSheet
from npc_engine.content.fields import PATTERNS_FOR_EDITORS
from npc_engine.content.world import World

DIALECT = "https://json-schema.org/draft/2020-12/schema"

SHEET_FILE = "character.schema.json"
WORLD_FILE = "world.schema.json"

SHEET_HINT = f"# yaml-language-server: $schema=../schemas/{SHEET_FILE}"
"""The first line of a sheet; tells editors where the schema is."""
WORLD_HINT = f"# yaml-language-server: $schema=../schemas/{WORLD_FILE}"
"""The first line of a world."""


def sheet_schema() -> dict[str, Any]:
    """The schema of `characters/*.yaml`. A sheet with a parent may take its name from there."""
    schema = _schema(CharacterSheet, "Character sheet")
    del schema["required"]
    schema["anyOf"] = [{"required": ["name"]}, {"required": ["extends"]}]
    return schema


def world_schema() -> dict[str, Any]:
    """The schema of `worlds/*.yaml`."""
    return _schema(World, "World")


def write_schemas(folder: Path) -> tuple[Path, ...]:
    """Write both schemas; files that are current already are left alone.

    Returns:
        The paths of the two files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, schema in ((SHEET_FILE, sheet_schema()), (WORLD_FILE, world_schema())):
        path = folder / name
        text = schema_text(schema)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
        paths.append(path)
    return tuple(paths)


def schema_text(schema: dict[str, Any]) -> str:
    """A schema as it stands in its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": DIALECT, **_for_editors(schema), "title": title}


def _for_editors(schema: dict[str, Any]) -> dict[str, Any]:
    """Without what helps no author: generated titles, empty defaults, null, Python's patterns."""
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "title" or (key == "default" and value in (None, "", [], {})):
            continue
        if key in ("properties", "$defs"):
            value = {name: _for_editors(inner) for name, inner in value.items()}
        elif key in ("items", "additionalProperties", "propertyNames") and isinstance(value, dict):
            value = _for_editors(value)
        elif key == "pattern":
            value = PATTERNS_FOR_EDITORS.get(value, value)
        kept[key] = value
    choices = [_for_editors(choice) for choice in kept.pop("anyOf", [])]
    choices = [choice for choice in choices if choice != {"type": "null"}]
    if len(choices) == 1:
        return {**choices[0], **kept}
    return {**kept, "anyOf": choices} if choices else kept
