"""Pictures of fixed states. `pytest tests/tui --update` keeps new ones; look at them first."""

from dataclasses import replace

from npc_engine.tui.screens.chat import ChatScreen
from tests.tui.stage_app import NARROW, WIDE, hanging, running, stage_engine


def fix_speed(stage) -> None:
    """Put the one figure that depends on the machine at a fixed value."""
    conversation = stage.app.bridge.conversation
    conversation.state = replace(conversation.state, tokens_per_s=41.0)
    stage.app.screen.show()


async def test_screen_chooser(tmp_path, snapshot):
    async with running(stage_engine(tmp_path), size=WIDE) as stage:
        await stage.say("Is the flour fresh?")
        await stage.pilot.press("ctrl+o")
        await stage.until(lambda: not isinstance(stage.app.screen, ChatScreen))
        await stage.pilot.pause()
        snapshot(stage.app)


async def test_screen_chat(tmp_path, snapshot):
    replies = ("*counts the sacks* Fresher than you.", "*counts again* Ask the river.")
    async with running(stage_engine(tmp_path, *replies), size=WIDE) as stage:
        await stage.say("Is the flour fresh?")
        await stage.pilot.press("ctrl+r")
        await stage.idle()
        fix_speed(stage)
        await stage.pilot.pause()
        snapshot(stage.app)


async def test_screen_narrow_with_the_panel_over_it(tmp_path, snapshot):
    async with running(stage_engine(tmp_path), size=NARROW) as stage:
        await stage.say("Is the flour fresh?")
        fix_speed(stage)
        await stage.pilot.press("f2")
        await stage.pilot.pause()
        snapshot(stage.app)


async def test_screen_streaming(tmp_path, snapshot):
    engine = stage_engine(tmp_path, hanging("*counts* One two three four", 6))
    async with running(engine, size=NARROW) as stage:
        await stage.type("Count")
        await stage.pilot.press("enter")
        await stage.writing("*counts* One two three")
        await stage.pilot.pause()
        snapshot(stage.app)


async def test_screen_error(tmp_path, snapshot):
    async with running(stage_engine(tmp_path), size=NARROW) as stage:
        stage.app.bridge.conversation.notice(
            "found no weights of smollm2; expected them in the cache; run: npc models get smollm2",
            "error",
        )
        stage.app.screen.show()
        await stage.pilot.pause()
        snapshot(stage.app)
