"""Where the player's attention is: who can be talked to, who is close enough to be warmed."""

from collections.abc import Mapping, Set
from math import inf

from npc_engine.content.nearest import suggest
from npc_engine.errors import CommandError

HEARING_M = 12.0
"""Beyond this nobody is talked to, unless the game says otherwise: a raised voice outdoors."""
WARM_M = 25.0
"""Within this an NPC is read ahead, unless the game says otherwise: some seconds of walking."""


class Attention:
    """Distances as the game last gave them. Changed by one thread, read by any.

    Without a focus everybody is near.
    """

    def __init__(self) -> None:
        """The game has not said where anybody is."""
        self._metres: dict[str, float] | None = None
        self._hearing_m = HEARING_M
        self._warm: Set[str] = frozenset()

    def set(
        self,
        metres: Mapping[str, float] | None,
        known: Set[str],
        hearing_m: float = HEARING_M,
        warm_m: float = WARM_M,
    ) -> Set[str]:
        """Take in where everybody is; costs little where nothing has changed.

        Args:
            metres: Distance by NPC; who is not in it is out of range. None: everybody is near.
            known: Ids of all NPCs.
            hearing_m: How far talk reaches.
            warm_m: How near is close enough to be read ahead.

        Returns:
            Who has come near enough to be warmed since the last call.

        Raises:
            CommandError: There is no such NPC.
        """
        if metres is None:
            self._metres, self._warm = None, frozenset()
            return frozenset()
        if not metres.keys() <= known:
            unknown = min(metres.keys() - known)
            advice = suggest(unknown, known, kind="there are")
            raise CommandError(
                f'set_focus: found "{unknown}", which is no character here; {advice}'
            )
        self._hearing_m = hearing_m
        self._metres = dict(metres)
        warm = {npc for npc, distance in metres.items() if distance <= warm_m}
        entered = warm - self._warm
        self._warm = warm
        return entered

    def distance(self, npc: str) -> float:
        """In metres; 0 while there is no focus, infinite for who is not in it."""
        metres = self._metres
        return 0.0 if metres is None else metres.get(npc, inf)

    def is_too_far(self, npc: str) -> bool:
        """Whether nobody can talk to this NPC now."""
        return not self.distance(npc) <= self._hearing_m
