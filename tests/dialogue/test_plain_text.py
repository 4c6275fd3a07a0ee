import pytest
from hypothesis import given
from hypothesis import strategies as st

from npc_engine.dialogue.plain_text import MAX_LINE_CHARS, plain, player_words
from npc_engine.errors import CommandError


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07hello", "hello"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b1mbold", "bold"),
        ("a\x00b\x08c\x7fd", "abcd"),
        ("one\r\ntwo\rthree\tfour", "one\ntwo\nthree four"),
        ("\u202eevil\u202c", "evil"),
        ("tag\U000e0041\U000e0042s", "tags"),
        ("zero\u200bwidth", "zerowidth"),
        ("👩‍🚀 עברית العربية", "👩‍🚀 עברית العربية"),
        ("日本語 naïve", "日本語 naïve"),
    ],
)
def test_what_controls_or_hides_goes_and_the_rest_stays(text, kept):
    assert plain(text) == kept


@given(st.text())
def test_plain_text_is_plain_already(text):
    once = plain(text)
    assert plain(once) == once
    assert not any(ord(c) < 32 and c != "\n" or 127 <= ord(c) < 160 for c in once)


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "\x00\x1b[2J", "\u200b"])
def test_a_line_that_says_nothing_is_refused(text):
    with pytest.raises(CommandError, match="empty"):
        player_words(text)


def test_an_absurd_line_is_refused_with_both_numbers():
    with pytest.raises(CommandError, match="1,000,001 characters; at most 1,000,000"):
        player_words("a" * (MAX_LINE_CHARS + 1))


def test_words_are_trimmed_and_composed():
    assert player_words("  cafe\u0301 \n\n\n now  ") == "café\n now"
