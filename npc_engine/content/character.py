"""The character sheet: everything an author says about one character.

Every field is documented where it is declared; the texts also appear in editors through the JSON
schema. References to facts, actions and other characters are checked in `references`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from npc_engine.content.action_declarations import Actions
from npc_engine.content.conditions import Condition
from npc_engine.content.facts import Facts, RememberRules
from npc_engine.content.fields import (
    AS_NUMBER,
    AS_WHOLE,
    MODEL,
    Colour,
    Extensions,
    Id,
    Ids,
    Keys,
    Line,
    Lines,
    Phrase,
    Phrases,
    Prose,
    Title,
    Truth,
    refuse,
)
from npc_engine.content.guard_settings import GuardSettings
from npc_engine.content.paths import check_relative
from npc_engine.content.policy import Policy
from npc_engine.messages import Emotion, Sampling

PLAYER = "player"
"""The id of the player in relationships, hearers and conditions."""

MAX_TRUST = 100

LineUse = Literal["always", "stand_in"]


class Speech(BaseModel):
    """How a character talks."""

    model_config = MODEL

    style: Prose = Field(default="", examples=["Short, dry sentences. Shop talk."])
    """The manner, in a few words."""
    says: Lines = Field(default=(), examples=[["By iron and ash."]])
    """Turns of phrase that are this character's own."""
    never_says: Phrases = Field(default=(), examples=[["thou"]])
    """Words and phrases that would be out of character."""
    max_sentences: Annotated[int, Field(ge=1, le=30), AS_WHOLE] | None = Field(
        default=None, examples=[3]
    )
    """How long a reply may be; none: as long as it needs."""
    max_words: Annotated[int, Field(ge=3, le=500), AS_WHOLE] | None = Field(
        default=None, examples=[40]
    )
    """No reply is longer: it ends at the last sentence that fits, or in a first one that does not.

    The model is not told. Sentences after the first are heard when they are whole.
    """
    emotions: Annotated[tuple[Emotion, ...], Field(max_length=10)] = Field(
        default=(), examples=[["neutral", "happy", "angry"]]
    )
    """The emotions this character is shown with; none: all. `neutral` is always among them."""


class Relationship(BaseModel):
    """How a character stands to another, at the start of the story."""

    model_config = MODEL

    trust: Annotated[int, Field(ge=-MAX_TRUST, le=MAX_TRUST), AS_WHOLE] = Field(
        default=0, examples=[2]
    )
    """From -100 to 100; what it means is the game's to say. Conditions read it."""
    feels: Annotated[str, Field(max_length=200)] = Field(default="", examples=["respect"])
    """One or two words; the game may change it."""
    note: Prose = Field(default="", examples=["He paid for the new forge."])
    """Why, in a sentence; stays as it is."""


class Secret(BaseModel):
    """Something a character hides. It enters no prompt until its condition holds."""

    model_config = MODEL

    id: Id = Field(examples=["hidden_blade"])
    """The name tests and reports use for it; unique in the sheet."""
    text: Line
    """The secret, as a sentence that is true on its own."""
    keys: Keys = ()
    """Words that bring it to mind once it is revealed."""
    reveal_when: Condition | None = Field(
        default=None, examples=["relationships.player.trust >= 3"]
    )
    """From when on the character may speak of it. Without it: never."""

    def is_revealed(self, scope: Mapping[str, Any]) -> bool:
        """Whether it may stand in a prompt now; a secret without a condition never may.

        Raises:
            TemplateError: The condition cannot be worked out.
        """
        return self.reveal_when is not None and self.reveal_when.holds(scope)


class Example(BaseModel):
    """One exchange that shows the voice."""

    model_config = MODEL

    player: Line = Field(examples=["Can you enchant this?"])
    """What the player says."""
    reply: Line = Field(examples=["No magic in my forge."])
    """What the character answers."""


BARK_KINDS: Mapping[str, str] = {
    "thinking": "While a reply takes long.",
    "fail": "When no reply came in time, or none that could be used.",
    "refuse": "When the character will not speak of something.",
}
"""The kinds that the engine says by itself, and when; a game may ask for these and any others."""


def _describe_kinds(schema: dict[str, Any]) -> None:
    """Let editors complete the kinds that every sheet should have."""
    (lines,) = schema["patternProperties"].values()
    schema["properties"] = {
        kind: {"description": when, **lines} for kind, when in BARK_KINDS.items()
    }


