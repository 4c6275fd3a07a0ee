"""The world and everybody in it, as a talk needs them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from npc_engine.content.character import CharacterSheet
from npc_engine.content.facts import Fact
from npc_engine.content.state import WorldState, initial_state
from npc_engine.content.world import World
from npc_engine.memory.lore_index import LoreIndex
from npc_engine.prompt.budget import Budget
from npc_engine.prompt.compiler import PromptRequest, compile_plan
from npc_engine.prompt.profile import PromptProfile, profile_of
from npc_engine.protocols import Tokenizer


@dataclass(frozen=True, slots=True)
class Cast:
    """The world and everybody in it, as content gives them."""

    world: World
    sheets: Mapping[str, CharacterSheet]
    lore: LoreIndex = field(default_factory=LoreIndex)
    """The world's long texts; who may read which is asked for every line."""

    players: Mapping[str, str] = field(default_factory=dict)
    """What to call players other than `player`, by id."""

    @property
    def names(self) -> dict[str, str]:
        """What to call each member, by id, and the player."""
        names = {id: sheet.nickname for id, sheet in self.sheets.items()}
        return {**names, **self.players, "player": self.world.player.name}

    def shared_facts(self, npc: str) -> tuple[Fact, ...]:
        """Facts that the sheets of others hold and name somebody for."""
        return tuple(
            fact
            for id, sheet in self.sheets.items()
            if id != npc
            for fact in sheet.facts
            if fact.known_by
        )

    def start(self) -> WorldState:
        """The state of the world before anything happened."""
        return initial_state(self.world, self.sheets.values())

    def shared_ids(
        self, tokenizer: Tokenizer, profile: PromptProfile | None = None
    ) -> tuple[int, ...]:
        """What every prompt in this world begins with; empty in a world without characters.

        Args:
            tokenizer: Of the model.
            profile: How prompts are worded; None: as the model's family needs it.
        """
        if not self.sheets:
            return ()
        sheet = next(iter(self.sheets.values()))
        request = PromptRequest(
            sheet=sheet,
            world=self.world,
            state=self.start(),
            line="",
            names=self.names,
            shared_facts=self.shared_facts(sheet.id),
            budget=Budget.for_window(tokenizer.window_tokens).with_caps(sheet.memory),
            profile=profile or profile_of(tokenizer.family),
        )
        plan = compile_plan(request, tokenizer)
        return plan.prompt_ids[: plan.world_tokens]
