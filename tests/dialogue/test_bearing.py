"""What bears on a line: the right sentence for a question, none for small talk, never a secret."""

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npc_engine.content.library import Library
from npc_engine.content.state import initial_state
from npc_engine.dialogue.bearing import MAX_SENTENCES, bearing_offers, bearing_on
from npc_engine.dialogue.cast import Cast
from npc_engine.prompt.statements import Statement, statements
from tests.stage import CHARACTERS, WORLDS, sheet, world

HERE = Path(__file__).parent
LIBRARY = Library.open(CHARACTERS, WORLDS)


def rows(name):
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@cache
def cast_of(world_id):
    here = LIBRARY.world(world_id)
    return Cast(here, {each.id: each for each in LIBRARY.cast(here)})


def called_up(npc, line):
    asked = LIBRARY.sheet(npc)
    cast = cast_of(asked.world)
    return bearing_offers(cast, asked, cast.start(), line)


def test_nine_in_ten_questions_bring_up_the_sentence_that_answers_them():
    questions = [
        tuple(part.strip() for part in row.split("|")) for row in rows("asked_of_the_cast.txt")
    ]
    missed = [
        (npc, question, [offer.text for offer in called_up(npc, question)])
        for npc, question, words in questions
        if not any(words in offer.text for offer in called_up(npc, question))
    ]
    assert len(questions) >= 40
    assert len(missed) <= len(questions) // 10, missed


def test_small_talk_brings_up_next_to_nothing():
    lines = rows("small_talk.txt")
    assert len(lines) >= 20
    for npc in ("mira", "bett", "colin", "marta", "nell"):
        found = {line: called_up(npc, line) for line in lines}
        assert sum(map(bool, found.values())) <= 1, {k: v for k, v in found.items() if v}


@pytest.mark.parametrize("npc", LIBRARY.sheet_ids())
def test_a_secret_is_never_brought_up_while_it_is_one(npc):
    asked = LIBRARY.sheet(npc)
    for other in LIBRARY.cast(LIBRARY.world(asked.world)):
        for secret in other.secrets:
            for line in (secret.text, f"Is it true? {secret.text}", *secret.keys):
                texts = [offer.text for offer in called_up(npc, line)]
                assert secret.text not in texts


def about(*texts):
    return tuple(Statement(f"persona[{n}]", "persona", text) for n, text in enumerate(texts))


SAID = about(
    "Ann is fifty and counts sacks.", "Ann keeps a blind dog called Pip.", "Ann fears fire."
)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_any_line_gives_few_statements_of_those_there_are_and_the_same_again(line):
    found = bearing_on(line, SAID, ("Ann Reed", "Ann"))
    assert len(found) <= MAX_SENTENCES
    assert {each.statement for each in found} <= set(SAID)
    assert found == bearing_on(line, SAID, ("Ann Reed", "Ann"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("How old are you?", "fifty"),
        ("What is your dog called?", "Pip"),
        ("What are you afraid of?", "fears fire"),
        ("I like this place. Tell me of your dog.", "Pip"),
    ],
)
def test_the_form_of_a_question_and_its_words_choose_the_sentence(line, words):
    found = bearing_on(line, SAID, ("Ann Reed", "Ann"))
    assert found and words in found[0].statement.text


@pytest.mark.parametrize("line", ["", "?", "Ann?", "Who?", "And you?", "你好", "Tell me more."])
def test_a_line_without_words_of_its_own_finds_nothing(line):
    assert bearing_on(line, SAID, ("Ann Reed", "Ann")) == ()


def test_sentences_stand_on_their_own():
    ann = sheet(
        pronouns="she/her",
        persona="Ann is fifty. She counts everything. Her hat is red.",
        background="Her sister Joan is a nun. She sings. The mill burned. It was rebuilt.",
        boundaries=("Never lends sacks.",),
        relationships={"bo": {"trust": 3, "note": "He ferries her flour."}},
        goals=("Keep the mill.",),
    )
    told = statements(ann, world(), {"bo": "Bo"}, (), {})
    assert [each.text for each in told if each.field in ("persona", "background")] == [
        "Ann is fifty.",
        "Ann counts everything.",
        "Ann's hat is red.",
        "Ann's sister Joan is a nun.",
        "Her sister Joan is a nun. She sings.",
        "The mill burned.",
        "The mill burned. It was rebuilt.",
    ]
    texts = {each.id: each.text for each in told}
    assert texts["boundaries[0]"] == "Ann never lends sacks."
    assert texts["relationships.bo"] == "Ann trusts Bo. He ferries her flour."
    assert texts["goals[0]"] == "Ann wants: Keep the mill."
    assert texts["summary[0]"] == "Ann Reed: The miller of Ford."
    assert not any("forty crowns" in text for text in texts.values())


def test_what_the_player_asks_about_the_player_brings_up_nothing_of_the_character():
    for line in (
        "What is my dog called?",
        "Do you remember what my dog is called?",
        "Do I fear fire?",
    ):
        assert bearing_on(line, SAID, ("Ann Reed", "Ann")) == ()
    assert bearing_on("Do you like my dog or your own dog?", SAID, ("Ann Reed", "Ann")) != ()
    here = (Statement("fact loft", "fact", "Strangers sleep in the wool loft."),)
    assert bearing_on("Where can I sleep?", here, ("Ann Reed", "Ann")) != ()


def test_a_revealed_secret_may_be_brought_up():
    cast = Cast(world(), {"ann": sheet(relationships={"player": {"trust": 5}})})
    state = initial_state(cast.world, cast.sheets.values())
    found = bearing_offers(cast, cast.sheets["ann"], state, "How much do you owe the ferryman?")
    assert found[0].text == "Ann owes the ferryman forty crowns."