class AuthoredLine(BaseModel):
    """Exact words for what must be said right."""

    model_config = MODEL

    when_asked: Annotated[tuple[Phrase, ...], Field(min_length=1, max_length=50)] = Field(
        examples=[["sword price"]]
    )
    """Phrases of the player that call for it: in these words, or asked with other small words."""
    say: Line
    """The words, exactly."""
    when: Condition | None = None
    """Only while this holds."""
    once: Truth = False
    """Said at most once in a playthrough."""
    may_repeat: Truth = False
    """Whether it may be said twice in a row; otherwise the model answers the second time."""
    interruptible: Truth = True
    """Whether the player may cut it short; where not, the game lets it be spoken to its end."""
    use: LineUse = Field(default="always", examples=["stand_in"])
    """`always`: the model is not asked. `stand_in`: only where the model gave nothing usable."""


class SamplingOverrides(BaseModel):
    """Settings of the model for this character; what is left out keeps the engine's value."""

    model_config = MODEL

    temperature: Annotated[float, Field(ge=0, le=2), AS_NUMBER] | None = Field(
        default=None, examples=[0.7]
    )
    """0 always takes the likeliest word; higher is freer."""
    top_k: Annotated[int, Field(ge=0, le=1000), AS_WHOLE] | None = Field(
        default=None, examples=[40]
    )
    """Only so many of the likeliest words are candidates."""
    top_p: Annotated[float, Field(gt=0, le=1), AS_NUMBER] | None = Field(
        default=None, examples=[0.95]
    )
    """Only the likeliest words that together reach this share are candidates."""
    min_p: Annotated[float, Field(ge=0, lt=1), AS_NUMBER] | None = Field(
        default=None, examples=[0.05]
    )
    """Words below this share of the likeliest one's probability are no candidates."""
    repetition_penalty: Annotated[float, Field(ge=1, le=2), AS_NUMBER] | None = Field(
        default=None, examples=[1.1]
    )
    """Above 1 makes words the reply has said already less likely."""
    repetition_window_tokens: Annotated[int, Field(ge=0, le=4096), AS_WHOLE] | None = Field(
        default=None, examples=[256]
    )
    """How many tokens of the reply the penalty looks back at."""

    def applied_to(self, sampling: Sampling) -> Sampling:
        """The engine's settings with this character's own over them."""
        return replace(sampling, **self.model_dump(exclude_none=True))


class MemoryCaps(BaseModel):
    """Limits of this character's memory, in tokens; what is left out keeps the engine's value."""

    model_config = MODEL

    high_water_tokens: Annotated[int, Field(ge=300, le=3000), AS_WHOLE] | None = Field(
        default=None, examples=[1500]
    )
    """Recent turns are folded into the summary before they pass this."""
    low_water_tokens: Annotated[int, Field(ge=100, le=2900), AS_WHOLE] | None = Field(
        default=None, examples=[750]
    )
    """How much of the recent turns stays word for word after a fold."""
    summary_tokens: Annotated[int, Field(ge=40, le=1000), AS_WHOLE] | None = Field(
        default=None, examples=[220]
    )
    """The summary of what was folded."""
    facts_tokens: Annotated[int, Field(ge=20, le=600), AS_WHOLE] | None = Field(
        default=None, examples=[130]
    )
    """Pinned facts beside the summary."""

    @model_validator(mode="after")
    def _low_below_high(self) -> "MemoryCaps":
        high, low = self.high_water_tokens, self.low_water_tokens
        if high is not None and low is not None and low >= high:
            raise refuse("low_water_tokens below high_water_tokens", found=f"{low} and {high}")
        return self


class Display(BaseModel):
    """How a character is shown; no part of any prompt."""

    model_config = MODEL

    colour: Colour | None = Field(default=None, examples=["#c0713a"])
    """Colour of the name: `"#c0713a"` (quoted: # begins a comment) or a word such as `red`."""
    portrait: Annotated[str, AfterValidator(check_relative)] | None = Field(
        default=None, examples=["portraits/mira.png"]
    )
    """A picture, as a path beside the sheet."""


def _first_word(values: Mapping[str, Any]) -> str:
    words = str(values.get("name", "")).split()
    return words[0] if words else ""


