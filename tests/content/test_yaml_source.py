from pathlib import Path

import pytest

from npc_engine.content.source import (
    MAX_FILE_BYTES,
    Mark,
    Quoted,
    inspect_yaml,
    parse_yaml,
    read_yaml,
)
from npc_engine.errors import ContentError


def faults(text: str) -> list[str]:
    return [str(fault) for fault in inspect_yaml(text, "f.yaml").faults]


def test_scalars_stay_text_whatever_yaml_makes_of_them():
    source = parse_yaml("a: no\nb: 12:30\nc: 017\nd: 1_000\ne: 2024-01-01\nf: ~\n", "f.yaml")

    assert source.data == {
        "a": "no",
        "b": "12:30",
        "c": "017",
        "d": "1_000",
        "e": "2024-01-01",
        "f": "~",
    }


def test_quoted_and_block_texts_are_told_from_plain_ones():
    data = parse_yaml("a: 40\nb: \"40\"\nc: '40'\nd: |\n  40\n", "f.yaml").data

    assert [isinstance(data[key], Quoted) for key in "abcd"] == [False, True, True, True]


def test_every_value_and_key_has_its_place():
    source = parse_yaml("name: Mira\nspeech:\n  says: [Hm, Aye]\n", "f.yaml")

    assert source.marks[("name",)] == Mark(1, 7)
    assert source.marks[("speech", "says", 1)] == Mark(3, 14)
    assert source.key_marks[("speech", "says")] == Mark(3, 3)
    assert source.mark(("speech", "nothing", "there")) == Mark(3, 3)


def test_columns_count_characters_not_bytes():
    assert parse_yaml("ñandú: {é: 🙂, b: x}\n", "f.yaml").marks[("ñandú", "b")] == Mark(1, 18)


def test_windows_line_ends_and_a_byte_order_mark_change_nothing():
    source = parse_yaml("\ufeffname: Mira\r\npersona: |\r\n  One.\r\n  Two.\r\n", "f.yaml")

    assert source.data == {"name": "Mira", "persona": "One.\nTwo.\n"}


def test_missing_file_folder_and_wrong_encoding_are_faults(tmp_path: Path):
    utf16 = tmp_path / "utf16.yaml"
    utf16.write_bytes("name: Mira".encode("utf-16"))
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"name: Mira\nsummary: caf\xe9\n")

    def text_of(path: Path) -> str:
        with pytest.raises(ContentError) as caught:
            read_yaml(path)
        return str(caught.value).removeprefix(tmp_path.as_posix() + "/")

    assert text_of(tmp_path / "none.yaml") == (
        "none.yaml: no such file; check the name and the folder [E001]"
    )
    assert "found a folder; expected a YAML file" in text_of(tmp_path)
    assert text_of(utf16) == (
        'utf16.yaml: found UTF-16 text; expected UTF-8 text; save the file as "UTF-8" [E001]'
    )
    assert text_of(latin) == (
        "latin.yaml:2:13: found a byte that is not UTF-8 (0xE9); expected UTF-8 text; "
        'save the file as "UTF-8" in your editor [E001]'
    )


def test_a_huge_file_is_refused_unread(tmp_path: Path):
    path = tmp_path / "huge.yaml"
    path.write_bytes(b"#" * (MAX_FILE_BYTES + 1))

    with pytest.raises(ContentError, match="found a file of 1,048,577 bytes; expected at most"):
        read_yaml(path)


def test_too_deep_and_too_many_values_are_refused():
    assert faults("a: " + "[" * 200_000) == [
        "f.yaml:1:36: found values nested deeper than 32 levels; expected at most 32 levels; "
        "take the inner parts out [E003]"
    ]
    assert faults("a: [" + "b," * 60_000 + "]")[0].startswith(
        "f.yaml:1:99999: found more than 50,000 values; expected at most 50,000"
    )


def test_faults_of_several_entries_come_in_one_run():
    text = "persona: Note: she\nsays: @foo\ngood: fine\nlist: [1, 2\nlast: x\n"

    inspection = inspect_yaml(text, "f.yaml")

    assert [(fault.line, fault.column) for fault in inspection.faults] == [(1, 10), (2, 7), (4, 7)]
    assert inspection.source.data == {"good": "fine", "last": "x"}
    assert inspection.source.lost == {("persona",), ("says",), ("list",)}


def test_lines_of_one_unindented_text_are_one_fault():
    text = "persona: |\nForty, broad.\nWorks from dawn.\nname: Mira\n"

    assert faults(text) == [
        'f.yaml:2:1: found "Forty, broad." without a colon; expected key: value; '
        "if it belongs to the text above, indent it by two spaces [E002]"
    ]


def test_an_empty_file_is_a_fault():
    for text in ("", "\n\n", "# only a comment\n"):
        assert faults(text) == [
            "f.yaml: found an empty file; expected key: value lines; write name: … [E002]"
        ]


def test_several_control_characters_are_each_located():
    assert faults("name: A\x1b[31mB\nsays: [\x07, ok\u202e]\n") == [
        "f.yaml:1:8: found an escape character (ESC), U+001B; expected visible text; "
        "remove it [E109]",
        "f.yaml:2:8: found a bell (BEL), U+0007; expected visible text; remove it [E109]",
        "f.yaml:2:13: found a hidden direction mark (right-to-left override), U+202E; "
        "expected visible text; remove it [E109]",
    ]


def test_joiners_and_right_to_left_letters_are_welcome():
    text = "name: فاطمة\nsays: [👩‍🌾 نعم, 你好, שלום]\n"

    assert faults(text) == []
