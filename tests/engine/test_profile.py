"""A profile given to an engine is that of all its prompts, also of what is read ahead."""

import pytest

from npc_engine.model.scripted import ScriptedSession
from npc_engine.prompt.profile import PROFILES, PromptProfile
from tests.stage_engine import open_engine

CHOSEN = PromptProfile(person="third", order="sheet", reminder=True, bearing=True)


class Reading(ScriptedSession):
    """Keeps what it was asked to read ahead."""

    def __init__(self, replies):
        super().__init__(replies)
        self.warmed = []

    def warm(self, conversation, prompt_ids):
        self.warmed.append((conversation, tuple(prompt_ids)))
        super().warm(conversation, prompt_ids)


@pytest.mark.parametrize("profile", [CHOSEN, PromptProfile(contexts="system", bearing=True)])
def test_what_is_read_ahead_is_what_the_next_prompt_begins_with(tmp_path, profile):
    session = Reading(["Fifty.", "Hm."])
    with open_engine(tmp_path, session, profile=profile) as engine:
        engine.wait_ready(10)
        ann = engine.npc("ann")
        ann.ask("How old are you?")
        plan = ann.plan("What is under the mill?")
        stable = ann.talk.stable_ids(session.tokenizer)
        assert plan.prompt_ids[: len(stable)] == stable
        assert plan.tokens_of("bearing") > 0
        world = engine.cast.shared_ids(session.tokenizer, profile)
        assert plan.prompt_ids[: len(world)] == world
        assert any(ids == world for name, ids in session.warmed if name.startswith("world:"))


def test_a_line_is_answered_with_the_sentence_that_bears_on_it_above_it(tmp_path):
    with open_engine(tmp_path, profile=CHOSEN) as engine:
        engine.npc("ann").ask("How old are you?")
        plan = engine.npc("ann").talk.last_plan
    assert plan.messages[-1].text.splitlines()[-3] == "Ann is fifty and counts everything twice."
    assert "The character is Ann Reed" in plan.text
    assert plan.memories[0].offer.kind == "bearing"


def test_a_given_opening_is_not_part_of_the_reply_nor_of_the_history(tmp_path):
    session = ScriptedSession([" Fresher than you.", "Ann: Hm, so it is."])
    with open_engine(tmp_path, session, profile=PromptProfile(opening=True)) as engine:
        ann = engine.npc("ann")
        first = ann.ask("Is it fresh?")
        assert ann.talk.last_plan.text.endswith("assistant\nAnn:")
        second = ann.ask("Is it?")
        assert (first.text, second.text) == ("Fresher than you.", "Hm, so it is.")
        assert "assistant\nFresher than you.<|im_end|>" in ann.plan("So?").text


def test_without_a_profile_the_family_of_the_model_decides(tmp_path, monkeypatch):
    with open_engine(tmp_path) as engine:
        plain = engine.npc("ann").plan("How old are you?")
        assert "You are Ann Reed" in plain.text
        assert plain.tokens_of("bearing") == 0
        monkeypatch.setattr("npc_engine.prompt.profile.PROFILES", {**PROFILES, "chatml": CHOSEN})
        assert "The character is Ann Reed" in engine.npc("ann").plan("Hm.").text
