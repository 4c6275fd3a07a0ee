"""Persona tests as authors write them: `*.persona.yaml`, one test or `defaults:` and `tests:`.

Every key is documented where it is declared. Reading files is done in `persona_files`.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from npc_engine.authoring.expectation import Expectation, Names
from npc_engine.content.character import SamplingOverrides
from npc_engine.content.fields import MODEL, Id, Line, StateName, Title, Whole, refuse
from npc_engine.content.world import minute_of

Tier = Literal["compile", "model"]
TestTier = Literal["compile", "model", "auto"]

MAX_RUNS = 1000
VERBS = ("say", "set", "event", "advance")


def _checked_time(time: str) -> str:
    try:
        minute_of(time)
    except ValueError as error:
        raise refuse("a time of day from 00:00 to 23:59", 'write time: "18:30"') from error
    return time


Time = Annotated[str, AfterValidator(_checked_time)]
StateValue = str | int | float | bool


class Repeat(BaseModel):
    """How often a test runs, and how many of the runs must pass."""

    model_config = MODEL

    runs: Annotated[Whole, Field(ge=1, le=MAX_RUNS)] = Field(default=1, examples=[5])
    """Runs with a model, each with a seed of its own. Without a model, one run says it all."""
    need: Annotated[Whole, Field(ge=1, le=MAX_RUNS)] | None = Field(default=None, examples=[4])
    """So many of them must pass; all, when left out."""

    @property
    def needed(self) -> int:
        """How many runs must pass."""
        return self.runs if self.need is None else self.need


class SceneRelationship(BaseModel):
    """How the tested character stands to somebody when the test begins."""

    model_config = MODEL

    trust: Annotated[Whole, Field(ge=-100, le=100)] | None = Field(default=None, examples=[3])
    """As in the sheet."""
    feels: Annotated[str, Field(max_length=200)] | None = None
    """As in the sheet."""


class ScenePlayer(BaseModel):
    """Who the player is in this test."""

    model_config = MODEL

    name: Title | None = Field(default=None, examples=["Tolan"])
    """In place of the world's name for the player."""
    about: Annotated[str, Field(max_length=2000)] | None = None
    """In place of what the world says about the player."""


class Scene(BaseModel):
    """How things stand when the test begins; what is left out is as the world starts."""

    model_config = MODEL

    day: Annotated[Whole, Field(ge=0, le=1_000_000)] | None = Field(default=None, examples=[41])
    """The game's day."""
    time: Time | None = Field(default=None, examples=["18:30"])
    """The time of day."""
    state: Mapping[StateName, StateValue] = Field(default={}, examples=[{"bridge": "broken"}])
    """Named values of the world."""
    relationships: Mapping[Id, SceneRelationship] = Field(
        default={}, examples=[{"player": {"trust": 3}}]
    )
    """How the tested character stands to the player or to others, by id."""
    player: ScenePlayer = ScenePlayer()
    """Who the player is."""


class SeenEvent(BaseModel):
    """Something that happens, and who sees it."""

    model_config = MODEL

    text: Line = Field(examples=["A rider crossed the bridge at dusk."])
    """One sentence, as a witness would tell it."""
    witnesses: tuple[Id, ...] | None = Field(default=None, examples=[["mira"]])
    """Ids of those who saw it; everybody, when left out."""


class Passing(BaseModel):
    """Game time that passes."""

    model_config = MODEL

    days: Annotated[Whole, Field(ge=0, le=100_000)] = 0
    """Whole days."""
    hours: Annotated[Whole, Field(ge=0, le=100_000)] = 0
    """Hours."""
    minutes: Annotated[Whole, Field(ge=0, le=1_000_000)] = 0
    """Minutes."""

    @property
    def in_minutes(self) -> int:
        """All of it in minutes."""
        return (self.days * 24 + self.hours) * 60 + self.minutes


