"""A talk with one persona in one arm: what is filled in, what is asked, what it cost."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Spoken:
    """One answer, as the player heard it."""

    text: str
    written: tuple[str, ...]
    """What the model wrote for it, request by request."""
    prompt: str
    """Every text of the first prompt."""
    system: str
    prompt_tokens: int
    reused_tokens: int
    first_ms: float | None
    """From saying the line to the first text that was shown; None if there was none."""
    whole_ms: float
    """Until the line was over."""
    heard_tokens: int
    first_written_ms: float | None = None
    """From saying the line to the model's own first text, before any guard held it back."""
    was_cut_short: bool = False
    """Nobody waited for the end of what the model wrote first."""
    was_replaced: bool = False
    """Something of the model's was taken back, or an authored line stands in for it."""
    how: str = ""
    """For people: how the line ended."""
    error: str = ""
    """What broke, if the model did."""

    @property
    def tokens_per_s(self) -> float:
        """Tokens that were heard, over the whole wait for them."""
        return self.heard_tokens * 1000 / self.whole_ms if self.whole_ms > 0 else 0.0


class Talk(Protocol):
    """One talk with one persona."""

    def fill(self, player: str, reply: str) -> bool:
        """Let a written turn happen; no model is asked.

        Returns:
            Whether the reply was heard as it is written; it is remembered so in any case.
        """
        ...

    def ask(self, line: str, probe_id: str, *, keep: bool = False) -> Spoken:
        """Say a line; unless it is to be kept, the turn has not happened afterwards.

        Args:
            line: The player's words.
            probe_id: What it is for: equal ids and seeds draw alike.
            keep: Whether the talk goes on from here.
        """
        ...


class Stage(Protocol):
    """One arm, ready to talk; closing it ends its talks."""

    def talk(self, npc: str) -> Talk:
        """A new talk with a persona."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...
