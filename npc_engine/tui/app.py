"""The terminal app: screens over one engine. Imports no torch; the model is the engine's affair."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.screen import Screen

from npc_engine.engine import Engine
from npc_engine.errors import NpcEngineError
from npc_engine.model import Choice
from npc_engine.tui.bridge import Bridge
from npc_engine.tui.keymap import default_keymap_path, read_keymap
from npc_engine.tui.keys import binding_ids, help_rows, own_bindings
from npc_engine.tui.screens.chat import ChatScreen
from npc_engine.tui.screens.chooser import CastList, ChooserScreen
from npc_engine.tui.screens.help import HelpScreen
from npc_engine.tui.widgets.line_input import LineInput

_PUMPS_PER_S = 30
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
_SIGNAL_EXIT = 128


class NpcApp(App[None]):
    """Choose a character, talk, see what the prompt costs."""

    CSS_PATH = "npc.tcss"
    TITLE = "npc"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "help", id="app.help", priority=True),
        Binding("ctrl+p", "command_palette", "all", id="app.palette", show=False, priority=True),
        Binding("ctrl+q", "quit", "quit", id="app.quit", priority=True),
    ]

    def __init__(
        self,
        engine: Engine,
        npc_id: str | None = None,
        *,
        model: Choice | None = None,
        keymap_path: Path | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """See `run_app`."""
        super().__init__()
        self.bridge = Bridge(engine)
        self._npc_id = npc_id
        self._why = model.why if model else ""
        self._keymap_path = keymap_path or default_keymap_path()
        self._keymap_keys: dict[str, str] = {}
        self._now = now
        self._told_clashes: set[str] = set()
        self._taken_signals: list[signal.Signals] = []

    # -- life ---------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Take over signals and keys, begin to pump, open the first screen."""
        self._take_signals()
        self.set_interval(1 / _PUMPS_PER_S, self.bridge.pump)
        if self._npc_id is None:
            self._show_cast()
        else:
            self._open(self._npc_id)
        self._take_keymap()

    def on_unmount(self) -> None:
        """Stop listening to the engine and to signals."""
        self.bridge.close()
        for number in self._taken_signals:
            asyncio.get_running_loop().remove_signal_handler(number)

    def _take_signals(self) -> None:
        """End by the normal way on a signal, so that the terminal is restored."""
        loop = asyncio.get_running_loop()
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is None:
                continue
            code = _SIGNAL_EXIT + int(number)
            try:
                loop.add_signal_handler(number, self.exit, None, code)
                self._taken_signals.append(number)
            except NotImplementedError:
                signal.signal(
                    number, lambda *_, code=code: loop.call_soon_threadsafe(self.exit, None, code)
                )
            except (ValueError, RuntimeError):
                return  # not the main thread: signals are somebody else's

    def _take_keymap(self) -> None:
        result = read_keymap(self._keymap_path, binding_ids(_OWNERS))
        self._keymap_keys = result.keys
        self.set_keymap(result.keys)
        for fault in result.faults:
            self.notify(fault, title="keymap", severity="error", markup=False, timeout=20)

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: DOMNode) -> None:
        """Say once that a key of the keymap took the place of another binding."""
        for binding in clashed_bindings:
            key = binding.id or binding.action
            if key not in self._told_clashes:
                self._told_clashes.add(key)
                text = f'{binding.key} is taken by the keymap; "{key}" has no key now'
                self.notify(text, title="keymap", severity="warning", markup=False, timeout=20)

    # -- screens ------------------------------------------------------------------------------

    def _show_cast(self) -> None:
        self.bridge.leave()
        self._show_screen(ChooserScreen(self.bridge, self._why, self._now))

    def _open(self, npc_id: str, *, anew: bool = False) -> None:
        try:
            conversation = self.bridge.open(npc_id, anew=anew)
        except NpcEngineError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self._show_screen(ChatScreen(self.bridge, conversation))

    def _show_screen(self, screen: Screen[None]) -> None:
        if isinstance(self.screen, ChatScreen | ChooserScreen):
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def on_chooser_screen_chosen(self, event: ChooserScreen.Chosen) -> None:
        """Open a chat with the chosen character."""
        self._open(event.npc_id, anew=event.anew)

    def on_chat_screen_new_chat(self) -> None:
        """Begin anew with the same character."""
        if self.bridge.conversation is not None:
            self._open(self.bridge.conversation.npc_id, anew=True)

    def on_chat_screen_help_asked(self) -> None:
        """Open the help."""
        self.action_help()

    def on_chat_screen_back_to_cast(self) -> None:
        """Let the person choose again."""
        self._show_cast()

    def action_help(self) -> None:
        """Open the help, or close it."""
        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss()
            return
        rows = help_rows(_OWNERS, self._keymap_keys)
        self.push_screen(HelpScreen(rows, str(self._keymap_path)))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every key of the current screen, for the palette, and the themes."""
        for binding in own_bindings((type(screen), NpcApp)):
            if binding.action == "command_palette":
                continue
            on_app = binding in NpcApp.BINDINGS
            run = partial(self.run_action, binding.action, self if on_app else screen)
            title = f"{binding.description} ({binding.key})"
            yield SystemCommand(title, binding.id or "", run)
        yield SystemCommand("theme", "choose colours", self.action_change_theme)


_OWNERS: tuple[type[DOMNode], ...] = (
    NpcApp,
    ChatScreen,
    LineInput,
    ChooserScreen,
    CastList,
    HelpScreen,
)


def run_app(
    engine: Engine,
    npc_id: str | None = None,
    *,
    model: Choice | None = None,
    keymap_path: Path | None = None,
    now: Callable[[], float] = time.time,
) -> int:
    """Open the app in this terminal and come back when the person leaves.

    The caller closes the engine, which keeps what was heard of a reply under way.

    Args:
        engine: What to talk with; its model may still be loading.
        npc_id: Whom to talk with; None lets the person choose.
        model: Which model was chosen and why, to be shown.
        keymap_path: The person's own keys; by default `keymap.json` in their config folder.
        now: Unix seconds, to say how long ago a chat was.

    Returns:
        The exit code: 0, or 128 + the signal that ended it.

    Raises:
        CommandError: There is no such character.
    """
    if npc_id is not None:
        engine.npc(npc_id)
    app = NpcApp(engine, npc_id, model=model, keymap_path=keymap_path, now=now)
    with contextlib.suppress(KeyboardInterrupt):
        app.run()
    return app.return_code or 0
