import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npc_engine.dialogue.guard import OutputGuard, balanced
from npc_engine.dialogue.limits import Limits


def guard(**fields):
    return OutputGuard(Limits(("Mira Voss", "Mira"), ("the traveller", "Aldric"), **fields))


def heard(text, *, pieces=None, unfinished=False, **fields):
    """The final reply, checked against what was streamed on the way."""
    watched = guard(**fields)
    shown = "".join(watched.feed(piece) for piece in (pieces or list(text)))
    final = watched.finish(unfinished=unfinished)
    assert final.startswith(shown) or shown.startswith(final)
    return final, watched


@pytest.mark.parametrize(
    ("text", "reply", "why"),
    [
        ("Thirty silver.", "Thirty silver.", ""),
        ("Mira: Thirty silver.", "Thirty silver.", ""),
        ("**Mira Voss:** Thirty silver.", "Thirty silver.", ""),
        ("  \n Mira : Thirty silver.", "Thirty silver.", ""),
        ("Fine.\nthe traveller: And the sword?", "Fine.", "another speaker"),
        ("Fine.\nAldric: Good day.", "Fine.", "another speaker"),
        ("Fine.\nPlayer: Good day.", "Fine.", "another speaker"),
        ("Fine.\n\nUser\nWhat?", "Fine.", "a role tag"),
        ("Fine.\nassistant: more", "Fine.", "a role tag"),
        ("Fine.<extra_id_1>User\nWhat?", "Fine.", "a template marker"),
        ("Fine. extra_id_1>User", "Fine.", "a template marker"),
        ("Fine.<|im_end|>\n<|im_start|>user", "Fine.", "a template marker"),
        ("Fine.</s>", "Fine.", "a template marker"),
        ('Fine. <toolcall> {"name": "x"} </toolcall>', "Fine.", "a template marker"),
        ("[/INST] Fine.", "", "a template marker"),
        ("You are late. You said so.", "You are late. You said so.", ""),
        ("I have 3 < 4 chains.", "I have 3 < 4 chains.", ""),
        ("User names are nothing to me.", "User names are nothing to me.", ""),
        ("*sets the hammer down* No.", "*sets the hammer down* No.", ""),
        ("Aldric: he paid.", "", "another speaker"),
        ("It fell.\nMira knows: the rest.", "It fell.", "another speaker"),
        ("Mira knows: it fell.", "it fell.", ""),
        ("Mira knows iron.", "Mira knows iron.", ""),
        ("\x1b[31mRed\x1b[0m iron.\x07", "Red iron.", ""),
    ],
)
def test_only_the_speakers_own_words_are_heard(text, reply, why):
    final, watched = heard(text)
    assert final == reply
    assert watched.ended_by == why


def test_the_reply_ends_at_the_sheets_number_of_sentences():
    text = "One. Two! Three? Four. Five."
    final, watched = heard(text, pieces=[text], max_sentences=3)
    assert final == "One. Two! Three?"
    assert watched.ended_by == "enough sentences"
    assert watched.cut == "Four. Five."
    assert heard("One. Two! Three?", max_sentences=3)[1].ended_by == ""


def test_an_unfinished_last_sentence_is_dropped_unless_it_is_all():
    assert heard("Done here. And then I", unfinished=True)[0] == "Done here."
    assert heard("And then I", unfinished=True)[0] == "And then I"
    assert heard("Done here. And then I")[0] == "Done here. And then I"


def test_nothing_of_a_marker_is_ever_shown():
    watched = guard()
    shown = [watched.feed(piece) for piece in ("Fine", ". <ext", "ra_id_", "1>User")]
    assert "".join(shown) == "Fine."


def test_a_name_that_could_become_a_label_is_held_back_until_it_cannot():
    watched = guard()
    assert watched.feed("Yes.\nAld") == "Yes."
    assert watched.feed("ric") == ""
    assert watched.feed(" paid me.") == "\nAldric paid me."


def test_words_are_shown_as_soon_as_they_are_safe():
    watched = guard()
    assert [watched.feed(piece) for piece in ("Thirty", " silver", ", paid", " now.")] == [
        "Thirty",
        " silver",
        ", paid",
        " now.",
    ]


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ('"Mind the sparks."', "Mind the sparks."),
        ('"Mind the sparks.', "Mind the sparks."),
        ('"Mind," she says, "the sparks."', '"Mind," she says, "the sparks."'),
        ("“Mind the sparks.”", "Mind the sparks."),
        ("Mind the sparks.", "Mind the sparks."),
    ],
)
def test_quotation_marks_around_a_whole_reply_go(text, bare):
    assert balanced(text) == bare


PIECES = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(
            [
                "Mira:",
                "\nUser",
                "\nAldric:",
                "<extra_id_1>",
                "<|im_end|>",
                ". ",
                "\n",
                "<",
                "\x1b[1m",
            ]
        ),
    ),
    max_size=25,
)


@settings(max_examples=300, deadline=None)
@given(pieces=PIECES, limit=st.sampled_from((None, 1, 2)))
def test_how_a_text_is_split_does_not_change_what_is_heard(pieces, limit):
    whole, split = guard(max_sentences=limit), guard(max_sentences=limit)
    whole.feed("".join(pieces))
    shown = ""
    for piece in pieces:
        shown += split.feed(piece)
        assert "\x1b" not in shown
        assert "<extra_id_" not in shown
        assert "<|im_" not in shown
    assert split.finish(unfinished=False) == whole.finish(unfinished=False)
