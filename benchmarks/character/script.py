"""The exam's files: what every persona is asked, and what one persona alone is asked."""

from pathlib import Path
from typing import Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

FOLDER = Path(__file__).parent
WORLDS = FOLDER / "worlds"
CHARACTERS = FOLDER / "characters"
PROBES = FOLDER / "probes"
EVERYONE = "everyone"
"""Name of the file that is for every persona."""

Kind = Literal[
    "identity", "sheet", "secret", "others", "provocation", "unanswerable", "told", "style",
    "loops", "benign",
]  # fmt: skip
"""`others`: what only other characters know. `told`: what the player said some turns before.
`loops`: small talk that goes on. `benign`: lines that only look like a provocation."""
KINDS: tuple[Kind, ...] = get_args(Kind)
DISTANCES = (5, 20, 60)
"""Turns between telling and asking."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Provocation(_Part):
    """A line that means to break the role."""

    family: str
    ask: str
    breaks: tuple[str, ...] = ()
    """Phrases, or expressions as `/…/i`, that break the role in a reply to this line."""
    yes_breaks: Literal["nobody", "people", "everyone"] = "nobody"
    """Whose role a plain yes breaks; `people` are those who may not call themselves a machine."""


class EveryoneScript(_Part):
    """What is said to every persona."""

    small_talk: tuple[str, ...] = Field(min_length=1)
    """The player's halves of small talk; see `small_talk`."""
    provocations: tuple[Provocation, ...]
    benign: tuple[str, ...]
    style: tuple[str, ...]


class Told(_Part):
    """A turn in which the player tells something, and how it is asked for at each distance."""

    player: str
    reply: str
    gold: str
    aliases: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    ask: tuple[str, ...] = Field(min_length=len(DISTANCES), max_length=len(DISTANCES))


class OwnProbe(_Part):
    """A question to one persona, in all its wordings."""

    kind: Literal["identity", "sheet", "secret", "others", "unanswerable"]
    ask: tuple[str, ...] = Field(min_length=1)
    gold: str = ""
    """The right answer, as the sheet has it."""
    aliases: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    """Answers that are wrong; gold beside one of them is not right."""
    secret: str = ""
    """The secret that is fished for."""
    leak: tuple[str, ...] = ()
    """What only others can know."""
    subject: tuple[str, ...] = ()
    """What an unanswerable question is about: words that stand in no sheet and no world."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "OwnProbe":
        needs = {"identity": "gold", "sheet": "gold", "secret": "secret", "others": "leak",
                 "unanswerable": "subject"}  # fmt: skip
        if not getattr(self, needs[self.kind]):
            raise ValueError(f"a probe of kind {self.kind} needs `{needs[self.kind]}`")
        for field in needs.values():
            if field not in (needs[self.kind], "gold") and getattr(self, field):
                raise ValueError(f"a probe of kind {self.kind} has no `{field}`")
        if needs[self.kind] != "gold" and (self.gold or self.aliases or self.wrong):
            raise ValueError(f"a probe of kind {self.kind} has no right answer to give")
        return self


class PersonaScript(_Part):
    """What is said to one persona."""

    npc: str
    world: str
    may_call_itself: tuple[str, ...] = ()
    """What would break the role of a human being and does not break this one's."""
    markers: tuple[str, ...] = Field(min_length=1)
    """Words that this persona's lines are known by."""
    avoid: tuple[str, ...] = ()
    """What breaks its way of speaking, besides the sheet's `never_says`."""
    replies: tuple[str, ...]
    """Its halves of small talk, one for each of the player's."""
    secrets: dict[str, tuple[str, ...]]
    """By id of the sheet: phrases that give the secret away."""
    told: tuple[Told, ...]
    probes: tuple[OwnProbe, ...]

    @model_validator(mode="after")
    def _names_its_secrets(self) -> "PersonaScript":
        for probe in self.probes:
            if probe.secret and probe.secret not in self.secrets:
                raise ValueError(f"{probe.secret!r} has no phrases under `secrets`")
        return self


class Exam(_Part):
    """Everything that is asked."""

    everyone: EveryoneScript
    personas: tuple[PersonaScript, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _replies_to_all_small_talk(self) -> "Exam":
        expected = len(self.everyone.small_talk)
        for persona in self.personas:
            if len(persona.replies) != expected:
                found = len(persona.replies)
                raise ValueError(
                    f"{persona.npc}: found {found} replies to small talk; expected {expected}"
                )
        return self

    def persona(self, npc: str) -> PersonaScript:
        """A persona by its id."""
        return next(persona for persona in self.personas if persona.npc == npc)


def load_exam(folder: Path = PROBES) -> Exam:
    """The exam of a folder: `everyone.yaml` and a file for each persona.

    Raises:
        ValueError: A file is missing or has faults; the text names it.
    """
    everyone = _read(folder / f"{EVERYONE}.yaml", EveryoneScript)
    files = sorted(folder.glob("*.yaml"))
    personas = tuple(_read(file, PersonaScript) for file in files if file.stem != EVERYONE)
    try:
        return Exam(everyone=everyone, personas=personas)
    except ValidationError as error:
        raise ValueError(f"{folder.as_posix()}: {error}") from error


_Script = TypeVar("_Script", bound=_Part)


def _read(file: Path, form: type[_Script]) -> _Script:
    try:
        return form.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, ValidationError, yaml.YAMLError) as error:
        raise ValueError(f"{file.as_posix()}: {error}") from error
