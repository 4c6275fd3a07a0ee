"""What the reply to one line is held to, and how candidates for it are judged."""

from dataclasses import replace

from npc_engine.dialogue.appraisal import Appraiser
from npc_engine.dialogue.bearing import bearing_offers
from npc_engine.dialogue.limits import Limits, last_replies, limits_of
from npc_engine.dialogue.provoked import provoked_by
from npc_engine.dialogue.turn_plan import Point, provocation_of
from npc_engine.prompt.plan import Plan


def reply_limits(point: Point, plan: Plan, line: str) -> Limits:
    """What the reply may hold.

    Args:
        point: The chat before the line.
        plan: What the model is told.
        line: What the player says.
    """
    provocation = provocation_of(point.npc, point.cast, line)
    # Who speaks of the French Revolution because a line did is doing what the line wants.
    is_task = provocation is not None and "task" in provocation.kinds
    limits = limits_of(point.npc, point.cast, plan, line, point.path, trusts_line=not is_task)
    return replace(limits, provoked=provoked_by(provocation, line, plan))


def appraiser_for(point: Point, plan: Plan, line: str) -> Appraiser:
    """Judges candidates for the reply, with the arguments of `reply_limits`."""
    sheet = point.cast.sheets[point.npc]
    offers = bearing_offers(point.cast, sheet, point.memory.state(point.path), line)
    earlier = last_replies(point.npc, point.path)
    return Appraiser(sheet, plan, line, earlier, [offer.text for offer in offers])
