"""Who hears a line besides the one it is said to."""

from collections.abc import Sequence
from dataclasses import dataclass

from npc_engine.content.character import PLAYER
from npc_engine.content.state import WorldState, company_of


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears a line, and the reply to it, besides its speaker and the one it is said to."""

    bystanders: tuple[str, ...] = ()
    """Ids, each once."""
    place: str = ""
    """Where the one it is said to is; empty: nowhere that matters."""
    whispered: bool = False
    """Meant for that one alone, whoever stands by."""


def audience_of(
    npc: str,
    state: WorldState,
    *,
    whisper: bool = False,
    hearers: Sequence[str] | None = None,
    speaker: str = PLAYER,
) -> Audience:
    """Who hears a line that is said now.

    Args:
        npc: To whom.
        state: The world at the moment in which it is said; whoever comes later hears nothing.
        whisper: Nobody else hears it.
        hearers: Ids of those who hear it, as the game decides; None leaves it to the places.
        speaker: Who says it.
    """
    others = company_of(state, npc) if hearers is None else hearers
    heard_by = dict.fromkeys(who for who in others if who not in (npc, speaker))
    return Audience(() if whisper else tuple(heard_by), state.places.get(npc, ""), whisper)
