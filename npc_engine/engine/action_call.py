"""An action that an NPC calls for, as the game holds it."""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from npc_engine.dialogue.action_rules import Settlement
from npc_engine.errors import CommandError
from npc_engine.messages import CallOutcome

MAX_RESULT_CHARS = 2_000
"""A longer result would push the talk out of the prompt."""

LATER = object()
"""What a handler returns that will say later how the action went."""


class ActionCall:
    """One call. The game does it once, and says how it went: `done`, `failed` or `refused`.

    The first of them counts. Safe from any thread.
    """

    def __init__(
        self,
        call_id: str,
        npc: str,
        name: str,
        arguments: Mapping[str, Any],
        on_settled: Callable[["ActionCall", Settlement], None],
    ) -> None:
        """Made by the engine."""
        self.id = call_id
        """Never stands for two actions."""
        self.npc = npc
        self.name = name
        self.arguments = dict(arguments)
        self._on_settled = on_settled
        self._lock = threading.Lock()
        self._settlement: Settlement | None = None

    @property
    def outcome(self) -> CallOutcome | None:
        """How it went; None while that is open."""
        return None if self._settlement is None else self._settlement.outcome

    @property
    def result(self) -> str:
        """What the game gave back, as a JSON value; empty: nothing, or not yet."""
        return "" if self._settlement is None else self._settlement.result

    @property
    def detail(self) -> str:
        """For people: why it was not done."""
        return "" if self._settlement is None else self._settlement.detail

    def done(self, result: object = None) -> bool:
        """The game has done it.

        Args:
            result: What came of it, for an action that `returns`: anything JSON can hold, at most
                2,000 characters of it.

        Returns:
            False when it was settled before; then nothing changes.

        Raises:
            CommandError: The result is none that JSON can hold, or too long.
        """
        return self.settle(Settlement("done", _as_json(self.name, result)))

    def failed(self, why: str = "") -> bool:
        """The game tried and could not; the NPC hears why where the action returns something."""
        return self.settle(Settlement("failed", detail=why))

    def refused(self, why: str = "") -> bool:
        """The game does not let it happen."""
        return self.settle(Settlement("refused", detail=why))

    def settle(self, settlement: Settlement) -> bool:
        """Say how it went; False when that was said before."""
        with self._lock:
            if self._settlement is not None:
                return False
            self._settlement = settlement
        self._on_settled(self, settlement)
        return True


def _as_json(name: str, result: object) -> str:
    if result is None:
        return ""
    try:
        text = json.dumps(result, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise CommandError(
            f"result of {name}: found {type(result).__name__}; expected what JSON can hold: {error}"
        ) from error
    if len(text) > MAX_RESULT_CHARS:
        raise CommandError(
            f"result of {name}: found {len(text):,} characters; expected at most "
            f"{MAX_RESULT_CHARS:,}; give what the character should know of it"
        )
    return text
