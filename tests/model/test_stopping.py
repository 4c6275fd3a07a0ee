from hypothesis import given
from hypothesis import strategies as st

from npc_engine.model.stopping import StopText

LETTERS = st.text("ab\n", max_size=8)


@given(pieces=st.lists(LETTERS, max_size=8), stops=st.lists(LETTERS, max_size=3))
def test_the_cut_is_where_the_earliest_stop_text_stands_in_the_whole(pieces, stops):
    watch = StopText(stops)
    shown = "".join(watch.feed(piece) for piece in pieces) + watch.held
    whole, wanted = "".join(pieces), [stop for stop in stops if stop]
    cut = len(shown)
    assert whole.startswith(shown)
    assert not any(stop in shown for stop in wanted)
    if watch.matched:
        assert whole[cut:].startswith(watch.matched)
    else:
        assert shown == whole


def test_no_more_is_held_back_than_could_become_a_stop_text():
    watch = StopText(("\nUser",))
    assert [watch.feed(text) for text in ("Hi.", "\n", "Use", " it", "\nUs")] == [
        "Hi.",
        "",
        "",
        "\nUse it",
        "",
    ]
    assert watch.held == "\nUs"


def test_nothing_is_given_after_a_match():
    watch = StopText(("</end>",))
    assert watch.feed("one</end>two") == "one"
    assert (watch.feed("three"), watch.held, watch.matched) == ("", "", "</end>")
