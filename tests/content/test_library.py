import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from npc_engine.content.library import Library
from npc_engine.errors import CommandError, SheetError, WorldError

Open = Callable[[], Library]
Write = Callable[[str, str], Path]

PARENT = """\
persona: Lives by the river.
traits: [calm]
speech: {style: Slow., max_sentences: 3}
relationships: {player: {trust: 1}}
"""


def faults_of(library: Library, sheet_id: str) -> list[str]:
    with pytest.raises(SheetError) as caught:
        library.sheet(sheet_id)
    folder = library.characters.as_posix() + "/"
    return [str(fault).removeprefix(folder) for fault in caught.value.faults]


def test_finds_sheets_but_no_tests_parents_or_hidden_files(write: Write, library: Open):
    for name in ("mira", "village/bett", "mira.persona", "tests/x", "_villager", ".hidden", "._y"):
        write(f"characters/{name}.yaml", "name: M")
    write("characters/notes.txt", "")
    write("worlds/oak.yaml", "name: Oak")
    write("worlds/lore/more.yaml", "a: b")

    assert library().sheet_ids() == ("bett", "mira")
    assert library().world_ids() == ("oak",)


def test_a_child_has_its_parents_values_under_its_own(write: Write, library: Open):
    write("characters/_villager.yaml", PARENT)
    write(
        "characters/bett.yaml",
        "name: Bett\nextends: _villager\ntraits: [loud]\nspeech: {max_sentences: 5}\n"
        "relationships: {mira: {trust: 2}}\n",
    )

    bett = library().sheet("bett")

    assert bett.persona == "Lives by the river."
    assert bett.traits == ("loud",)
    assert (bett.speech.style, bett.speech.max_sentences) == ("Slow.", 5)
    assert {name: other.trust for name, other in bett.relationships.items()} == {
        "player": 1,
        "mira": 2,
    }


def test_a_fault_of_the_parent_is_told_at_the_parent(write: Write, library: Open):
    write("characters/_villager.yaml", "traits: calm\n")
    write("characters/bett.yaml", "name: Bett\nextends: _villager\nsummary: [x]\n")

    assert faults_of(library(), "bett") == [
        '_villager.yaml:1:9 traits: found "calm"; expected a list of texts; '
        'write a list: traits: ["calm"] [E101]',
        'bett.yaml:3:10 summary: found a list; expected a text; write one text: summary: "x" '
        "[E101]",
    ]


@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        (
            "vilager",
            'a.yaml:2:10 extends: found "vilager"; expected the name of a sheet of this project, '
            'without .yaml; did you mean "villager"? [E103]',
        ),
        ("a", "a.yaml:2:10 extends: found the sheet itself; expected another sheet; "
         "remove it [E103]"),
        (
            "b",
            'a.yaml:2:10 extends: found "b", which itself extends "a" (a circle); expected a '
            "parent without extends:; copy what is needed into one parent [E103]",
        ),
        (
            "c",
            'a.yaml:2:10 extends: found "c", which itself extends "villager"; expected a parent '
            "without extends:; copy what is needed into one parent [E103]",
        ),
    ],
)  # fmt: skip
def test_parents_have_one_level_and_no_circles(
    write: Write, library: Open, parent: str, expected: str
):
    write("characters/villager.yaml", "name: V\n")
    write("characters/a.yaml", f"name: A\nextends: {parent}\n")
    write("characters/b.yaml", "name: B\nextends: a\n")
    write("characters/c.yaml", "name: C\nextends: villager\n")

    assert faults_of(library(), "a") == [expected]


def test_a_parent_path_cannot_leave_the_project(write: Write, library: Open):
    write("other.yaml", "persona: stolen\n")
    write("characters/a.yaml", "name: A\nextends: ../other\n")

    (first, second) = faults_of(library(), "a")

    assert first.startswith('a.yaml:2:10 extends: found "../other"; expected the name of a sheet')
    assert second.startswith('a.yaml:2:10 extends: found "../other"; expected a name of letters')


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_out_of_the_folder_is_refused(write: Write, library: Open, tmp_path: Path):
    outside = write("outside.yaml", "name: Outside\n")
    Path(tmp_path / "characters" / "linked.yaml").symlink_to(outside)

    assert faults_of(library(), "linked") == [
        "linked.yaml: found a link that leads out of the folder; expected a file in it; "
        "copy the file here [E001]"
    ]


def test_a_faulty_sheet_stops_no_other(write: Write, library: Open):
    write("characters/bad.yaml", "nmae: Bad\n")
    write("characters/good.yaml", "name: Good\n")
    write("worlds/oak.yaml", "name: Oak\n")
    opened = library()

    assert opened.sheet("good").name == "Good"
    assert [sheet.id for sheet in opened.cast(opened.world("oak"))] == ["good"]
    assert faults_of(opened, "bad") == [
        "bad.yaml:1:1 name: found nothing; expected a text; write name: Mira Voss [E101]",
        'bad.yaml:1:1 nmae: the unknown key "nmae"; did you mean "name"? [E101]',
    ]


