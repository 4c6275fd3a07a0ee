"""No reply has more words than the sheet lets it have, and none ends inside a later sentence."""

from hypothesis import given
from hypothesis import strategies as st

from npc_engine.dialogue.guard import OutputGuard
from npc_engine.dialogue.limits import Limits
from npc_engine.dialogue.spoken import words_of

PIECES = st.lists(
    st.sampled_from(
        ["One", " two", " three", ". ", "! ", "?", "\n", "*nods* ", "Ann: ", " Mr. R", '"']
    ),
    max_size=30,
)


def heard(pieces, max_words, *, unfinished=False):
    guard = OutputGuard(Limits(("Ann",), max_words=max_words))
    shown = ""
    for piece in pieces:
        shown += guard.feed(piece)
    return guard.finish(unfinished=unfinished), shown, guard


def test_a_reply_ends_at_the_last_sentence_that_fits():
    text = "One two three. Four five six. Seven eight."
    assert heard([text], 6)[0] == "One two three. Four five six."
    assert heard(text, 5)[0] == "One two three."
    final, shown, guard = heard(text, 7)
    assert final == shown == "One two three. Four five six."
    assert (guard.ended_by, guard.broken) == ("enough sentences", None)
    assert heard(text, 8)[0] == text


def test_a_first_sentence_that_is_too_long_ends_at_a_word():
    assert heard("One two three four five, six.", 3)[0] == "One two three"


@given(PIECES, st.integers(3, 8), st.booleans())
def test_never_more_words_however_the_text_comes(pieces, most, unfinished):
    final, shown, _ = heard(pieces, most, unfinished=unfinished)
    whole = heard(["".join(pieces)], most, unfinished=unfinished)[0]
    assert final == whole
    assert len(words_of(shown)) <= most
    assert len(words_of(final)) <= most


@given(PIECES, st.integers(3, 8))
def test_what_is_shown_is_not_taken_back(pieces, most):
    final, shown, _ = heard(pieces, most)
    assert shown.strip().strip('"').strip() in final or final in shown
