"""The exam's arms for single choices of the prompt."""

from dataclasses import fields

from benchmarks.character.arms import ARMS, placed
from npc_engine.prompt.profile import DEFAULT, PromptProfile

PROFILES = {name: arm.options["profile"] for name, arm in ARMS.items() if "profile" in arm.options}


def test_the_profile_of_an_arm_goes_to_the_engine():
    for name, profile in PROFILES.items():
        assert placed(ARMS[name].options).engine["profile"] == profile


def test_every_choice_of_a_profile_has_an_arm_that_changes_it_alone():
    changed = [
        {field.name for field in fields(PromptProfile)
         if getattr(profile, field.name) != getattr(DEFAULT, field.name)}
        for profile in PROFILES.values()
    ]  # fmt: skip
    assert {field.name for field in fields(PromptProfile)} <= {
        name for names in changed if len(names) == 1 for name in names
    }
