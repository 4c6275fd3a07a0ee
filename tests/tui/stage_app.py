"""The app for tests: on the small stage, a scripted session and a clock that stands still."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

from npc_engine.engine import Engine
from npc_engine.memory.entries import LineSaid
from npc_engine.memory.store import SaveStore
from npc_engine.model.scripted import Reply, ScriptedSession
from npc_engine.tui.app import NpcApp
from npc_engine.tui.screens.chat import ChatScreen
from npc_engine.tui.widgets.line_input import LineInput
from npc_engine.tui.widgets.log import LineView, Log
from npc_engine.tui.widgets.text_row import TextRow
from tests.stage import FakeClock, write_project
from tests.stage_engine import open_engine

WIDE = (120, 36)
NARROW = (80, 24)


def hanging(text: str, after_tokens: int = 4) -> Reply:
    """A reply that stops in the middle until somebody ends it."""
    return Reply(text, fault="hang", fault_after_tokens=after_tokens)


def stage_engine(folder: Path, *replies: Reply | str, save: bool = False) -> Engine:
    session = ScriptedSession(replies or ["Fresher than you."])
    return open_engine(folder, session, save=save, clock=FakeClock())


def write_long_chat(folder: Path, num_lines: int) -> None:
    """A project whose save holds one chat with Ann of that many lines."""
    write_project(folder)
    store = SaveStore.open(folder / "slot.db", FakeClock())
    chat = store.create_chat("long", "ann")
    for number in range(num_lines):
        by_player = number % 2 == 0
        said = LineSaid(
            role="player" if by_player else "npc",
            speaker="player" if by_player else "ann",
            text=f"Line {number} of a long talk at the mill.",
            hearers=("ann",) if by_player else ("player",),
        )
        store.append(chat.id, said, day=1, minute=0)
    store.close()


class Stage:
    """A running app and what a test asks of it."""

    def __init__(self, app: NpcApp, pilot) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def chat(self):
        return self.app.bridge.conversation.state

    @property
    def box(self) -> LineInput:
        return self.app.screen.query_one(LineInput)

    @property
    def log(self) -> Log:
        return self.app.screen.query_one(Log)

    @property
    def views(self) -> list[LineView]:
        return list(self.log.query(LineView))

    def row(self, name: str) -> str:
        return self.app.screen.query_one(f"#{name}", TextRow).text

    def texts(self) -> list[str]:
        return [line.text for line in self.chat.lines]

    async def until(self, holds) -> None:
        """Let the app run until something holds; fails after a long while."""
        async with asyncio.timeout(30):
            while not holds():
                await self.pilot.pause()

    async def type(self, text: str) -> None:
        keys = {" ": "space", "/": "slash", "\n": "ctrl+j", "=": "equals_sign"}
        await self.pilot.press(*(keys.get(letter, letter) for letter in text))

    async def say(self, text: str) -> None:
        """Type a line, send it, and wait until its reply is over."""
        await self.type(text)
        await self.pilot.press("enter")
        await self.until(lambda: not self.box.text)
        await self.idle()

    async def idle(self) -> None:
        await self.until(lambda: not self.chat.is_writing)
        await self.pilot.pause()

    async def writing(self, text: str) -> None:
        """Wait until the reply under way reads like this."""
        await self.until(lambda: self.chat.lines and self.chat.lines[-1].text == text)
        await self.pilot.pause()


@asynccontextmanager
async def running(engine: Engine, npc_id: str | None = "ann", size=WIDE, **options):
    """The app on an engine, with everything ready; the engine is closed afterwards."""
    options.setdefault("keymap_path", Path("no such folder") / "keymap.json")
    app = NpcApp(engine, npc_id, now=lambda: 1_000_000.0 + 7200, **options)
    with engine:
        async with app.run_test(size=size) as pilot:
            stage = Stage(app, pilot)
            await stage.until(lambda: app.bridge.model.phase == "ready")
            if npc_id is not None:
                await stage.until(lambda: isinstance(app.screen, ChatScreen))
                stage.box.cursor_blink = False
                await stage.until(lambda: stage.chat.lines and not stage.chat.is_writing)
                await stage.until(lambda: stage.chat.plan is not None)
            await pilot.pause()
            yield stage
