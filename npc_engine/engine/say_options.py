"""How a line is said to an NPC: the options that `say`, `ask`, `reply` and `stream` share."""

from collections.abc import Sequence
from typing import TypedDict

from npc_engine.messages import Priority


class SayOptions(TypedDict, total=False):
    """All may be left out."""

    deadline_s: float | None
    """When the reply must be over, in seconds from now. What was said by then is cut at its last
    sentence; where there is none, an authored bark is said. None, the default, waits."""
    priority: Priority
    """Who waits for the reply: `player`, the default, is served before `ambient`, and that before
    `background`. Among equals the earliest deadline comes first."""
    speaker: str
    """Id of who says it: a player named by `Engine.name_player`, or another NPC into whose mouth
    the game puts the words. By default `player`."""
    whisper: bool
    """Only this NPC hears the line, and only the player its reply."""
    hearers: tuple[str, ...] | None
    """Ids of NPCs that hear line and reply as well. By default those at the same place as this
    one; see `world.arrive`."""
    contexts: Sequence[str]
    """Texts to answer from, such as a document the game has at hand; the first 1,000 tokens of
    them. They are given for this reply alone and remembered by nobody. The NPC may say anything
    that stands in them."""
    candidates: int
    """How many replies are written at once, 1 to 4, of which the best is heard. By default what the
    sheet says, or the engine."""
