"""How the window is shared: a cap for every part of the prompt, in tokens."""

from dataclasses import dataclass, replace

from npc_engine.content.character import MemoryCaps
from npc_engine.errors import BudgetError

WINDOW_TOKENS = 4096
"""The window every prompt is planned for, also on models that could take more."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Caps in tokens; the defaults add up to exactly 4,096.

    The recent turns swing between two marks: at the high-water mark the oldest turns are folded
    until the low-water mark is reached.
    """

    window_tokens: int = WINDOW_TOKENS
    head_tokens: int = 900
    """Rules, sheet and the template around them."""
    canon_tokens: int = 250
    """The world's setting, what everyone knows, and what this NPC knows."""
    summary_tokens: int = 220
    learned_tokens: int = 130
    """Facts learned in play that stay pinned between folds."""
    high_water_tokens: int = 1500
    low_water_tokens: int = 750
    recall_tokens: int = 440
    """Recalled memories, lore and passages together."""
    sure_recall_tokens: int = 240
    """Of these, what recalled memories can always have; lore and passages can have the rest. Each
    may use what the other leaves."""
    bearing_tokens: int = 60
    """Of these, what sentences that bear on the line may take, and what the player told of it."""
    told_and_bearing_tokens: int = 80
    """Where there are both, what they may take together."""
    given_tokens: int = 1000
    """Texts the game gives with a line. They have no room of their own: the oldest turns make
    it."""
    actions_tokens: int = 1000
    """Schemas of actions. They have no room of their own: the recent turns make it."""
    results_tokens: int = 400
    """What came back from the actions of the turn that is being answered."""
    state_tokens: int = 120
    """The live state and the sheet's last note."""
    line_tokens: int = 200
    reply_tokens: int = 256
    margin_tokens: int = 80
    """Stop tags, and tokens that split differently at joins."""

    @property
    def largest_turn_tokens(self) -> int:
        """A player's line and a reply at their caps, with the tags around them."""
        return self.line_tokens + self.reply_tokens + 14

    def with_caps(self, caps: MemoryCaps) -> "Budget":
        """The same with a sheet's own limits in place, as far as they leave the window whole.

        A sheet can only ask for less than the engine's caps, never for more.
        """
        high_water = min(self.high_water_tokens, caps.high_water_tokens or self.high_water_tokens)
        high_water = max(high_water, 2 * self.largest_turn_tokens)
        low_water = caps.low_water_tokens or self.low_water_tokens
        return replace(
            self,
            high_water_tokens=high_water,
            low_water_tokens=min(low_water, high_water - self.largest_turn_tokens),
            summary_tokens=min(self.summary_tokens, caps.summary_tokens or self.summary_tokens),
            learned_tokens=min(self.learned_tokens, caps.facts_tokens or self.learned_tokens),
        )

    def leaving(self, tokens: int) -> "Budget":
        """The same with less room for the recent turns, so that `tokens` more fit elsewhere.

        The high-water mark stays at twice the largest turn or more, so that a fold makes room.
        """
        high_water = max(self.high_water_tokens - tokens, 2 * self.largest_turn_tokens)
        return replace(
            self,
            high_water_tokens=min(high_water, self.high_water_tokens),
            low_water_tokens=min(self.low_water_tokens, high_water // 2),
        )

    @classmethod
    def for_window(cls, window_tokens: int) -> "Budget":
        """The caps for a model's window.

        A wider window changes nothing. A narrower one takes from the high-water mark, which must
        stay at twice the largest turn so that a fold always makes room.

        Raises:
            BudgetError: The window is too narrow for that (below 3,536 tokens).
        """
        full = cls()
        missing = max(0, full.window_tokens - window_tokens)
        high_water = full.high_water_tokens - missing
        if high_water < 2 * full.largest_turn_tokens:
            least = full.window_tokens - full.high_water_tokens + 2 * full.largest_turn_tokens
            raise BudgetError(
                "the model's window",
                "turns",
                least,
                window_tokens,
                advice=f"use a model with a window of {least:,} tokens or more",
            )
        return replace(
            full,
            window_tokens=full.window_tokens - missing,
            high_water_tokens=high_water,
            low_water_tokens=high_water // 2,
        )
