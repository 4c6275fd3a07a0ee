import pytest

from npc_engine.memory.words import (
    content_stems,
    is_question,
    jaccard,
    lexicon_of,
    names_and_numbers,
    scripts,
    sentences,
    stem,
    words,
)


@pytest.mark.parametrize(
    ("family", "stemmed"),
    [
        (["forge", "forges", "forged", "forging"], "forg"),
        (["stop", "stops", "stopped", "stopping"], "stop"),
        (["story", "stories"], "story"),
        (["glass"], "glass"),
        (["his", "was", "king", "1990s", "30"], None),
    ],
)
def test_forms_of_one_word_share_a_stem(family, stemmed):
    stems = [stem(word) for word in family]
    assert stems == ([stemmed] * len(family) if stemmed else ["his", "was", "king", "1990", "30"])


def test_content_stems_leave_stop_words_out_and_keep_numbers():
    assert content_stems("I'll bring you the 3 rings tomorrow.") == [
        "bring",
        "3",
        "ring",
        "tomorrow",
    ]


def test_words_are_casefolded_and_normalised():
    assert words("Well-known ＡＢＣ, STRASSE") == ["well", "known", "abc", "strasse"]


def test_a_run_without_spaces_gives_pairs():
    assert words("王様は城") == ["王様", "様は", "は城"]
    assert words("城") == ["城"]


def test_sentences_end_at_line_breaks_too():
    assert sentences("One  here. Two\nThree!") == ["One here.", "Two", "Three!"]


@pytest.mark.parametrize("text", ["Who?", 'He asked "who?"', "Who?!", "誰？"])
def test_a_question_is_seen_behind_closing_marks(text):
    assert is_question(text)


def test_an_answer_is_no_question():
    assert not is_question("Who? I do not know.")


def test_names_are_capitalised_words_inside_sentences_and_words_of_the_lexicon():
    text = "My brother Tolan left. Harrow burned! mira saw it, and STOP it: Never again."
    assert names_and_numbers(text, lexicon_of(["Mira Voss"])) == {"tolan", "mira"}


def test_numbers_written_as_words_count_as_numbers():
    assert names_and_numbers("thirty silver or 7 at 12:05, not one more") == {"30", "7", "12", "05"}


def test_jaccard_of_empty_sets_is_zero():
    assert jaccard([], []) == 0.0
    assert jaccard(["a", "b"], ["b", "c"]) == pytest.approx(1 / 3)


def test_scripts_of_letters_only():
    assert scripts("Mira 42! Мира") == {"LATIN", "CYRILLIC"}
