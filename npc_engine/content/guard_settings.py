"""What the output guard lets one character, or a whole world, say."""

from typing import Literal

from pydantic import BaseModel, Field

from npc_engine.content.fields import MODEL, Phrases


class GuardSettings(BaseModel):
    """Settings of the output guard; a sheet's own stand over its world's."""

    model_config = MODEL

    invented: Literal["check", "allow"] | None = Field(default=None, examples=["allow"])
    """Names and numbers that stand nowhere in the prompt. `check` (the default): not said."""
    allow_names: Phrases = Field(default=(), examples=[["Saint Oswin"]])
    """Names and numbers that may be said all the same; a sheet's are added to its world's."""
    stage_directions: Literal["keep", "drop"] | None = Field(default=None, examples=["drop"])
    """Words between asterisks, such as `*nods*`. `keep` (the default): shown as they come."""
    repeats: Literal["check", "allow"] | None = Field(default=None, examples=["allow"])
    """Giving one of the last replies again, or the player's words back, word for word. `check` (the
    default): not said."""
    ai_terms: Literal["refuse", "allow"] | None = Field(default=None, examples=["allow"])
    """Speaking of oneself as a machine. `refuse` (the default); `allow`: for androids."""

    def over(self, world: "GuardSettings") -> "GuardSettings":
        """These settings, with a world's where they leave something open."""
        return GuardSettings(
            invented=self.invented or world.invented or "check",
            allow_names=(*world.allow_names, *self.allow_names)[:200],
            stage_directions=self.stage_directions or world.stage_directions or "keep",
            repeats=self.repeats or world.repeats or "check",
            ai_terms=self.ai_terms or world.ai_terms or "refuse",
        )
