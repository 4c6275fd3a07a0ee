"""One turn's prompt, from what the NPC remembers at a point of a chat."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from npc_engine.actions.offered import OfferedAction
from npc_engine.dialogue.bearing import bearing_offers
from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.matching import read_line
from npc_engine.dialogue.offering import (
    learned_offer,
    left_out_offer,
    passage_offers,
    recall_offer,
)
from npc_engine.dialogue.provocation import Provocation, provocation_for
from npc_engine.dialogue.sayings import sayings_of
from npc_engine.dialogue.talk_memory import Path, TalkMemory
from npc_engine.dialogue.telling import (
    best_remembered,
    told_offer,
    without_moved,
)
from npc_engine.dialogue.told import Told, asks_of_player, may_ask_of_told, told_on
from npc_engine.memory.recall_packing import RecalledItem
from npc_engine.memory.view import View
from npc_engine.messages import Message
from npc_engine.prompt.budget import Budget
from npc_engine.prompt.compiler import PromptRequest, compile_plan
from npc_engine.prompt.offers import Offer
from npc_engine.prompt.plan import Plan
from npc_engine.prompt.pool import recall_room_tokens
from npc_engine.prompt.profile import PromptProfile, profile_of
from npc_engine.protocols import Tokenizer

_MOVED_TOKENS = 40
"""What two sayings take more where they are quoted than they took in recall."""


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
    actions: tuple[OfferedAction, ...] = (),
    so_far: tuple[Message, ...] = (),
    shown: str = "",
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
        actions: What the NPC could do in this scene.
        so_far: What it said and did in answer already.
        shown: How the line stands in the prompt; empty: as it is.
    """
    profile = profile or profile_of(tokenizer.family)
    view = point.memory.view(point.path, tokenizer, budget)
    request = replace(
        request_before_recall(point, line, view, budget, profile),
        given_contexts=contexts,
        previous_ids=previous_ids,
        actions=actions,
        so_far=so_far,
        line_shown=shown,
    )
    if reminder and not request.reminder:
        request = replace(request, reminder=reminder)
    room = recall_room_tokens(request, tokenizer)
    may_move = profile.bearing and asks_of_player(read_line(line, _own_names(point)))
    if may_move:
        room = max(0, room - _MOVED_TOKENS)
    standing = {offer.id for offer in request.learned}
    found = point.memory.recall(point.path, line, view, standing, room, tokenizer)
    items = found.items
    if may_move and items:
        items, told = _moved(point, line, view, items, tokenizer, budget)
        about = tuple(offer for offer in request.bearing if not offer.evidence)
        request = replace(request, bearing=_with_told(told, about))
    request = replace(
        request,
        recalled=tuple(map(recall_offer, items)),
        left_out=tuple(map(left_out_offer, found.left_out)),
    )
    return compile_plan(request, tokenizer)


def request_before_recall(
    point: Point, line: str, view: View, budget: Budget, profile: PromptProfile
) -> PromptRequest:
    """What the prompt of a line is made of, but for what the line brings back to mind."""
    cast, sheet = point.cast, point.cast.sheets[point.npc]
    state = point.memory.state(point.path)
    bearing: tuple[Offer, ...] = ()
    if profile.bearing:
        bearing = bearing_offers(cast, sheet, state, line)
        if not bearing or asks_of_player(read_line(line, _own_names(point))):
            told = _told(point, line, view, view.standing)
            bearing = _with_told(tuple(_offer(point, each) for each in told), bearing)
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
        bearing=bearing,
        turns=view.turns,
        reminder=provocation.reminder(sheet.nickname) if provocation else "",
        reminder_why=f"meant for a program: {provocation.kind}" if provocation else "second try",
        budget=budget,
        profile=profile,
    )


def _own_names(point: Point) -> tuple[str, str]:
    sheet = point.cast.sheets[point.npc]
    return sheet.name, sheet.nickname


def _told(point: Point, line: str, view: View, among: Collection[int]) -> tuple[Told, ...]:
    """What the player said in these lines that answers a line."""
    own_names = _own_names(point)
    read = read_line(line, own_names)
    if not may_ask_of_told(read):
        return ()
    memory, path = point.memory, point.path
    sayings = sayings_of(view.lines, memory.still_counting(path, among))
    return told_on(
        read, sayings, own_names, lambda each: memory.changed_since(path, each.line, each.text)
    )


def _with_told(told: tuple[Offer, ...], about: tuple[Offer, ...]) -> tuple[Offer, ...]:
    """What the player told, and of the sheet and the world only what answers as well or better."""
    best = max((offer.score for offer in told), default=0.0)
    return (*told, *(offer for offer in about if offer.score >= best))


def _offer(point: Point, told: Told) -> Offer:
    today = point.memory.state(point.path).day
    return told_offer(told, point.npc, point.cast.names, today, point.memory.with_days)


def _moved(
    point: Point,
    line: str,
    view: View,
    items: tuple[RecalledItem, ...],
    tokenizer: Tokenizer,
    budget: Budget,
) -> tuple[tuple[RecalledItem, ...], tuple[Offer, ...]]:
    """Recall without what is quoted above the line instead, and all that is quoted there.

    What cannot be taken out of recall, or has no room above the line, stays where it is.
    """
    standing = view.standing
    recalled = (entry_id for item in items for entry_id in item.entry_ids)
    room = budget.bearing_tokens
    offers: list[Offer] = []
    for told in _told(point, line, view, standing.union(recalled)):
        offer = _offer(point, told)
        tokens = tokenizer.count(offer.text) + 1
        if told.saying.line.entry_id not in standing:
            left = without_moved(items, told, point.cast.names, point.memory.with_days)
            if left is None or tokens > room:
                continue
            items = left
        offers.append(offer)
        room -= tokens if tokens <= room else 0
    if not offers:
        nickname = point.cast.sheets[point.npc].nickname
        found = best_remembered(read_line(line, _own_names(point)), items, nickname)
        if found is not None and tokenizer.count(found[1].text) < room:
            return (*items[: found[0]], *items[found[0] + 1 :]), (found[1],)
    return items, tuple(offers)


def provocation_of(npc: str, cast: Cast, line: str) -> Provocation | None:
    """What a line asks of a program behind a member of the cast, if it is no machine itself."""
    settings = cast.sheets[npc].guard.over(cast.world.guard)
    return provocation_for(line, may_be_machine=settings.ai_terms == "allow")
