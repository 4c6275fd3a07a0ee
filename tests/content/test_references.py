from collections.abc import Callable
from pathlib import Path

import pytest

from npc_engine.content.library import Library

Open = Callable[[], Library]
Write = Callable[[str, str], Path]

WORLD = """\
name: Oak
state:
  bridge: {one_of: [broken, mended], value: broken, say: "The bridge is {{ value }}."}
facts:
  - {id: forge_fire, text: The forge burned., tags: [history], known_by: [crafters, mira, everyone]}
actions:
  offer_item: {description: Offer an item.}
"""


@pytest.fixture
def faults(write: Write, library: Open) -> Callable[[str], list[str]]:
    def check(sheet: str) -> list[str]:
        write("worlds/oak.yaml", WORLD)
        write("characters/aldric.yaml", "name: Aldric\n")
        write("characters/mira.yaml", f"name: Mira\ntags: [crafters]\n{sheet}\n")
        found = library().faults()
        return [str(fault).split("/characters/")[-1] for fault in found]

    return check


def test_a_sheet_whose_names_all_exist_has_no_faults(faults: Callable[[str], list[str]]):
    assert (
        faults(
            "knows: [forge_fire, history]\nactions: [offer_item]\n"
            "relationships: {aldric: {trust: 1}, player: {}}\n"
            "secrets: [{id: s, text: x, reveal_when: relationships.aldric.trust > 2}]\n"
            'lines: [{when_asked: [a], say: "{{ state.bridge }}", when: clock.day > 3}]'
        )
        == []
    )


@pytest.mark.parametrize(
    ("sheet", "expected"),
    [
        (
            "knows: [forge_fires]",
            'mira.yaml:3:9 knows[0]: found "forge_fires"; expected a fact id or tag of '
            'worlds/oak.yaml; did you mean "forge_fire"? [E103]',
        ),
        (
            "relationships: {aldrik: {trust: 1}}",
            'mira.yaml:3:17 relationships.aldrik: found "aldrik"; expected the id of a '
            'character, or player; did you mean "aldric"? [E103]',
        ),
        (
            "relationships: {mira: {trust: 1}}",
            'mira.yaml:3:17 relationships.mira: found "mira", the character itself; expected '
            "another character; remove it [E103]",
        ),
        (
            "actions: [offer_itm]",
            'mira.yaml:3:11 actions[0]: found "offer_itm"; expected an action of '
            'worlds/oak.yaml; did you mean "offer_item"? [E213]',
        ),
        (
            "lines: [{when_asked: [a], say: b, when: state.brigde == 1}]",
            'mira.yaml:3:41 lines[0].when: found the unknown name "state.brigde"; expected a name '
            'declared under state: of the world; did you mean "state.bridge"? [E102]',
        ),
        (
            'lines: [{when_asked: [a], say: b, when: state.bridge == "brokn"}]',
            'mira.yaml:3:41 lines[0].when: found state.bridge compared with "brokn"; expected '
            'one of broken, mended; did you mean "broken"? [E204]',
        ),
        (
            "lines:\n  - when_asked: [a]\n    say: b\n    "
            'when: state.bridge in ["broken", "gone"]',
            'mira.yaml:6:11 lines[0].when: found state.bridge compared with "gone"; expected '
            "one of broken, mended; values: broken, mended [E204]",
        ),
        (
            "lines: [{when_asked: [a], say: b, when: state.bridge > 3}]",
            "mira.yaml:3:41 lines[0].when: found state.bridge compared with 3; expected "
            "one of broken, mended [E204]",
        ),
        (
            "secrets: [{id: s, text: x, reveal_when: relationships.aldrik.trust > 1}]",
            'mira.yaml:3:41 secrets[0].reveal_when: found the unknown name '
            '"relationships.aldrik.trust"; expected the id of a character, or player; '
            'did you mean "aldric"? [E102]',
        ),
        (
            "facts: [{id: forge_fire, text: Mine.}]",
            'mira.yaml:3:14 facts[0].id: found the fact id "forge_fire", which the world has '
            "too; expected an id of its own; write mira_forge_fire [E103]",
        ),
        (
            "facts: [{id: f, text: Mine., known_by: [crafter]}]",
            'mira.yaml:3:41 facts[0].known_by[0]: found "crafter"; expected a character\'s id or '
            'tag, or everyone; did you mean "crafters"? [E103]',
        ),
        (
            "policy: {Violence: allow}",
            'mira.yaml:3:20 policy.Violence: found "allow", looser than the world; expected '
            "fictional_only or stricter; change the world's policy, or remove this line",
        ),
        (
            "world: oka",
            'mira.yaml:3:8 world: found "oka"; expected the name of a world, without .yaml; '
            'did you mean "oak"? [E103]',
        ),
    ],
)  # fmt: skip
def test_a_name_that_leads_nowhere_is_located_with_the_nearest(
    faults: Callable[[str], list[str]], sheet: str, expected: str
):
    found = faults(sheet)

    assert [line for line in found if line.startswith("mira")] == [expected]


def test_a_world_that_names_nobody_there_is_is_told(write: Write, library: Open):
    write("characters/mira.yaml", "name: Mira\ntags: [crafters]\n")
    write(
        "worlds/oak.yaml",
        "name: Oak\nfacts: [{id: f, text: t, known_by: [mria, crafter, everyone]}]\n",
    )

    assert [(fault.key, fault.advice) for fault in library().world_faults("oak")] == [
        ("facts[0].known_by[0]", 'did you mean "mira"?'),
        ("facts[0].known_by[1]", 'did you mean "crafters"?'),
    ]


def test_faults_of_types_and_of_references_come_together(write: Write, library: Open):
    write("worlds/oak.yaml", WORLD)
    write("characters/mira.yaml", "name: Mira\ntraits: blunt\nknows: [forge_fires]\n")

    assert [fault.key for fault in library().sheet_faults("mira")] == ["traits", "knows[0]"]
