"""What the player told comes up right above the line when the player asks for it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npc_engine.dialogue.matching import read_line
from npc_engine.dialogue.sayings import sayings_of
from npc_engine.dialogue.told import MAX_TOLD, told_on
from npc_engine.memory.lines import HeardLine
from npc_engine.messages import Message
from npc_engine.model.scripted import ScriptedSession
from npc_engine.prompt.profile import PromptProfile
from tests.stage_engine import open_engine

HERE = Path(__file__).parent
BEARING = PromptProfile(bearing=True)
ANN = ("Ann Reed", "Ann")


def rows(name):
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [
        tuple(part.strip() for part in line.split("|"))
        for line in lines
        if line and not line.startswith("#")
    ]


def heard(number, text, *, by_player):
    who = "player" if by_player else "ann"
    return HeardLine(
        number, "player" if by_player else "npc", who, text, not by_player, False, False,
        ("ann",), "ann" if by_player else "player", 1, 600, None, "",
    )  # fmt: skip


def talk(*turns):
    lines = []
    for player, reply in turns:
        lines.append(heard(len(lines) + 1, player, by_player=True))
        lines.append(heard(len(lines) + 1, reply, by_player=False))
    return lines


def found_in(lines, question):
    sayings = sayings_of(lines, {line.entry_id for line in lines})
    return told_on(read_line(question, ANN), sayings, ANN, lambda saying: None)


def long_talk(number, told):
    filler = rows("told_filler.txt")
    distance = 5 + number % 16
    return talk(*filler[-number % 5 :][:3], (told, "So you say."), *filler[:distance])


def test_most_questions_in_other_words_bring_up_what_was_told():
    talks = rows("told_talks.txt")
    missed = []
    for number, (told, question, words) in enumerate(talks):
        found = found_in(long_talk(number, told), question)
        if not any(words in each.saying.text for each in found):
            missed.append((question, [each.saying.text for each in found]))
    assert len(talks) >= 30
    assert len(missed) <= 0.15 * len(talks), missed
