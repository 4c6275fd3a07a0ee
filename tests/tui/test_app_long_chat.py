import pytest

from npc_engine.tui.widgets.log import LineView
from npc_engine.tui.window import MAX_LINES, TAIL_LINES
from tests.tui.stage_app import NARROW, running, stage_engine, write_long_chat

LONG_REPLY = (
    "The river takes what it wants and gives back what nobody asked for. In winter we sit by the "
    "stove and count the sacks until somebody stops complaining. Ask the ferryman, who has seen "
    "everything twice and forgotten it again."
)


async def test_a_long_chat_opens_with_its_tail(tmp_path):
    write_long_chat(tmp_path, 1000)
    async with running(stage_engine(tmp_path, save=True)) as stage:
        assert len(stage.chat.lines) == 1000
        assert len(stage.views) == TAIL_LINES
        assert stage.views[-1].line.text.startswith("Line 999 ")
        assert stage.log.scroll_y == stage.log.max_scroll_y


@pytest.mark.slow
async def test_scrolling_up_mounts_older_lines_and_never_too_many(tmp_path):
    write_long_chat(tmp_path, 1000)
    async with running(stage_engine(tmp_path, save=True)) as stage:
        most = 0
        for _ in range(100):
            await stage.pilot.press("home")
            await stage.pilot.pause()
            most = max(most, len(stage.views))
            if stage.log.mounted_window.first == 0 and stage.log.scroll_y == 0:
                break
        assert stage.views[0].line.text.startswith("Line 0 ")
        assert TAIL_LINES < most <= MAX_LINES
        await stage.pilot.press("end")
        await stage.pilot.pause()
        assert stage.views[-1].line.text.startswith("Line 999 ")
        assert stage.log.scroll_y == stage.log.max_scroll_y
        assert len(stage.views) <= MAX_LINES


async def test_the_line_under_the_eye_stays_when_older_ones_are_mounted(tmp_path):
    write_long_chat(tmp_path, 1000)
    async with running(stage_engine(tmp_path, save=True)) as stage:
        first = stage.log.mounted_window.first
        await stage.pilot.press("home")
        await stage.pilot.pause()
        await stage.pilot.pause()
        assert stage.log.mounted_window.first < first
        top = min(
            (view for view in stage.views if view.region.y >= stage.log.region.y),
            key=lambda view: view.region.y,
        )
        assert top.line.text.startswith(f"Line {first} ")


@pytest.mark.slow
async def test_a_new_line_while_reading_old_ones_comes_into_view(tmp_path):
    write_long_chat(tmp_path, 1000)
    async with running(stage_engine(tmp_path, save=True)) as stage:
        await stage.pilot.press(*["home"] * 6)
        await stage.say("Hello")
        await stage.pilot.pause()
        assert stage.views[-1].line.text == "Fresher than you."
        assert len(stage.views) <= MAX_LINES


async def test_a_growing_reply_reflows_only_when_it_gets_taller(tmp_path):
    async with running(stage_engine(tmp_path, LONG_REPLY), size=NARROW) as stage:
        await stage.say("Tell me.")
        view: LineView = stage.views[-1]
        rows = view.size.height
        assert rows > 3
        assert view.num_reflows <= rows + 2