def test_the_cast_of_a_world_are_its_own_and_those_of_no_world(write: Write, library: Open):
    write("characters/a.yaml", "name: A\nworld: oak\n")
    write("characters/b.yaml", "name: B\n")
    write("characters/c.yaml", "name: C\nworld: ash\n")
    write("worlds/oak.yaml", "name: Oak\n")
    opened = library()

    assert [sheet.id for sheet in opened.cast(opened.world("oak"))] == ["a", "b"]


def test_unknown_ids_name_the_nearest(write: Write, library: Open):
    write("characters/mira.yaml", "name: Mira\n")
    write("characters/bett.yml", "name: Bett\n")
    write("worlds/oak.yaml", "name: Oak\n")

    for call, text in (
        (lambda: library().sheet("mria"), 'unknown character "mria"; did you mean "mira"?'),
        (lambda: library().sheet("bett"), 'unknown character "bett"; rename bett.yml to bett.yaml'),
        (lambda: library().world("oka"), 'unknown world "oka"; did you mean "oak"?'),
        (lambda: library().world("worlds/none.yaml"), 'unknown world "worlds/none.yaml"'),
    ):
        with pytest.raises(CommandError) as caught:
            call()
        assert text in str(caught.value)


def test_a_world_is_found_by_id_and_by_path(write: Write, library: Open):
    path = write("worlds/oak.yaml", "name: Oak\n")

    assert library().world("oak") == library().world(path) == library().world(str(path))


def test_a_missing_folder_is_a_command_error(tmp_path: Path):
    with pytest.raises(CommandError, match="no folder of characters at "):
        Library.open(tmp_path / "none")


def test_a_faulty_world_raises_all_its_faults(write: Write, library: Open):
    write("worlds/oak.yaml", "nmae: Oak\nlore: [{path: lore/none.md}]\n")

    with pytest.raises(WorldError) as caught:
        library().world("oak")

    assert [fault.key for fault in caught.value.faults] == ["name", "nmae", "lore[0].path"]
    assert caught.value.faults[2].found == '"lore/none.md", which does not exist'


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("player", 'a sheet named "player", a word the engine keeps for itself'),
        ("Mira Voss", 'the file name "Mira Voss"'),
        ("1st", 'the file name "1st"'),
    ],
)
def test_file_names_make_good_ids(write: Write, library: Open, name: str, found: str):
    write(f"characters/{name}.yaml", "name: X\n")

    assert found in faults_of(library(), name)[0]


def test_two_files_of_one_name_are_a_fault(write: Write, library: Open):
    write("characters/mira.yaml", "name: X\n")
    write("characters/old/mira.yaml", "name: Y\n")

    assert 'two sheets named "mira"' in faults_of(library(), "mira")[0]


def test_reload_tells_what_came_went_and_changed(write: Write, library: Open):
    write("characters/_villager.yaml", PARENT)
    write("characters/bett.yaml", "name: Bett\nextends: _villager\n")
    gone = write("characters/gone.yaml", "name: Gone\n")
    write("characters/same.yaml", "name: Same\n")
    write("worlds/oak.yaml", "name: Oak\n")
    opened = library()
    for sheet_id in opened.sheet_ids():
        opened.sheet(sheet_id)
    same, oak = opened.sheet("same"), opened.world("oak")
    assert opened.reload() == ()

    write("characters/_villager.yaml", PARENT.replace("river", "lake side"))
    write("characters/new.yaml", "name: New\n")
    write("worlds/oak.yaml", "name: Oakhollow\n")
    gone.unlink()

    assert opened.reload() == ("bett", "gone", "new", "oak")
    assert opened.sheet("bett").persona == "Lives by the lake side."
    assert opened.sheet("new").name == "New"
    assert opened.sheet("same") is same
    assert opened.world("oak") != oak
    with pytest.raises(CommandError):
        opened.sheet("gone")


def test_a_mended_sheet_loads_after_reload(write: Write, library: Open):
    write("characters/mira.yaml", "nmae: Mira\n")
    opened = library()
    faults_of(opened, "mira")

    write("characters/mira.yaml", "name: Mira V.\n")
    opened.reload()

    assert opened.sheet("mira").name == "Mira V."


def test_a_parent_that_appears_later_is_found_after_reload(write: Write, library: Open):
    write("characters/bett.yaml", "name: Bett\nextends: _villager\n")
    opened = library()
    faults_of(opened, "bett")

    write("characters/_villager.yaml", PARENT)

    assert opened.reload() == ("bett",)
    assert opened.sheet("bett").traits == ("calm",)


def test_a_parent_nobody_extends_is_checked_too(write: Write, library: Open):
    write("characters/_villager.yaml", "traits: calm\n")

    assert [fault.key for fault in library().faults()] == ["traits"]
