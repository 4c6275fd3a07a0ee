"""The plan of one turn: every token of the prompt attributed to a section, every cut explained."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from npc_engine.messages import Message
from npc_engine.prompt.offers import Offer, OfferShown

SectionName = Literal[
    "template",
    "rules",
    "world",
    "sheet",
    "actions",
    "canon",
    "summary",
    "learned",
    "turns",
    "state",
    "recall",
    "contexts",
    "lore",
    "passages",
    "possible",
    "note",
    "bearing",
    "reminder",
    "line",
    "so_far",
]
Volatility = Literal["never", "scene", "fold", "append", "turn"]
"""What makes a section's text change: nothing, the scene, a fold, appending only, or every turn."""

VOLATILITY: Mapping[SectionName, Volatility] = {
    "template": "never",
    "rules": "never",
    "world": "never",
    "sheet": "never",
    "actions": "scene",
    "canon": "scene",
    "summary": "fold",
    "learned": "fold",
    "turns": "append",
    "state": "turn",
    "recall": "turn",
    "contexts": "turn",
    "lore": "turn",
    "passages": "turn",
    "possible": "turn",
    "note": "turn",
    "bearing": "turn",
    "reminder": "turn",
    "line": "turn",
    "so_far": "turn",
}


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the prompt. The tokens of all sections add up to the plan's total."""

    name: SectionName
    tokens: int
    text: str
    why: str
    """What put this text here: fields, fact ids, turns."""

    @property
    def volatility(self) -> Volatility:
        """What makes this section change."""
        return VOLATILITY[self.name]


@dataclass(frozen=True, slots=True)
class Cut:
    """Something that was left out, and by which rule."""

    section: SectionName
    what: str
    tokens: int
    rule: str
    offer: Offer | None = None
    """What memory or lore had proposed, if it was that."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one turn sends to the model, and what was left out so that it fits.

    `total_tokens + margin_tokens + reply_tokens <= window_tokens` holds for every instance.
    """

    npc: str
    sections: tuple[Section, ...]
    """In the order in which they stand in the prompt; the template's own tokens come first."""
    cut: tuple[Cut, ...]
    messages: tuple[Message, ...]
    """The chat as it was given to the template."""
    prompt_ids: tuple[int, ...]
    """The rendered template in token ids: the only true count, role tags included."""
    text: str
    """The rendered template as text, as the model reads it."""
    reply_tokens: int
    margin_tokens: int
    window_tokens: int
    shared_prefix_tokens: int
    """Leading ids equal to the previous plan: what the session need not compute again."""
    world_tokens: int = 0
    """Leading ids that all NPCs of the world share: rules and world."""
    stable_tokens: int = 0
    """Leading ids before the last user turn, and before passages among the contexts: equal in the
    next plan, whatever the player says, as long as nothing has to be cut for the window."""
    opens_reply: bool = False
    """Whether the prompt ends with the first words of the reply."""
    contexts: tuple[str, ...] = ()
    """What was given to the template beside the messages."""
    tools: tuple[Mapping[str, Any], ...] = ()
    """As `contexts`."""
    memories: tuple[OfferShown, ...] = ()
    """What memory and lore offered: first what stands in the prompt, in its order, then the rest.
    """

    @property
    def total_tokens(self) -> int:
        """Tokens sent."""
        return len(self.prompt_ids)

    @property
    def digest(self) -> str:
        """A short hash of the exact ids, for the record of the turn."""
        return hashlib.sha256(",".join(map(str, self.prompt_ids)).encode()).hexdigest()[:16]

    def tokens_of(self, name: SectionName) -> int:
        """Tokens of one section; 0 if it is not in the prompt."""
        return sum(section.tokens for section in self.sections if section.name == name)

    def to_json(self) -> str:
        """The stable machine-readable form (docs/prompt.md)."""
        data: dict[str, Any] = {
            "npc": self.npc,
            "sections": [
                {
                    "name": section.name,
                    "tokens": section.tokens,
                    "text": section.text,
                    "why": section.why,
                    "volatility": section.volatility,
                }
                for section in self.sections
            ],
            "cut": [
                {"section": cut.section, "what": cut.what, "tokens": cut.tokens, "rule": cut.rule}
                for cut in self.cut
            ],
            "memories": [_as_data(shown) for shown in self.memories],
            "total_tokens": self.total_tokens,
            "reply_tokens": self.reply_tokens,
            "margin_tokens": self.margin_tokens,
            "window_tokens": self.window_tokens,
            "shared_prefix_tokens": self.shared_prefix_tokens,
            "digest": self.digest,
        }
        return json.dumps(data, ensure_ascii=False, indent=2)


def _as_data(shown: OfferShown) -> dict[str, Any]:
    offer = shown.offer
    return {
        "kind": offer.kind,
        "id": offer.id,
        "text": offer.text,
        "score": round(offer.score, 4),
        "day": offer.day,
        "evidence": list(offer.evidence),
        "why": offer.why,
        "used": shown.used,
        "rule": shown.rule,
    }
