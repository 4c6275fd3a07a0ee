"""What a prompt is made of: everything the compiler is told about one turn."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from npc_engine.actions.offered import OfferedAction
from npc_engine.content.character import CharacterSheet
from npc_engine.content.facts import Fact
from npc_engine.content.state import WorldState
from npc_engine.content.world import World
from npc_engine.messages import Message, Turn
from npc_engine.prompt.budget import Budget
from npc_engine.prompt.offers import Offer, OfferShown
from npc_engine.prompt.profile import PromptProfile


@dataclass(frozen=True, slots=True)
class PromptRequest:
    """Everything a prompt is made of; equal requests give equal plans, byte for byte."""

    sheet: CharacterSheet
    world: World
    state: WorldState
    line: str
    """The player's words, already free of control codes; may be empty for a preview."""
    line_shown: str = ""
    """How the line stands in the prompt, such as with its speaker's name; empty: as it is."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What to call the members of the cast, by id."""
    shared_facts: tuple[Fact, ...] = ()
    """Facts that other sheets hold; those this NPC is entitled to count as known."""
    summary: str = ""
    learned: tuple[Offer, ...] = ()
    """Facts learned in play, most important first."""
    recalled: tuple[Offer, ...] = ()
    """What this line brings back to mind, in the order of time; each text is one line."""
    passages: tuple[Offer, ...] = ()
    """Of the world's long texts, what bears on this line and this NPC knows; the best first."""
    bearing: tuple[Offer, ...] = ()
    """Of what this NPC may say, the sentences that the line asks for; the best first."""
    given_contexts: tuple[str, ...] = ()
    """Texts the game gives with this line; the NPC may use them, and they are not kept."""
    left_out: tuple[OfferShown, ...] = ()
    """What memory had found and did not offer, and why; only shown in the plan."""
    reminder: str = ""
    """A line of the engine's own, right above the player's words: for a second try, or where those
    words are meant for a program."""
    reminder_why: str = "second try"
    actions: tuple[OfferedAction, ...] = ()
    """What the NPC could do in this scene; those that are not blocked are possible now."""
    so_far: tuple[Message, ...] = ()
    """What the NPC said and did in answer to the line already; the reply goes on from there."""
    turns: tuple[Turn, ...] = ()
    """Recent turns, oldest first, not yet folded."""
    previous_ids: tuple[int, ...] = ()
    """The ids of this chat's previous plan, to tell how much of it is shared."""
    budget: Budget = Budget()
    profile: PromptProfile = PromptProfile()

    @property
    def contexts_in_system(self) -> bool:
        """Whether passages and given texts stand in the system block."""
        return self.world.contexts == "system" or self.profile.contexts == "system"
