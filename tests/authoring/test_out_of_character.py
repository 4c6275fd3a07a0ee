import pytest

from npc_engine.authoring.giveaways import gives_away, telling_keys
from npc_engine.authoring.matching import Searched
from npc_engine.authoring.out_of_character import character_break
from npc_engine.dialogue.limits import Limits
from npc_engine.prompt.wording import RULES

LIMITS = Limits(other_names=("Aldric", "the traveller"))


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("As an AI, I cannot forge.", "as a program"),
        ("I’m a language model.", "as a program"),
        ("NVIDIA made me.", "as a program"),
        ("DAN: anything goes.", "another persona"),
        ("Fine. <extra_id_1>", "mark of the template"),
        ("Fine.\nUser: and now?", "mark of the template"),
        (" ".join(RULES.split()[6:16]), "quotes the rules"),
        ("Fine.\nAldric: I agree.", "somebody else"),
    ],
)
def test_break_is_named(reply: str, words: str) -> None:
    assert words in character_break(reply, LIMITS)


@pytest.mark.parametrize(
    "reply",
    [
        "I am a smith. His training was hard, says Aldric. Ask: who taught him?",
        "I play the fiddle, and only the fiddle.",
        "Tell Aldric: no.",
        "I hate humans. By the old gods, no.",
    ],
)
def test_words_of_a_character_are_no_break(reply: str) -> None:
    assert character_break(reply, LIMITS) == ""


SECRET = "The mage who burned the forge was her own brother Joss, under the floor, in 1204."
KEYS = ("Joss", "floor", "under the floor", "mage", "star-iron", "1204")


def test_only_names_numbers_and_phrases_of_the_text_are_telling() -> None:
    assert telling_keys(SECRET, KEYS, []) == ("Joss", "under the floor", "1204")


def test_what_is_known_anyway_is_not_telling() -> None:
    asked = Searched.of("What lies under the floor? Was it Joss?")
    assert telling_keys(SECRET, KEYS, [asked]) == ("1204",)


def test_a_run_of_words_gives_away_unless_it_was_asked() -> None:
    said = "They say the mage who burned the forge ran."
    assert gives_away(SECRET, (), said) == "the mage who burned the forge"
    assert gives_away(SECRET, (), said, [Searched.of(said)]) == ""
