"""Help: every key with its id, every command."""

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from npc_engine.dialogue.commands import COMMANDS
from npc_engine.tui.wording import key_table


class HelpScreen(ModalScreen[None]):
    """Lies over another screen until it is closed."""

    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "dismiss", "close", id="help.close"),
    ]

    def __init__(self, keys: Iterable[tuple[str, str]], keymap_path: str) -> None:
        """Show these keys with what they do, and where a person can change them."""
        super().__init__()
        self._keys = tuple(keys)
        self._keymap_path = keymap_path

    def compose(self) -> ComposeResult:
        """One text that scrolls."""
        commands = [(f"/{one.name} {one.hint}".strip(), one.help) for one in COMMANDS]
        with VerticalScroll(id="help"):
            yield Static(
                Content.assemble(
                    ("Keys\n", "bold"),
                    key_table(self._keys),
                    ("\n\nCommands\n", "bold"),
                    key_table(commands),
                    ("\n\nIn the box\n", "bold"),
                    "*stars* are acts; // begins a line with a slash; the arrows swipe and page\n"
                    "only while the box is empty.\n\n",
                    (f"Other keys: {self._keymap_path}, ids in brackets. esc closes.", "italic"),
                ),
                markup=False,
            )
