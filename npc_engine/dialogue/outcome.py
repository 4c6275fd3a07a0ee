"""What is stored once an action has ended: the outcome, and what whoever is there sees of it."""

import json
from collections.abc import Sequence

from npc_engine.actions.offered import declared_actions
from npc_engine.content.action_declarations import TELLER
from npc_engine.content.state import WorldState, company_of
from npc_engine.dialogue.action_rules import Settlement
from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.plain_text import plain
from npc_engine.memory.entries import (
    ActionCalled,
    ActionSettled,
    Entry,
    Payload,
    WorldEventSeen,
)


def payloads_of(
    called: ActionCalled, settlement: Settlement, cast: Cast, state: WorldState
) -> tuple[Payload, ...]:
    """The outcome of a call, and an event if it was done and its author tells of it."""
    ended = ActionSettled(
        call_id=called.call_id,
        outcome=settlement.outcome,
        result=settlement.result,
        detail=settlement.detail,
    )
    seen = _told_of(called, cast) if settlement.outcome == "done" else ""
    if not seen:
        return (ended,)
    witnesses = (called.npc, *company_of(state, called.npc))
    place = state.places.get(called.npc, "")
    return ended, WorldEventSeen(text=seen, witnesses=witnesses, place=place)


def called_on(path: Sequence[Entry], call_id: str) -> ActionCalled | None:
    """The call of an id; None where the path does not hold it."""
    for entry in reversed(path):
        if isinstance(entry.payload, ActionCalled) and entry.payload.call_id == call_id:
            return entry.payload
    return None


def _told_of(called: ActionCalled, cast: Cast) -> str:
    """What whoever is there sees of an action; empty where its author says nothing."""
    declared = declared_actions(cast.sheets[called.npc], cast.world).get(called.action)
    if declared is None or not declared.tells:
        return ""
    values = {name: cast.names.get(str(v), v) for name, v in json.loads(called.arguments).items()}
    missing = dict.fromkeys(declared.parameters, "")
    name = cast.names.get(called.npc, called.npc)
    return plain(declared.tells.format(**{**missing, **values, TELLER: name})).strip()