class CharacterSheet(BaseModel):
    """One character, as its author wrote it. Only the name is required."""

    model_config = MODEL

    id: SkipJsonSchema[str] = ""
    """The name of the file, without `.yaml`; never written in the file."""
    name: Title = Field(examples=["Mira Voss"])
    """The full name."""
    nickname: Title = Field(default_factory=_first_word, examples=["Mira"])
    """What others call the character; the first word of the name when left out."""
    pronouns: Annotated[str, Field(max_length=40)] = Field(default="", examples=["she/her"])
    """How others refer to the character, such as `she/her` or `they/them`."""
    world: Id | None = Field(default=None, examples=["oakhollow"])
    """The world the character lives in (its file name without `.yaml`); none: fits any world."""
    tags: Ids = Field(default=(), examples=[["villager", "crafters"]])
    """Groups the character belongs to; facts may be known by a whole group."""
    extends: Id | None = Field(default=None, examples=["_villager"])
    """A parent sheet of the project: its values stand where this file has none.

    Single values and lists here replace the parent's, groups of keys are merged. A parent has no
    parent of its own. A file whose name begins with `_` is only a parent, never a character.
    """
    summary: Prose = Field(default="", examples=["Blunt blacksmith of Oakhollow."])
    """Who this is, in one sentence; others may be told it."""
    persona: Prose = ""
    """Looks, manner, habits: what makes the character this one. The heart of the sheet."""
    traits: Phrases = Field(default=(), examples=[["blunt", "loyal"]])
    """Qualities in a word or two each."""
    speech: Speech = Speech()
    """How the character talks."""
    goals: Lines = Field(default=(), examples=[["Finish the bridge chains before the first snow."]])
    """What the character wants now."""
    relationships: Annotated[Mapping[Id, Relationship], Field(max_length=500)] = Field(
        default={}, examples=[{"player": {"trust": 0}}]
    )
    """How the character stands to others: their ids, or `player`."""
    knows: Ids = Field(default=(), examples=[["oakhollow", "bridge"]])
    """Ids or tags of the world's facts this character knows, besides what everyone knows."""
    secrets: Annotated[tuple[Secret, ...], Field(max_length=100)] = ()
    """What the character hides; not in the prompt at all until revealed."""
    background: Prose = ""
    """The past, as the character would know it."""
    boundaries: Lines = Field(default=(), examples=[["Never sells on credit."]])
    """What the character never does or says."""
    greetings: Lines = Field(default=(), examples=[["Mind the sparks. What do you need?"]])
    """First words; the first entry is for a first meeting, the others for later ones."""
    examples: Annotated[tuple[Example, ...], Field(max_length=100)] = ()
    """Exchanges that show the voice; worth more than many adjectives."""
    barks: Annotated[
        Mapping[Id, Lines], Field(max_length=50, json_schema_extra=_describe_kinds)
    ] = Field(default={}, examples=[{"fail": ["Not now."]}])
    """Authored words by kind. The engine says `thinking`, `fail` and `refuse` where no reply can be
    written; a game asks for these and any others, such as `idle` or `hurt`, with `npc.bark`."""
    lines: Annotated[tuple[AuthoredLine, ...], Field(max_length=200)] = ()
    """Exact words for what must be said right."""
    actions: Ids = Field(default=(), examples=[["offer_item"]])
    """Actions of the world this character may propose."""
    own_actions: Actions = {}
    """Actions that only this character may propose, in the form of a world's `actions`."""
    remember: RememberRules = ()
    """What somebody says that becomes a fact for this character."""
    facts: Facts = ()
    """Facts of this character's own; it knows them all."""
    post_history: Prose = Field(default="", examples=["Keep it short; the forge is hot."])
    """A last note, placed after the conversation in the prompt."""
    sampling: SamplingOverrides = SamplingOverrides()
    """Settings of the model for this character."""
    memory: MemoryCaps = MemoryCaps()
    """Limits of this character's memory."""
    guard: GuardSettings = GuardSettings()
    """What of the model's words may be heard, where it differs from the world's settings."""
    candidates: Annotated[int, Field(ge=1, le=4), AS_WHOLE] | None = Field(
        default=None, examples=[3]
    )
    """How many replies are written at once, the best is heard; none: engine decides."""
    talkativeness: Annotated[float, Field(ge=0, le=1), AS_NUMBER] = Field(
        default=0.5, examples=[0.8]
    )
    """How readily the character speaks in company without being asked; 0: never, 1: always."""
    policy: Policy = Field(default={}, examples=[{"Profanity": "never"}])
    """Content categories this character handles more strictly than its world."""
    display: Display = Display()
    """How the character is shown."""
    extensions: Extensions = {}
    """Anything other programs keep here; kept untouched and never put into a prompt."""
