"""Offers: what memory and lore propose for one prompt, and what became of each."""

from dataclasses import dataclass
from typing import Literal

OfferKind = Literal["recall", "passage", "learned", "lore", "bearing"]

WINDOW_RULE = "window: still too long"
"""Why something that kept its cap was left out: the whole prompt would not have fitted."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that may enter a prompt, with where it comes from."""

    kind: OfferKind
    """`recall`: said or seen long ago. `passage`: of a long text of the world. `learned`: a fact
    learned in play that stays pinned. `lore`: a fact the line calls up by its keys. `bearing`: a
    sentence that the line asks for."""
    id: str
    """Unique among those of its kind: a fact's id, entry ids, file and number of a passage, field
    and number of a sentence."""
    text: str
    score: float = 0.0
    """The larger the better; only to be compared within one kind. 0 where nothing was searched."""
    day: int | None = None
    """Game day it is from."""
    evidence: tuple[int, ...] = ()
    """Entries it was drawn from; the NPC heard all of them."""
    why: str = ""
    """What called it up, in words."""


@dataclass(frozen=True, slots=True)
class OfferShown:
    """An offer and what became of it."""

    offer: Offer
    used: bool
    """Whether it stands in the prompt."""
    rule: str = ""
    """Why it does not."""
