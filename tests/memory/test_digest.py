from hypothesis import given
from hypothesis import strategies as st

from npc_engine.memory.digest import SpokenLine, digest, spoken_lines
from npc_engine.memory.lines import heard_lines


def by_words(text: str) -> int:
    return len(text.split())


def by_pieces(text: str) -> int:
    """Like a real tokenizer in that the parts of a text do not add up to the whole."""
    return (len(text.encode("utf-8")) + 2) // 3


TALK = (
    SpokenLine("Tolan", "Good evening. I carry a letter from Queen Ilse to the ferry at Harrow."),
    SpokenLine("Mira", "Is that so? Well, well, well, it is late. The ferry sails at seven."),
    SpokenLine("Tolan", "Then I will pay you thirty silver for a sword by Friday."),
)


def test_the_most_telling_sentences_stand_in_the_order_they_were_said():
    assert digest(TALK, [], cap_tokens=30, count=by_words) == (
        "Tolan: I carry a letter from Queen Ilse to the ferry at Harrow.\n"
        "Tolan: Then I will pay you thirty silver for a sword by Friday."
    )


def test_what_does_not_fit_is_skipped_and_shorter_sentences_still_come_in():
    assert digest(TALK, [], cap_tokens=20, count=by_words) == (
        "Tolan: I carry a letter from Queen Ilse to the ferry at Harrow.\n"
        "Mira: The ferry sails at seven."
    )


def test_questions_and_very_short_sentences_are_never_taken():
    lines = (SpokenLine("Tolan", "Where does Queen Ilse live now? In Harrow town."),)
    assert digest(lines, [], cap_tokens=99, count=by_words) == "Spoke with the player."


def test_facts_come_first_and_their_own_sentences_are_not_repeated():
    lines = (SpokenLine("Tolan", "My good name is Tolan. I came over the north pass yesterday."),)
    facts = ["The traveller gave the good name Tolan."]
    assert digest(lines, facts, cap_tokens=40, count=by_words) == (
        "The traveller gave the good name Tolan.\nTolan: I came over the north pass yesterday."
    )


def test_the_date_opens_the_text_and_is_counted():
    lines = (SpokenLine("Mira", "The north bridge is broken."),)
    text = digest(lines, [], cap_tokens=9, count=by_words, date="day 3, evening")
    assert text == "Day 3, evening: Mira: The north bridge is broken."
    shorter = digest(lines, [], cap_tokens=8, count=by_words, player="Tolan", date="day 3, evening")
    assert shorter == "Spoke with Tolan, day 3, evening."


def test_words_common_in_the_chat_weigh_less():
    lines = (
        SpokenLine("Mira", "The chains hold fast."),
        SpokenLine("Mira", "The rivets hold fast."),
    )
    common = ["Chains here.", "Chains there.", "Always the chains."]
    assert digest(lines, [], cap_tokens=5, count=by_words) == "Mira: The chains hold fast."
    assert (
        digest(lines, [], cap_tokens=5, count=by_words, background=common)
        == "Mira: The rivets hold fast."
    )


def test_names_of_the_world_count_wherever_they_stand():
    lines = (
        SpokenLine("Mira", "Somebody should mend that fence."),
        SpokenLine("Mira", "oakhollow has been kind lately."),
    )
    assert digest(lines, [], cap_tokens=6, count=by_words, names=["Oakhollow"]) == (
        "Mira: oakhollow has been kind lately."
    )


def test_a_catchphrase_said_twice_stands_once():
    lines = (SpokenLine("Mira", "By iron and ash, always."),) * 3
    assert digest(lines, [], cap_tokens=99, count=by_words) == "Mira: By iron and ash, always."


def test_nothing_fits_a_cap_of_nothing():
    assert digest(TALK, ["A fact."], cap_tokens=0, count=by_words) == ""


def test_spoken_lines_carry_names_and_leave_authored_lines_out(store, say):
    chat = store.create_chat("", "mira")
    say(store, chat.id, "Mind the sparks.", "mira", authored=True)
    say(store, chat.id, "Any work?")
    say(store, chat.id, "Ask Aldric.", "mira")
    heard = heard_lines(store.path(chat.id), "mira")
    assert spoken_lines(heard, {"player": "Tolan"}) == (
        SpokenLine("Tolan", "Any work?"),
        SpokenLine("mira", "Ask Aldric."),
    )


PIECES = [
    "I walk the bridge at dawn. ",
    "Never trust a mage from Harrow! ",
    "What? ",
    "Thirty silver, not a copper less. ",
    "名前は王様です。",
    "\u202eright to left words here. ",
    "a b c d e f\n",
    "…",
]
SENTENCES = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
LINES = st.lists(
    st.builds(SpokenLine, st.sampled_from(["Mira", "Tolan", ""]), SENTENCES | st.text())
)
FACTS = st.lists(SENTENCES | st.text(max_size=40), max_size=4)


@given(LINES, FACTS, st.integers(0, 120), st.sampled_from(["", "day 3, evening"]))
def test_a_digest_never_exceeds_its_cap_and_is_always_the_same(lines, facts, cap, date):
    for count in (by_words, by_pieces):
        text = digest(lines, facts, cap_tokens=cap, count=count, date=date)
        assert count(text) <= cap or text == ""
        assert text == digest(lines, facts, cap_tokens=cap, count=count, date=date)


@given(LINES, st.integers(0, 120))
def test_a_digest_says_nothing_that_was_not_said(lines, cap):
    text = digest(lines, [], cap_tokens=cap, count=by_words, player="P")
    said = [" ".join(line.text.split()) for line in lines]
    for row in text.split("\n"):
        words_alone = row.partition(": ")[2] or row
        assert not row or row == "Spoke with P." or any(words_alone in line for line in said)
