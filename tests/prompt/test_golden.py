"""Golden prompts: what every shipped character is sent, one diffable file each.

`pytest tests/prompt/test_golden.py --update` writes them anew; read the diff before it is kept.
"""

import pytest

from npc_engine.content.library import Library
from npc_engine.content.state import initial_state
from npc_engine.prompt.compiler import PromptRequest, compile_plan
from npc_engine.prompt.plan import Plan
from tests.stage import CHARACTERS, ROOT, TOKENIZER, WORLDS, learned, said

GOLDEN = ROOT / "tests" / "golden"
LIBRARY = Library.open(CHARACTERS, WORLDS)
LINE = "Good evening. What is going on here?"


def plan_of(sheet_id: str) -> Plan:
    sheet = LIBRARY.sheet(sheet_id)
    world = LIBRARY.world(sheet.world)
    cast = LIBRARY.cast(world)
    request = PromptRequest(
        sheet=sheet,
        world=world,
        state=initial_state(world, cast),
        line=LINE,
        names={other.id: other.nickname for other in cast},
        summary="Day 1: The two of them met.",
        learned=learned("The player gave the name Tolan."),
        turns=(said("Hello.", sheet.greetings[0]),),
    )
    return compile_plan(request, TOKENIZER)


@pytest.mark.parametrize("sheet_id", LIBRARY.sheet_ids())
def test_the_prompt_of_a_shipped_character_is_the_golden_one(sheet_id, update):
    plan = plan_of(sheet_id)
    path = GOLDEN / f"{sheet_id}.txt"
    if update:
        path.write_text(plan.text, encoding="utf-8", newline="\n")
    assert plan.text == path.read_text(encoding="utf-8")
    assert [cut for cut in plan.cut if cut.section != "canon"] == []


def test_characters_of_one_world_share_the_beginning_of_their_prompts():
    for world_id in LIBRARY.world_ids():
        world = LIBRARY.world(world_id)
        plans = [plan_of(sheet.id) for sheet in LIBRARY.cast(world)]
        shared = min(plan.tokens_of("rules") + plan.tokens_of("world") for plan in plans)
        assert len(plans) >= 3
        assert len({plan.prompt_ids[:shared] for plan in plans}) == 1


def test_the_shipped_content_is_what_it_promises():
    sheets = [LIBRARY.sheet(sheet_id) for sheet_id in LIBRARY.sheet_ids()]
    assert LIBRARY.faults() == ()
    assert len(LIBRARY.world_ids()) >= 2
    assert len(sheets) >= 7
    assert sum(1 for sheet in sheets if sheet.secrets) >= 2
    for sheet in sheets:
        assert len(sheet.examples) >= 3
        assert min(len(sheet.barks[kind]) for kind in ("thinking", "fail", "refuse")) >= 3
        assert set(sheet.relationships) - {"player"}
