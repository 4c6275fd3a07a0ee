"""One turn's prompt, from what the NPC remembers at a point of a chat."""

from dataclasses import dataclass, replace

from npc_engine.dialogue.bearing import bearing_offers
from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.offering import (
    learned_offer,
    left_out_offer,
    passage_offers,
    recall_offer,
)
from npc_engine.dialogue.provocation import Provocation, provocation_for
from npc_engine.dialogue.talk_memory import Path, TalkMemory
from npc_engine.memory.view import View
from npc_engine.prompt.budget import Budget
from npc_engine.prompt.compiler import PromptRequest, compile_plan
from npc_engine.prompt.plan import Plan
from npc_engine.prompt.pool import recall_room_tokens
from npc_engine.prompt.profile import PromptProfile, profile_of
from npc_engine.protocols import Tokenizer


@dataclass(frozen=True, slots=True)
class Point:
    """Where in a chat a line is said, and to whom."""

    npc: str
    cast: Cast
    memory: TalkMemory
    path: Path


def plan_turn(
    point: Point,
    line: str,
    tokenizer: Tokenizer,
    budget: Budget,
    *,
    contexts: tuple[str, ...] = (),
    previous_ids: tuple[int, ...] = (),
    reminder: str = "",
    profile: PromptProfile | None = None,
) -> Plan:
    """The plan for a line.

    Args:
        point: The chat before the line.
        line: What the player says.
        tokenizer: Of the model.
        budget: Caps.
        contexts: Texts the game gives with the line.
        previous_ids: Of the plan before, to tell how much is shared with it.
        reminder: A line of the engine's own for a second try; a line that is meant for a program
            has one of its own, in every try.
        profile: How the prompt is worded; None: as the model's family needs it.
    """
    profile = profile or profile_of(tokenizer.family)
    view = point.memory.view(point.path, tokenizer, budget)
    request = replace(
        request_before_recall(point, line, view, budget, profile),
        given_contexts=contexts,
        previous_ids=previous_ids,
    )
    if reminder and not request.reminder:
        request = replace(request, reminder=reminder)
    room = recall_room_tokens(request, tokenizer)
    standing = {offer.id for offer in request.learned}
    found = point.memory.recall(point.path, line, view, standing, room, tokenizer)
    request = replace(
        request,
        recalled=tuple(map(recall_offer, found.items)),
        left_out=tuple(map(left_out_offer, found.left_out)),
    )
    return compile_plan(request, tokenizer)


def request_before_recall(
    point: Point, line: str, view: View, budget: Budget, profile: PromptProfile
) -> PromptRequest:
    """What the prompt of a line is made of, but for what the line brings back to mind."""
    cast, sheet = point.cast, point.cast.sheets[point.npc]
    state = point.memory.state(point.path)
    provocation = provocation_of(point.npc, cast, line)
    return PromptRequest(
        sheet=sheet,
        world=cast.world,
        state=state,
        line=line,
        names=cast.names,
        shared_facts=cast.shared_facts(point.npc),
        summary=view.summary,
        learned=tuple(map(learned_offer, point.memory.pinned(point.path, view))),
        passages=passage_offers(cast, sheet, state, line, view.turns),
        bearing=bearing_offers(cast, sheet, state, line) if profile.bearing else (),
        turns=view.turns,
        reminder=provocation.reminder(sheet.nickname) if provocation else "",
        reminder_why=f"meant for a program: {provocation.kind}" if provocation else "second try",
        budget=budget,
        profile=profile,
    )


def provocation_of(npc: str, cast: Cast, line: str) -> Provocation | None:
    """What a line asks of a program behind a member of the cast, if it is no machine itself."""
    settings = cast.sheets[npc].guard.over(cast.world.guard)
    return provocation_for(line, may_be_machine=settings.ai_terms == "allow")
