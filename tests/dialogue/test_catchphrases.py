"""A catchphrase alone is no answer to what asks for something."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npc_engine.dialogue.catchphrases import CatchphraseWatch, catchphrases, wants_words
from npc_engine.dialogue.guard import OutputGuard
from npc_engine.dialogue.limits import Limits
from npc_engine.dialogue.spoken import words_of

SAYS = ("It is written.", "For the record.", "It is done.")


def guarded(reply, line, step=1):
    guard = OutputGuard(Limits(catchphrases=catchphrases(SAYS, line)))
    shown = "".join(guard.feed(reply[at : at + step]) for at in range(0, len(reply), step))
    return guard, shown, guard.finish(unfinished=False)


@pytest.mark.parametrize(
    "reply", ["It is written.", "It is written. For the record.", "it is done"]
)
@pytest.mark.parametrize("step", [1, 5, 100])
def test_a_catchphrase_alone_is_held_back_and_broken_off(reply, step):
    guard, shown, heard = guarded(reply, "How many plants have you got?", step)
    assert (shown, heard) == ("", "")
    assert guard.broken.kind == "catchphrase"


@pytest.mark.parametrize(
    "reply",
    [
        "It is written. Seven.",
        "It is written in the book.",
        "Seven. It is written.",
        "It is Tuesday.",
        "Written.",
    ],
)
def test_what_says_more_is_heard_whole(reply):
    guard, _, heard = guarded(reply, "How many plants have you got?")
    assert (heard, guard.broken) == (reply, None)


@pytest.mark.parametrize("line", ["Is it so?", "You lie.", "Good morning.", "Will it hold?"])
def test_where_yes_or_no_is_asked_a_catchphrase_will_do(line):
    assert guarded("It is written.", line)[2] == "It is written."
    assert not wants_words(line)


@given(st.lists(st.sampled_from(["it", "is", "written", "for", "the", "record", "seven"])))
def test_what_is_held_back_is_the_beginning_of_a_row_of_catchphrases(said):
    rows = [words_of(phrase) for phrase in SAYS]

    def begins(words):
        return not words or any(
            tuple(words) == row[: len(words)]
            or (tuple(words[: len(row)]) == row and begins(words[len(row) :]))
            for row in rows
        )

    watch = CatchphraseWatch(rows)
    for word in said:
        watch.word(word)
    assert watch.may_be_only("") == (bool(said) and begins(said))
