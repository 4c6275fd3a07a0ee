"""The desk as turns meet it: what they find there is recorded, and found again in a replay."""

from typing import Any

from npc_engine.dialogue.action_rules import Settlement
from npc_engine.dialogue.handle import TurnHandle
from npc_engine.engine.action_call import ActionCall
from npc_engine.engine.action_desk import Desk
from npc_engine.engine.journal import Journal


class MetDesk:
    """Implements `ActionDesk` over a desk. A replay needs no handlers."""

    def __init__(self, desk: Desk, journal: Journal) -> None:
        """Bind to the desk of an engine."""
        self._desk = desk
        self._journal = journal

    @property
    def handled(self) -> frozenset[str]:
        """Names of the actions that the game takes."""
        return frozenset(self._journal.meet("handled", lambda: sorted(self._desk.handled)))

    def expect(self, call_id: str, chat_id: int, handle: TurnHandle) -> None:
        """See `ActionDesk.expect`."""
        self._desk.expect(call_id, chat_id, handle)

    def wait(self, call_id: str, handle: TurnHandle, *, for_result: bool) -> Settlement | None:
        """See `ActionDesk.wait`."""

        def find() -> list[Any] | None:
            found = self._desk.wait(call_id, handle, for_result=for_result)
            return None if found is None else [found.outcome, found.result, found.detail]

        met = self._journal.meet("settled", find)
        return None if met is None else Settlement(*met)

    def is_with_game(self, call_id: str) -> bool:
        """Whether the game has taken a call and has not said how it went."""
        return self._journal.meet("with_game", lambda: self._desk.is_with_game(call_id))

    def can_retract(self, action: str) -> bool:
        """Whether the game has said how it takes an action back."""

        def find() -> bool:
            handling = self._desk.handling_of(action)
            return handling is not None and handling.retract is not None

        return self._journal.meet("can_retract", find)

    def retract(self, call: ActionCall) -> bool:
        """Have the game take an action back; False where it does not."""

        def find() -> bool:
            handling = self._desk.handling_of(call.name)
            return bool(handling and handling.retract and handling.retract(call))

        return self._journal.meet("retracted", find)
