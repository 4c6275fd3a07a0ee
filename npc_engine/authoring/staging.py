"""Sets the scene of a persona test, and plays the steps in which nobody speaks."""

from dataclasses import replace

from npc_engine.authoring.persona_files import Case
from npc_engine.authoring.persona_test import Scene, Step
from npc_engine.content.character import SamplingOverrides
from npc_engine.dialogue.cast import Cast
from npc_engine.engine import Npc

_DAY_MINUTES = 24 * 60


def staged(cast: Cast, case: Case) -> Cast:
    """The cast with the scene's player and the test's sampling."""
    test = case.test
    player = test.scene.player.model_dump(exclude_none=True)
    world = cast.world.model_copy(
        update={"player": cast.world.player.model_copy(update=player)} if player else {}
    )
    sheet = cast.sheets[case.persona]
    over = test.sampling.model_dump(exclude_none=True)
    if over:
        own = sheet.sampling.model_dump(exclude_none=True)
        sheet = sheet.model_copy(update={"sampling": SamplingOverrides(**{**own, **over})})
    return replace(cast, world=world, sheets={**cast.sheets, case.persona: sheet})


def set_scene(npc: Npc, scene: Scene) -> None:
    """Day, time, values and relationships as a test begins.

    Raises:
        CommandError: The world has no such value or relationship.
    """
    if scene.day is not None:
        npc.world.set("clock.day", scene.day)
    if scene.time is not None:
        npc.world.set("clock.time", scene.time)
    for name, value in scene.state.items():
        npc.world.set(name, value)
    for other, relationship in scene.relationships.items():
        for what, wanted in relationship.model_dump(exclude_none=True).items():
            npc.world.set(f"relationships.{npc.id}.{other}.{what}", wanted)


def happen(npc: Npc, step: Step) -> None:
    """A step in which nobody speaks."""
    if step.set is not None:
        for name, value in step.set.items():
            npc.world.set(name, value)
    elif step.event is not None:
        npc.world.event(step.event.text, step.event.witnesses)
    elif step.advance is not None:
        state = npc.state()
        total = state.day * _DAY_MINUTES + state.minute + step.advance.in_minutes
        day, minute = divmod(total, _DAY_MINUTES)
        npc.world.set("clock.day", day)
        npc.world.set("clock.time", f"{minute // 60:02d}:{minute % 60:02d}")
