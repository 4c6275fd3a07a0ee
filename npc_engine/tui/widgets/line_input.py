"""The box in which the player writes."""

from dataclasses import dataclass
from typing import ClassVar

from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.events import Key
from textual.message import Message
from textual.widgets import TextArea

from npc_engine.tui.wording import matching_commands

_SEND = "chat.send"
_NEWLINE = "chat.newline"


class LineInput(TextArea):
    """A text box of one to five rows: enter sends, and in an empty box the arrows are free."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "send", id=_SEND),
        Binding("ctrl+j,shift+enter", "newline", "line", id=_NEWLINE, key_display="^j"),
        Binding("tab", "complete", "complete a command", id="chat.complete", show=False),
    ]

    @dataclass
    class Sent(Message):
        """The player wants to say this, or to run it as a command."""

        text: str

    def __init__(self) -> None:
        """An empty box."""
        super().__init__(
            id="input",
            compact=True,
            highlight_cursor_line=False,
            placeholder="Say something; *act*; /help; ← → other replies",
        )
        self._own_keys: dict[str, str] = {}

    def on_focus(self) -> None:
        """Learn which keys send and break rows; a keymap may have changed them."""
        for key, active in self.screen.active_bindings.items():
            if active.node is self and active.binding.id in (_SEND, _NEWLINE):
                self._own_keys[key] = active.binding.id

    async def _on_key(self, event: Key) -> None:
        """Send and break rows in the order of the keys.

        A priority binding would overtake letters that still wait in the queue of the box, and a
        bubbling one would be overtaken: a fast typist would send half a line.
        """
        own = self._own_keys.get(event.key)
        if own is None:
            return
        event.stop()
        event.prevent_default()
        if own == _SEND:
            self.action_send()
        else:
            self.action_newline()

    def set_text(self, text: str) -> None:
        """Replace what is in the box and put the cursor at its end."""
        self.load_text(text)
        self.move_cursor(self.document.end)

    def action_send(self) -> None:
        """Hand over the text and empty the box at once, before another key can come."""
        text = self.text.strip()
        if text:
            self.load_text("")
            self.post_message(self.Sent(text))

    def action_newline(self) -> None:
        """Begin a new row."""
        self.insert("\n")

    def action_complete(self) -> None:
        """Complete a command as far as it is clear; elsewhere tab moves on."""
        names = [command.name for command in matching_commands(self.text)]
        if not names:
            raise SkipAction
        if len(names) == 1:
            self.set_text(f"/{names[0]} ")

    def action_cursor_left(self, select: bool = False) -> None:
        """Move, or leave the key to the screen."""
        self._leave_if_empty()
        super().action_cursor_left(select)

    def action_cursor_right(self, select: bool = False) -> None:
        """Move, or leave the key to the screen."""
        self._leave_if_empty()
        super().action_cursor_right(select)

    def action_cursor_up(self, select: bool = False) -> None:
        """Move, or leave the key to the screen."""
        self._leave_if_empty()
        super().action_cursor_up(select)

    def action_cursor_line_start(self, select: bool = False) -> None:
        """Move, or leave the key to the screen."""
        self._leave_if_empty()
        super().action_cursor_line_start(select)

    def action_cursor_line_end(self, select: bool = False) -> None:
        """Move, or leave the key to the screen."""
        self._leave_if_empty()
        super().action_cursor_line_end(select)

    def action_cursor_page_up(self) -> None:
        """Pages are those of the log: the box is too small to have any."""
        raise SkipAction

    def action_cursor_page_down(self) -> None:
        """Pages are those of the log: the box is too small to have any."""
        raise SkipAction

    def _leave_if_empty(self) -> None:
        if not self.text:
            raise SkipAction
