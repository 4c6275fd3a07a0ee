import json
from pathlib import Path
from typing import Any

import pytest

from npc_engine.content import schemas
from npc_engine.content.character import CharacterSheet
from npc_engine.content.shape import known_keys
from npc_engine.content.source import read_yaml
from npc_engine.content.world import World

SHIPPED = Path(__file__).parents[2] / "schemas"


def unknown_keys(schema: dict[str, Any], node: Any, root: dict[str, Any]) -> list[str]:
    """Keys of a file that its schema does not list: what an editor would underline."""
    while "$ref" in schema:
        schema = {**root["$defs"][schema["$ref"].removeprefix("#/$defs/")]}
    if isinstance(node, tuple):
        return [key for item in node for key in unknown_keys(schema["items"], item, root)]
    if not isinstance(node, dict):
        return []
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    found = []
    for key, value in node.items():
        if key in known:
            found += unknown_keys(known[key], value, root)
        elif others is False:
            found.append(key)
        elif isinstance(others, dict):
            found += unknown_keys(others, value, root)
    return found


def test_the_shipped_schemas_are_current():
    for name, schema in (
        (schemas.SHEET_FILE, schemas.sheet_schema()),
        (schemas.WORLD_FILE, schemas.world_schema()),
    ):
        assert (SHIPPED / name).read_text(encoding="utf-8") == schemas.schema_text(schema), (
            f"{name} is old; write it again with npc check --schema"
        )


@pytest.mark.parametrize(
    ("schema", "model"),
    [(schemas.sheet_schema(), CharacterSheet), (schemas.world_schema(), World)],
)
def test_every_key_is_there_with_a_description(schema: dict[str, Any], model: Any):
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert list(schema["properties"]) == list(known_keys(model))
    assert schema["additionalProperties"] is False
    groups = [schema, *schema["$defs"].values()]
    for group in groups:
        for key, inner in group.get("properties", {}).items():
            assert inner.get("description"), key


def test_the_examples_of_the_design_hold_only_known_keys(project: Path):
    sheet = read_yaml(project / "characters" / "mira.yaml").data
    world = read_yaml(project / "worlds" / "oakhollow.yaml").data

    assert unknown_keys(schemas.sheet_schema(), sheet, schemas.sheet_schema()) == []
    assert unknown_keys(schemas.world_schema(), world, schemas.world_schema()) == []
    assert unknown_keys(
        schemas.sheet_schema(), {"speech": {"sais": 1}}, schemas.sheet_schema()
    ) == ["sais"]


def test_what_the_loader_refuses_editors_refuse():
    sheet = schemas.sheet_schema()

    assert sheet["anyOf"] == [{"required": ["name"]}, {"required": ["extends"]}]
    assert sheet["$defs"]["Speech"]["properties"]["max_sentences"]["maximum"] == 30
    assert sheet["$defs"]["Secret"]["properties"]["reveal_when"]["type"] == "string"
    assert sheet["$defs"]["RememberRule"]["properties"]["from"]["enum"] == [
        "player",
        "npc",
        "anyone",
    ]
    assert "id" not in sheet["properties"]
    assert '"null"' not in json.dumps(sheet)


def test_schemas_are_written_once(tmp_path: Path):
    paths = schemas.write_schemas(tmp_path / "schemas")
    stamps = [path.stat().st_mtime_ns for path in paths]

    assert [path.name for path in paths] == ["character.schema.json", "world.schema.json"]
    assert schemas.write_schemas(tmp_path / "schemas") == paths
    assert [path.stat().st_mtime_ns for path in paths] == stamps
