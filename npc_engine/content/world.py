"""The world: where a story plays, what is true there, and what can change.

Every field is documented where it is declared. References are checked in `references`.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

from npc_engine.content.action_declarations import ActionDeclaration, Actions, Parameter
from npc_engine.content.calendar import MAX_DAY, Calendar
from npc_engine.content.declarations import StateDeclaration
from npc_engine.content.facts import Facts, RememberRules
from npc_engine.content.fields import (
    AS_WHOLE,
    MODEL,
    Extensions,
    Lines,
    Prose,
    StateName,
    Title,
    refuse,
)
from npc_engine.content.guard_settings import GuardSettings
from npc_engine.content.lore import Lore
from npc_engine.content.policy import Policy

__all__ = [
    "ActionDeclaration",
    "ClockStart",
    "Parameter",
    "PlayerBlock",
    "StateDeclaration",
    "World",
    "minute_of",
]

_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def minute_of(time: str) -> int:
    """Minutes since midnight of a time such as `18:30`.

    Raises:
        ValueError: Not a time of day.
    """
    match = _TIME.fullmatch(time)
    if not match:
        raise ValueError(time)
    return int(match[1]) * 60 + int(match[2])


def _check_time(time: str) -> str:
    try:
        minute_of(time)
    except ValueError as error:
        raise refuse("a time of day from 00:00 to 23:59", 'write time: "18:30"') from error
    return time


class ClockStart(BaseModel):
    """When the story begins."""

    model_config = MODEL

    day: Annotated[int, Field(ge=0, le=MAX_DAY), AS_WHOLE] = Field(default=1, examples=[41])
    """Days are counted; what day 1 was is the world's to say."""
    time: Annotated[str, AfterValidator(_check_time)] = Field(default="12:00", examples=["18:30"])
    """Hours and minutes, 00:00 to 23:59."""

    @property
    def minute(self) -> int:
        """Minutes since midnight."""
        return minute_of(self.time)


class PlayerBlock(BaseModel):
    """Who the player is in this world."""

    model_config = MODEL

    name: Title = Field(default="the player", examples=["the traveller"])
    """What characters call the player until they learn a name."""
    about: Prose = Field(default="", examples=["A sword arm for hire."])
    """What everyone can see or knows of the player."""


def _check_policy(policy: Policy) -> Policy:
    if policy.get("Sexual Minor", "never") != "never":
        expected = "never for Sexual Minor, which no world can change"
        raise refuse(expected, "remove it", found=policy["Sexual Minor"])
    return policy


class World(BaseModel):
    """One world, as its author wrote it. Only the name is required."""

    model_config = MODEL

    id: SkipJsonSchema[str] = ""
    """The name of the file, without `.yaml`; never written in the file."""
    name: Title = Field(examples=["Oakhollow"])
    """What the place is called."""
    setting: Prose = Field(default="", examples=["A river village under the northern hills."])
    """Where and when, in a sentence or two; every character is told it."""
    tone: Prose = Field(default="", examples=["grounded, dry"])
    """How stories here should feel."""
    rules: Lines = Field(default=(), examples=[["No firearms."]])
    """What is always true here; every character is told them."""
    clock: ClockStart = ClockStart()
    """Day and time at the start."""
    calendar: Calendar = Calendar()
    """What days are called here, so that `on Friday` becomes a day."""
    player: PlayerBlock = PlayerBlock()
    """Who the player is to the characters."""
    state: Annotated[Mapping[StateName, StateDeclaration], Field(max_length=500)] = Field(
        default={}, examples=[{"bridge": {"one_of": ["broken", "repaired"], "value": "broken"}}]
    )
    """Named values that the game sets and conditions read."""
    facts: Facts = ()
    """What can be known here, and by whom."""
    lore: Annotated[tuple[Lore, ...], Field(max_length=200)] = ()
    """Long texts beside this file; a line calls up the passages that bear on it."""
    contexts: Literal["system", "user"] = "user"
    """Where passages stand. `user`: above the player's line, and the model reads only them anew.
    `system`: as context blocks at the beginning; the model then reads most of the prompt again."""
    actions: Actions = {}
    """What characters can propose to do."""
    remember: RememberRules = ()
    """What somebody says that becomes a fact for whoever hears it."""
    guard: GuardSettings = GuardSettings()
    """What of the model's words may be heard here; a sheet may set it otherwise."""
    policy: Annotated[Policy, AfterValidator(_check_policy)] = Field(
        default={}, examples=[{"Profanity": "never"}]
    )
    """Content categories handled other than by default."""
    extensions: Extensions = {}
    """Anything other programs keep here; kept untouched and never put into a prompt."""
