"""How a line is said to an NPC: the options that `say`, `ask`, `reply` and `stream` share."""

from collections.abc import Sequence
from typing import Literal, TypedDict, get_args

from npc_engine.engine.deadlines import require_seconds
from npc_engine.errors import CommandError
from npc_engine.messages import Priority

WhileSpeaking = Literal["interrupt", "queue", "refuse"]


class SayOptions(TypedDict, total=False):
    """All may be left out."""

    deadline_s: float | None
    """When the reply must be over, in seconds from now. What was said by then is cut at its last
    sentence; where there is none, an authored line or bark is said. A reply of which the full
    length would come too late is kept short. None, the default: as the engine says."""
    first_s: float | None
    """The same for its first text. None, the default: as the engine says."""
    while_speaking: WhileSpeaking
    """What becomes of a reply of this NPC that is under way. `interrupt`, the default: it is
    cancelled. `queue`: this line waits for its end, and takes the place of another that waits
    (which ends as `superseded`). `refuse`: this line ends at once as `busy`."""
    uninterruptible: bool
    """No later line interrupts the reply; they wait for its end. `Line.cancel` still ends it."""
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


class StartOptions(TypedDict):
    """Those of them that decide when the turn begins and how long it may take."""

    first_s: float | None
    while_speaking: WhileSpeaking
    uninterruptible: bool


def start_options(options: SayOptions) -> StartOptions:
    """The options that a turn is started with; raises `CommandError` for one that makes no sense.

    `deadline_s` and `priority` are checked too, though not returned.
    """
    require_seconds(options.get("deadline_s"), "deadline_s")
    while_speaking = options.get("while_speaking", "interrupt")
    if while_speaking not in get_args(WhileSpeaking):
        known = ", ".join(get_args(WhileSpeaking))
        raise CommandError(f"while_speaking: found {while_speaking!r}; expected one of: {known}")
    priority = options.get("priority", "player")
    if priority not in get_args(Priority):
        known = ", ".join(get_args(Priority))
        raise CommandError(f"priority: found {priority!r}; expected one of: {known}")
    return StartOptions(
        first_s=require_seconds(options.get("first_s"), "first_s"),
        while_speaking=while_speaking,
        uninterruptible=options.get("uninterruptible", False),
    )
