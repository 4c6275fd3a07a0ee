import re

import pytest

from npc_engine.authoring.matching import (
    Searched,
    compile_expression,
    normalised,
    shares_run,
    words_of,
)


@pytest.mark.parametrize(
    ("text", "phrase", "found"),
    [
        ("The Bridge is down.", "bridge", True),
        ("The bridgehead is down.", "bridge", False),
        ("No star-iron here", "star-iron", True),
        ("She said “no”", '"no"', True),
        ("It’s cold", "it's cold", True),
        ("by  iron\nand ash", "by iron and ash", True),
        ("*shows the bridge* No.", "bridge", False),
        ("2 * 3 bridges * 4", "bridges", True),
        ("ＢＲＩＤＧＥ", "bridge", True),
        ("STRASSE", "straße", True),
        ("Why? ...", "?", True),
        ("橋は落ちた", "橋", True),
        ("anything", "   ", False),
        ("Bridge", "/bridge/", False),
        ("Bridge", "/bridge/i", True),
        ("the old bridge", r"/old\s+b/", True),
    ],
)
def test_phrase_is_found_on_word_borders_in_forgiving_spelling(
    text: str, phrase: str, found: bool
) -> None:
    assert Searched.of(text).has(phrase) is found


def test_bare_expression_minds_case_as_written() -> None:
    searched = Searched.of("It is day 41")
    assert searched.matches(r"day \d+")
    assert not searched.matches(r"DAY \d+")


def test_broken_expression_is_refused() -> None:
    with pytest.raises(re.error):
        compile_expression("/(/")


def test_stage_directions_stay_in_prompts() -> None:
    assert normalised("*nods* Yes") == "yes"
    assert normalised("*nods* Yes", spoken=False) == "*nods* yes"


def test_equal_but_for_case_quotes_and_spaces() -> None:
    assert Searched.of(" “Thirty silver.” ").equals('"thirty  silver."')
    assert not Searched.of("Thirty silver").equals("Thirty silvers")


def test_words_keep_their_apostrophe() -> None:
    assert words_of("Don't go, it's late.") == ["don't", "go", "it's", "late"]


def test_run_is_the_first_shared_one() -> None:
    text = "Under the floor lies a blade of star-iron"
    assert shares_run(text, "They say: under the floor lies a rat.", 4) == "under the floor lies"
    assert shares_run(text, "a blade lies under a floor", 4) == ""


def test_short_text_counts_whole_and_tiny_text_never() -> None:
    assert shares_run("Joss did it", "so Joss did it then", 6) == "joss did it"
    assert shares_run("Joss did", "so Joss did it", 6) == ""
