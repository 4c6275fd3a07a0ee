"""What of a reply is spoken, what is done, and how it sounds."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npc_engine.content.emotions import EMOTIONS, fitted, without_tag
from npc_engine.dialogue.speech_parts import SpeechReader, spoken_parts

LABELLED = Path(__file__).parent / "spoken_with_emotion.txt"

PIECES = st.lists(
    st.sampled_from(
        [
            "*",
            "**",
            "(",
            ")",
            "[",
            "]",
            "<",
            ">",
            '"',
            "“",
            "”",
            "\n",
            " ",
            ".",
            "!",
            "?!",
            "…",
            ",",
        ]
        + [
            "nods",
            "wipes hands",
            "very",
            "angry",
            "Emotion: sad",
            "emotion:joy",
            "Mood",
            ":",
            "Mr.",
        ]
        + ["Damn", "Hello there", "I", "你好。", "再见", "'", "* ", "- ", "x" * 90, "\t"]
    ),
    max_size=25,
).map("".join)


@pytest.mark.parametrize(
    ("text", "speech", "stage"),
    [
        ("Hello there.", "Hello there.", ()),
        ("*wipes hands* Hello there. *nods* Bye.", "Hello there. Bye.", ("wipes hands", "nods")),
        ("Well *sighs*, I suppose.", "Well, I suppose.", ("sighs",)),
        ("(sighs) [nods] So.", "So.", ("sighs", "nods")),
        ("(she laughs) So.", "So.", ("she laughs",)),
        ("[angry] Get out.", "Get out.", ()),
        ("(angrily) No.", "No.", ()),
        ("<emotion:joy> Yes.", "Yes.", ()),
        ("Emotion: sad\nI miss him.", "I miss him.", ()),
        ("**Emotion:** sad\nI miss him.", "I miss him.", ()),
        ("*nods*", "", ("nods",)),
        ("*looks up. Sets the hammer down.* Well?", "Well?", ("looks up. Sets the hammer down.",)),
    ],
)
def test_directions_and_tags_are_not_spoken(text, speech, stage):
    parts = spoken_parts(text)
    assert (parts.speech, parts.stage) == (speech, stage)


@pytest.mark.parametrize(
    ("text", "speech"),
    [
        ("I am *very* tired.", "I am very tired."),
        ("**Never** again.", "Never again."),
        ("Old Brown (the miller) left.", "Old Brown (the miller) left."),
        ("Bring flour (two sacks, fine).", "Bring flour (two sacks, fine)."),
        ("Mood swings are bad.", "Mood swings are bad."),
        ("Emotion runs high.", "Emotion runs high."),
        ("Is 3 < 4?", "Is 3 < 4?"),
        ("*unclosed thing", "unclosed thing"),
        ("Two * three.", "Two three."),
        ('He said "run" and I ran.', 'He said "run" and I ran.'),
        ("One\ntwo. Three.", "One two. Three."),
    ],
)
def test_words_between_other_signs_are_spoken(text, speech):
    assert spoken_parts(text).speech == speech


def test_quotation_marks_of_a_reply_that_is_quoted_are_not_spoken():
    assert spoken_parts('"I am here," she said. "Go."').speech == "I am here, she said. Go."
    assert spoken_parts("“Go.” *nods*").speech == "Go."


@given(PIECES, st.lists(st.integers(0, 200), max_size=6))
def test_where_a_reply_is_cut_into_pieces_changes_nothing(text, cuts):
    whole, reader = spoken_parts(text), SpeechReader()
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    for start, end in zip(places, places[1:], strict=False):
        reader.feed(text[start:end])
    reader.finish()
    found = reader.speech, tuple(reader.stage), reader.emotion or "neutral"
    assert found == (whole.speech, whole.stage, whole.emotion)


@given(PIECES)
def test_whole_sentences_stay_as_they_are_and_make_up_the_speech(text):
    reader, before = SpeechReader(), []
    for sign in text:
        reader.feed(sign)
        assert reader.sentences[: len(before)] == before
        before = list(reader.sentences)
    reader.finish()
    assert reader.sentences[: len(before)] == before
    assert " ".join(reader.sentences) == reader.speech
    assert all(sentence == sentence.strip() != "" for sentence in reader.sentences)


@given(st.text(max_size=200))
def test_no_text_is_too_strange(text):
    parts = spoken_parts(text)
    assert parts.emotion in EMOTIONS
    assert " ".join(parts.speech.split()) == parts.speech


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("[angry] What a wonderful day!", "angry"),
        ("*smiles* Damn. [sad] Damn.", "sad"),
        ("*smiles* Damn.", "happy"),
        ("Damn. Damn. How wonderful.", "angry"),
        ("I am not angry.", "wary"),
    ],
)
def test_a_tag_stands_over_a_direction_over_words_over_the_mood(text, emotion):
    assert spoken_parts(text, mood="wary").emotion == emotion


def test_a_sheets_set_takes_what_is_next_to_an_emotion_or_neutral():
    assert spoken_parts("Ha! Ha!", allowed=("happy",)).emotion == "happy"
    assert spoken_parts("Ha! Ha!", allowed=("sad",)).emotion == "neutral"
    assert all(fitted(each, ()) == each for each in EMOTIONS)


def test_most_hand_written_lines_sound_as_a_person_says():
    rows = [row.split(" | ", 1) for row in LABELLED.read_text(encoding="utf-8").splitlines()]
    labelled = [row for row in rows if len(row) == 2]
    found = [(wanted, spoken_parts(text).emotion) for wanted, text in labelled]
    assert len(labelled) == 60
    assert sum(wanted == got for wanted, got in found) >= 50
    assert all(got in (wanted, "neutral") for wanted, got in found)


def test_an_authored_tag_is_an_emotion_in_brackets_before_words():
    assert without_tag("[angry] Out!") == ("angry", "Out!")
    assert without_tag("[Angrily]Out!") == ("angry", "Out!")
    for text in ("[gold] Out!", "Out! [angry]", "[angry]", "Out!", "[very angry] Out!"):
        assert without_tag(text) == (None, text)
