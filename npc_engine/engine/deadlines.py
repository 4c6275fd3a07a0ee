"""Until when a line is waited for: first word and end, by who waits."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from npc_engine.errors import CommandError
from npc_engine.messages import Priority


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a line may take, in seconds from `say`; None is no limit."""

    first_s: float | None = None
    """Until its first word."""
    total_s: float | None = None
    """Until its end."""


NO_DEADLINES = Deadlines()

GAME_DEADLINES: Mapping[Priority, Deadlines] = {"player": Deadlines(1.5, 8.0)}
"""What a game with a player who waits may begin with: a bark at 1.5 s says that somebody is there,
and few talk on after 8 s of silence."""


def require_seconds(value: float | None, name: str) -> float | None:
    """The value; raises `CommandError` for one that is no time to wait."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is None or (is_number and value >= 0 and not math.isnan(value)):
        return value
    raise CommandError(f"{name}: found {value!r}; expected seconds, 0 or more, or None")
