"""What an engine can be opened with: the options that `Engine.open` and `Engine` share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

from npc_engine.dialogue.action_rules import Grounding
from npc_engine.dialogue.content_policy import ContentPolicy
from npc_engine.engine.deadlines import Deadlines
from npc_engine.engine.open_lines import MAX_LINES
from npc_engine.messages import Priority
from npc_engine.prompt.profile import PromptProfile
from npc_engine.protocols import Clock


class EngineOptions(TypedDict, total=False):
    """All may be left out; the defaults are those of `EngineSettings`."""

    seed: int
    """With the same save, inputs, model and device, equal seeds give equal replies; with several
    candidates only where `choose_within_s` is long enough for all of them."""
    clock: Clock | None
    """Wall time; the computer's by default."""
    prewarm: bool
    """Whether the model reads ahead in spare time: the world once it is loaded, and after every
    turn what the next prompt begins with."""
    candidates: int | Mapping[Priority, int]
    """How many replies are written at once, 1 to 4, of which the best is heard; for all lines, or
    by their priority. A sheet's own number, or a line's, stands over it."""
    choose_within_s: float
    """With several candidates, how long after the first token the best one that has begun is heard,
    even if not all have a whole sentence yet; 0 or more."""
    profile: PromptProfile | None
    """How prompts are worded; None: as the model's family needs it."""
    deadlines: Mapping[Priority, Deadlines] | None
    """How long lines may take where `say` does not tell, by their priority; none by default.
    `GAME_DEADLINES` suits a game."""
    max_lines: int
    """How many lines may be open at once; one more ends as `queue_full`, unless it is the player's
    and can take the place of one that waits and is not."""
    actions_per_turn: int
    """How many actions one line may lead to, 1 to 3."""
    grounding: Grounding
    """What must show that an action is wanted before it is proposed: the `words` of the talk; those
    and what the `model` itself holds likelier, at the price of one more look at the prompt; or
    nothing (`off`)."""
    policy: ContentPolicy | None
    """Asked what may be said, see `Engine.set_policy`; None lets everything pass."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The same with its defaults."""

    seed: int = 0
    clock: Clock | None = None
    prewarm: bool = True
    candidates: int | Mapping[Priority, int] = 1
    choose_within_s: float = 1.0
    profile: PromptProfile | None = None
    deadlines: Mapping[Priority, Deadlines] | None = None
    max_lines: int = MAX_LINES
    actions_per_turn: int = 1
    grounding: Grounding = "words"
    policy: ContentPolicy | None = None
