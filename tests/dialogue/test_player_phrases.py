"""Which words of a player an author's phrase is found in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npc_engine.dialogue.player_phrases import LEAST_SHARE, has_words, matches, same_phrase
from npc_engine.memory.words import content_stems

WORDS = """
how much is the for a an any what where when who do you i have can sword price gold bridge river
river's Zoë work cross crossing crosses pay paid ferry don't it's naïve 40 forty
"""
PHRASES = st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=6).map(" ".join)


def found(phrase, said):
    hits = matches([[phrase]], said)
    return hits[0][1] if hits else None


@pytest.mark.parametrize(
    ("phrase", "said", "by"),
    [
        ("how much for a sword", "So, how much for a sword?", "words"),
        ("how much for a sword", "HOW MUCH FOR A SWORD", "words"),
        ("how much for a sword", "How much is the sword?", "stems"),
        ("what is the toll", "What's the toll for a cart, friend?", "words"),
        ("what is the toll", "whats the toll", "words"),
        ("i will walk", "Then I'll walk.", "words"),
        ("sword price", "What's the price of this sword?", "stems"),
        ("sword price", "Tell me the price of a sword.", "stems"),
        ("when does the road open", "I am cold. When is the road going to open?", "stems"),
        ("is it safe to cross", "Is crossing safe?", "stems"),
        ("show me the book", "Could you show me that book of yours?", "stems"),
        ("where is Zoë", "where is zoe?", "words"),
        ("who are you", "Who are you?", "words"),
        ("what is the toll", "How are you? What is the toll?", "words"),
        ("have a blanket", "What do I pay to have a blanket?", "words"),
        ("剑多少钱", "请问这把剑多少钱？", "words"),
    ],
)
def test_what_asks_the_same_is_found(phrase, said, by):
    match = found(phrase, said)
    assert match is not None
    assert match.by == by
    assert match.score == 1 if by == "words" else LEAST_SHARE <= match.score <= 1


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("how much for a sword", "How do you make a sword?"),
        ("how much for a sword", "I lost my sword on the road."),
        ("how much for a sword", "A sword!"),
        ("how can i help", "Can you help me?"),
        ("what do you need", "I need a horse."),
        ("i will walk", "I won't walk."),
        ("i will walk", "My dog can walk on two legs."),
        ("any work", "This is hard work."),
        ("was it the flood", "The flood took my house."),
        ("is it safe to cross", "I'll cross when it's safe."),
        ("did the flood break the bridge", "The bridge broke in the flood."),
        ("when does the road open", "Why is the road open?"),
        ("sword price", "The price of my old shield and sword was too high."),
        ("show me the book", "I saw a book in the hall."),
        ("what is the toll", "What is the toll, and how high is the water?"),
        ("have a blanket", "Where did you have a blanket last?"),
        ("who are you", "Who are you talking of when you speak of the duke?"),
        ("???", "???"),
    ],
)
def test_what_asks_something_else_is_not_found(phrase, said):
    assert found(phrase, said) is None


def test_own_words_come_before_the_same_meaning_and_the_longer_phrase_first():
    groups = [["price of a sword"], ["how much for a sword"], ["a sword"]]
    hits = matches(groups, "How much for a sword?")
    assert [index for index, _ in hits] == [1, 2]
    hits = matches([["sword price"], ["a sword"]], "The price of a sword?")
    assert [(index, match.by) for index, match in hits] == [(1, "words"), (0, "stems")]


def test_of_equal_phrases_the_first_line_of_the_sheet_is_found_first():
    hits = matches([["any work"], ["any work"]], "Any work?")
    assert [index for index, _ in hits] == [0, 1]


def test_a_very_long_line_is_read_at_its_beginning_only():
    words = "stone " * 400
    assert found("sword price", f"Sword price? {words}") is not None
    assert found("sword price", f"{words} Sword price?") is None


def test_phrases_are_the_same_in_any_case_and_punctuation():
    assert same_phrase("What's the toll?") == same_phrase("what is THE toll")
    assert same_phrase("sword price") != same_phrase("price sword")
    assert not has_words("?!")
    assert has_words("who are you")


@given(
    phrase=PHRASES,
    change=st.sampled_from([str, str.upper, str.lower, str.title]),
    before=st.sampled_from(["", "… ", "Well, ", '"']),
    between=st.sampled_from([" ", ", ", "  ", " - "]),
    after=st.sampled_from(["", "?", "?!", ".", '"', " …"]),
)
def test_a_phrase_is_found_in_its_own_words(phrase, change, before, between, after):
    said = f"{before if content_stems(phrase) else ''}{change(between.join(phrase.split()))}{after}"
    match = found(phrase, said)
    assert match is not None
    assert (match.by, match.score) == ("words", 1.0)


@given(groups=st.lists(st.lists(PHRASES, min_size=1, max_size=3), max_size=4), said=PHRASES)
def test_what_is_found_shares_a_word_that_carries_meaning(groups, said):
    for index, match in matches(groups, said):
        assert match.phrase in groups[index]
        stems = set(content_stems(match.phrase))
        if stems:
            assert stems & set(content_stems(said))
        else:
            assert same_phrase(match.phrase) == same_phrase(said)


@given(said=st.text(max_size=200), phrases=st.lists(st.text(max_size=60), max_size=4))
def test_no_text_breaks_the_reading(said, phrases):
    for _, match in matches([phrases], said):
        assert LEAST_SHARE <= match.score <= 1
