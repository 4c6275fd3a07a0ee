"""What a game allows to be said: content categories and how strictly each is handled.

The categories are those of the AEGIS 1.0 data card, in the card's spelling.
"""

from collections.abc import Mapping
from typing import Literal

Category = Literal[
    "Controlled /Regulated substances",
    "Criminal Planning /Confessions",
    "Guns /Illegal Weapons",
    "Harassment",
    "Hate /Identity Hate",
    "Needs Caution",
    "Other",
    "PII",
    "Profanity",
    "Sexual",
    "Sexual Minor",
    "Suicide and Self Harm",
    "Threat",
    "Violence",
]

Handling = Literal["allow", "fictional_only", "never"]
"""`allow`: no check. `fictional_only`: in the story yes, its real-world twin no. `never`: no."""

Policy = Mapping[Category, Handling]

STRICTNESS: Mapping[Handling, int] = {"allow": 0, "fictional_only": 1, "never": 2}

DEFAULT_POLICY: Policy = {
    "Sexual Minor": "never",
    "Sexual": "never",
    "Suicide and Self Harm": "never",
    "PII": "never",
    "Hate /Identity Hate": "never",
    "Violence": "fictional_only",
    "Threat": "fictional_only",
    "Guns /Illegal Weapons": "fictional_only",
    "Controlled /Regulated substances": "fictional_only",
    "Criminal Planning /Confessions": "fictional_only",
    "Harassment": "fictional_only",
    "Other": "fictional_only",
    "Needs Caution": "fictional_only",
    "Profanity": "allow",
}

FIXED: frozenset[Category] = frozenset({"Sexual Minor"})
"""Categories no file may loosen."""


def world_policy(own: Policy) -> Policy:
    """The defaults with a world's own settings over them."""
    return {**DEFAULT_POLICY, **own}


def looser_than(own: Policy, limit: Policy) -> tuple[Category, ...]:
    """The categories that `own` handles less strictly than `limit`."""
    return tuple(
        category
        for category, handling in own.items()
        if STRICTNESS[handling] < STRICTNESS[limit[category]]
    )
