"""Going back in a talk behind actions that were done: only where the game takes them back."""

import json
from collections.abc import Callable, Sequence

from npc_engine.actions.offered import declared_actions
from npc_engine.dialogue.cast import Cast
from npc_engine.engine.action_call import ActionCall
from npc_engine.engine.met_desk import MetDesk
from npc_engine.errors import CommandError
from npc_engine.events import ActionEnded, Event
from npc_engine.memory.acts import Act, acts_in
from npc_engine.memory.entries import Entry


def take_back(
    leaving: Sequence[Entry], cast: Cast, desk: MetDesk, post: Callable[[Event], None]
) -> frozenset[str]:
    """Have the game take back what was done in entries that the path is about to leave.

    All of it must be declared `reversible`, and the game must have said how it is taken back; the
    newest goes first.

    Args:
        leaving: The entries.
        cast: Declares the actions.
        desk: Knows how the game takes them.
        post: Told about every action that was taken back.

    Returns:
        The ids of what was taken back.

    Raises:
        CommandError: One of them cannot be taken back, or the game is still at it; then nothing,
            or only newer ones, were.
    """
    acts = acts_in(leaving)
    for act in acts:
        if act.settled is None and desk.is_with_game(act.called.call_id):
            raise CommandError(
                f"{act.called.action} of {_who(act, cast)} is still under way; wait until the "
                "game has said how it went"
            )
    done = [act for act in acts if act.settled and act.settled.outcome == "done"]
    for act in done:
        _require_reversible(act, cast, desk)
    for act in reversed(done):
        _take_back(act, cast, desk)
        called = act.called
        post(ActionEnded(0, called.npc, called.call_id, called.action, "retracted"))
    return frozenset(act.called.call_id for act in done)


def _require_reversible(act: Act, cast: Cast, desk: MetDesk) -> None:
    called = act.called
    sheet = cast.sheets.get(called.npc)
    declared = declared_actions(sheet, cast.world).get(called.action) if sheet else None
    if declared is None or not declared.reversible or not desk.can_retract(called.action):
        raise CommandError(
            f"{_who(act, cast)} has done {called.action}, which cannot be taken back; go on from "
            "here, or restore a save from before it"
        )


def _take_back(act: Act, cast: Cast, desk: MetDesk) -> None:
    called = act.called
    call = ActionCall(
        called.call_id, called.npc, called.action, json.loads(called.arguments), lambda *_: None
    )
    if not desk.retract(call):
        raise CommandError(
            f"the game does not take back {called.action} of {_who(act, cast)}; nothing that was "
            "said is changed"
        )


def _who(act: Act, cast: Cast) -> str:
    return cast.names.get(act.called.npc, act.called.npc)
