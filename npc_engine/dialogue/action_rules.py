"""What a talk may do besides speaking: which actions the game takes, and how calls are weighed."""

from dataclasses import dataclass
from typing import Literal, Protocol

from npc_engine.dialogue.handle import TurnHandle
from npc_engine.errors import CommandError
from npc_engine.messages import CallOutcome

Grounding = Literal["words", "model", "off"]
"""What must show that a call is wanted: the words of the talk; those and the model's own word,
where it can give probabilities; or nothing."""

MAX_CALLS = 3


@dataclass(frozen=True, slots=True)
class Settlement:
    """What the game made of a call."""

    outcome: CallOutcome
    result: str = ""
    """A JSON value; empty: nothing."""
    detail: str = ""


class ActionDesk(Protocol):
    """Where calls go to the game and come back from it. Safe from any thread."""

    @property
    def handled(self) -> frozenset[str]:
        """Names of the actions that the game takes."""
        ...

    def expect(self, call_id: str, chat_id: int, handle: TurnHandle) -> None:
        """A call will be proposed; what becomes of it is wanted.

        Args:
            call_id: Of the call.
            chat_id: The chat that it is stored in.
            handle: Of the turn; once it is ended nobody is given the call any more.
        """
        ...

    def wait(self, call_id: str, handle: TurnHandle, *, for_result: bool) -> Settlement | None:
        """Wait for what becomes of a call.

        Args:
            call_id: Of an expected call.
            handle: Of the turn; once it is ended nobody waits.
            for_result: Whether to wait for a handler that has taken the call and answers later.

        Returns:
            None when it is still open; it is stored by the desk once it is known.
        """
        ...


class NoDesk:
    """The desk of a game that takes no actions."""

    handled: frozenset[str] = frozenset()

    def expect(self, call_id: str, chat_id: int, handle: TurnHandle) -> None:
        """Nothing is ever proposed."""

    def wait(self, call_id: str, handle: TurnHandle, *, for_result: bool) -> Settlement | None:
        """Nothing ever comes of a call."""
        return Settlement("lapsed", detail="nobody takes actions")


@dataclass(frozen=True, slots=True)
class ActionRules:
    """How an engine handles the actions of its NPCs."""

    desk: ActionDesk = NoDesk()
    most_per_turn: int = 1
    """1 to `MAX_CALLS`."""
    grounding: Grounding = "words"

    def __post_init__(self) -> None:
        """Refuse what makes no sense; raises `CommandError`."""
        if not 1 <= self.most_per_turn <= MAX_CALLS:
            raise CommandError(
                f"actions per turn: found {self.most_per_turn}; expected 1 to {MAX_CALLS}"
            )
        if self.grounding not in ("words", "model", "off"):
            raise CommandError(
                f'grounding of actions: found "{self.grounding}"; expected words, model or off'
            )
