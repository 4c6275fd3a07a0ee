"""The measured pace as turns meet it: how long a reply may be is found again in a replay."""

from npc_engine.dialogue.pace import Pace
from npc_engine.engine.journal import Journal


class MetPace(Pace):
    """Running averages of one engine."""

    def __init__(self, journal: Journal) -> None:
        """Nothing was measured."""
        super().__init__()
        self._journal = journal

    def most_tokens(self, reply_tokens: int, left_s: float | None) -> int:
        """See `Pace.most_tokens`."""
        return self._journal.meet(
            "most_tokens", lambda: super(MetPace, self).most_tokens(reply_tokens, left_s)
        )