class Step(BaseModel):
    """One thing that happens in a test: exactly one of `say`, `set`, `event`, `advance`."""

    model_config = MODEL

    say: Annotated[str, Field(min_length=1, max_length=100_000)] | None = Field(
        default=None, examples=["Why is everyone taking the ferry?"]
    )
    """What the player says to the character."""
    reply: Line | None = None
    """The character's reply to `say`, fixed: the model is not asked."""
    set: Mapping[Annotated[str, Field(min_length=1)], StateValue] | None = Field(
        default=None, examples=[{"bridge": "repaired"}]
    )
    """The game sets named values, such as `bridge` or `relationships.mira.player.trust`."""
    event: SeenEvent | None = None
    """Something happens."""
    advance: Passing | None = Field(default=None, examples=[{"hours": 3}])
    """The game's clock moves on."""
    expect: Expectation | None = None
    """What must hold for the reply and the prompt of `say`."""
    why: Annotated[str, Field(max_length=500)] = ""
    """What a failure would mean; shown beside it."""

    @model_validator(mode="after")
    def _one_verb(self) -> "Step":
        verbs = [verb for verb in VERBS if getattr(self, verb) is not None]
        if len(verbs) != 1:
            raise refuse(
                "exactly one of say, set, event, advance",
                "make it a step of its own" if verbs else 'write one such as say: "Hello."',
                found=" and ".join(verbs) if verbs else "a step in which nothing happens",
            )
        if self.say is None and (self.expect is not None or self.reply is not None):
            stray = "expect" if self.expect is not None else "reply"
            raise refuse(f"{stray} beside say", f"move {stray} to a step with say", found=stray)
        return self


def _seeds(value: object) -> object:
    return value if isinstance(value, (tuple, int)) else (value,)


class Settings(BaseModel):
    """What a test is about and how it runs; also what `defaults:` may hold."""

    model_config = MODEL

    persona: Names | None = Field(default=None, examples=["mira"])
    """Id of the sheet, or a list: one test each."""
    world: Id | None = None
    """Id of the world; the sheet's own, when left out."""
    tier: TestTier = "auto"
    """`compile`: the prompt alone, no model. `model`: replies too. `auto`: what the test needs."""
    tags: tuple[Id, ...] = ()
    """Groups, for choosing tests by name."""
    skip: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    """Why the test is left out for now."""
    xfail: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    """Why the test is known to fail; if it passes after all, that counts as a failure."""
    repeat: Repeat = Repeat()
    """Runs with a model."""
    seeds: (
        Annotated[
            tuple[Annotated[Whole, Field(ge=0, lt=2**31)], ...],
            BeforeValidator(_seeds),
            Field(min_length=1, max_length=MAX_RUNS),
        ]
        | None
    ) = Field(default=None, examples=[[11, 12, 13]])
    """The seed of each run, in order; 0, 1, 2 and so on, when left out."""
    sampling: SamplingOverrides = SamplingOverrides()
    """In place of the sheet's values."""
    scene: Scene = Scene()
    """How things stand at the beginning."""
    allow_weak: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    """Why a test that a silent or echoing character would pass is wanted all the same."""


class PersonaTest(Settings):
    """One test of one character."""

    test: Annotated[str, Field(min_length=1, max_length=120)] = Field(
        default="", examples=["knows that the bridge is down"]
    )
    """What the character does, without its name; the file's name, when left out."""
    script: Annotated[tuple[Step, ...], Field(min_length=1, max_length=500)]
    """What happens, in order."""

    @property
    def seeds_used(self) -> tuple[int, ...]:
        """One seed for each run."""
        seeds = self.seeds or tuple(range(self.repeat.runs))
        return seeds[: self.repeat.runs]

    def with_defaults(self, defaults: Settings) -> "PersonaTest":
        """The same test with `defaults` for every key that it leaves out."""
        missing = defaults.model_fields_set - self.model_fields_set
        return self.model_copy(update={name: getattr(defaults, name) for name in missing})


class PersonaSuite(BaseModel):
    """A file with several tests."""

    model_config = MODEL

    defaults: Settings = Settings()
    """What all tests of the file share; a key in a test replaces it whole."""
    tests: Annotated[tuple[PersonaTest, ...], Field(min_length=1, max_length=1000)]
    """The tests."""
