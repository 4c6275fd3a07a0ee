"""What judging needs to know of each persona, from its sheet, its world and its script."""

from collections.abc import Mapping

from benchmarks.character.invented import Known
from benchmarks.character.script import Exam, PersonaScript
from benchmarks.character.verdicts import Persona
from npc_engine.authoring.authored_text import authored_texts
from npc_engine.content.character import CharacterSheet
from npc_engine.content.library import Library
from npc_engine.content.world import World

MAX_SENTENCES = 3
"""Where a sheet says nothing."""


def personas(exam: Exam, library: Library) -> Mapping[str, Persona]:
    """All personas of an exam, by id.

    Raises:
        ValueError: A script names a character or a world that is not there, or another secret.
    """
    return {script.npc: _persona(script, library) for script in exam.personas}


def texts_of(sheet: CharacterSheet, world: World) -> tuple[str, ...]:
    """Everything that authors wrote in a sheet and its world, secrets too."""
    clock = f"day {world.clock.day}, {world.clock.time}"
    texts = (item.text for model in (world, sheet) for item in authored_texts(model)
             if "pattern" not in item.where and "id" not in item.where)  # fmt: skip
    return (*texts, clock)


def _persona(script: PersonaScript, library: Library) -> Persona:
    if script.npc not in library.sheet_ids():
        raise ValueError(f'no sheet "{script.npc}" in {library.characters.as_posix()}')
    sheet = library.sheet(script.npc)
    if sheet.world != script.world:
        raise ValueError(f"{script.npc}: found world {script.world}; the sheet says {sheet.world}")
    unknown = set(script.secrets) ^ {secret.id for secret in sheet.secrets}
    if unknown:
        raise ValueError(f"{script.npc}: secrets {sorted(unknown)} are not in sheet and script")
    world = library.world(script.world)
    others = [other for other in library.cast(world) if other.id != sheet.id]
    names = {name for other in others for name in (other.name, other.nickname)}
    texts = texts_of(sheet, world)
    return Persona(
        name=sheet.nickname,
        full_name=sheet.name,
        other_names=tuple(sorted({*names, world.player.name})),
        may_call_itself=script.may_call_itself,
        markers=script.markers,
        avoid=(*sheet.speech.never_says, *script.avoid),
        max_sentences=sheet.speech.max_sentences or MAX_SENTENCES,
        refusals=sheet.barks.get("refuse", ()),
        authored=texts,
        known=Known.of((*texts, *names)),
        secrets=tuple(phrase for phrases in script.secrets.values() for phrase in phrases),
        says=sheet.speech.says,
        described=(
            sheet.persona,
            sheet.summary,
            sheet.background,
            sheet.speech.style,
            world.setting,
            *sheet.goals,
            *sheet.boundaries,
        ),
    )
