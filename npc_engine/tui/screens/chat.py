"""The chat: log, box, status, gauge."""

import asyncio
from collections.abc import Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.color import Color, ColorParseError
from textual.containers import Horizontal
from textual.events import Resize
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static, TextArea

from npc_engine.errors import NpcEngineError
from npc_engine.prompt.plan import Plan
from npc_engine.tui.bridge import Bridge
from npc_engine.tui.colours import readable
from npc_engine.tui.conversation import Conversation
from npc_engine.tui.widgets.line_input import LineInput
from npc_engine.tui.widgets.log import Log
from npc_engine.tui.widgets.panel import PromptPanel
from npc_engine.tui.widgets.text_row import TextRow
from npc_engine.tui.wording import command_hint, machine_text, place_text, status_words

WIDE_COLUMNS = 100
"""From here on the panel stands beside the log instead of over it."""

_DRAFT_EVERY_S = 0.5
_LEVEL_STYLES = {"info": "", "warning": "bold $text-warning", "error": "bold $text-error"}


class ChatScreen(Screen[None]):
    """One conversation."""

    HORIZONTAL_BREAKPOINTS = [
        (0, "-narrow"),
        (WIDE_COLUMNS, "-wide"),
    ]
    AUTO_FOCUS = "LineInput"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop", "stop", id="chat.stop", key_display="esc"),
        Binding("left", "swipe(-1)", "swipe", id="chat.previous", key_display="←"),
        Binding("right", "swipe(1)", "swipe or write another", id="chat.next", show=False),
        Binding("ctrl+r", "again", "again", id="chat.again"),
        Binding("up", "recall", "your last line again", id="chat.recall", show=False),
        Binding("ctrl+n", "new_chat", "new", id="chat.new"),
        Binding("ctrl+o", "cast", "cast", id="chat.cast"),
        Binding("f2", "panel", "prompt", id="chat.panel"),
        Binding("ctrl+c", "copy_or_stop", "copy, or stop", id="chat.copy", show=False),
        Binding("pageup", "page(-1)", "a page up", id="chat.page_up", show=False),
        Binding("pagedown", "page(1)", "a page down", id="chat.page_down", show=False),
        Binding("ctrl+up", "row(-1)", "a row up", id="chat.row_up", show=False),
        Binding("ctrl+down", "row(1)", "a row down", id="chat.row_down", show=False),
        Binding("home", "oldest", "to the top of what is shown", id="chat.oldest", show=False),
        Binding("end", "newest", "to the end", id="chat.newest", show=False),
    ]

    class NewChat(Message):
        """The person wants to begin anew with this character."""

    class HelpAsked(Message):
        """The person wants to see keys and commands."""

    class BackToCast(Message):
        """The person wants to choose another character."""

    def __init__(self, bridge: Bridge, conversation: Conversation) -> None:
        """Show a conversation of the bridge."""
        super().__init__()
        self.conversation = conversation
        self._bridge = bridge
        self._unlisten = bridge.listen(self.show)
        self._is_built = False
        self._panel_is_open = {True: True, False: False}
        self._typed = self._kept = conversation.typed()

    # -- building -----------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Header, log and panel, status, box, keys."""
        with Horizontal(id="header"):
            yield TextRow("place")
            yield TextRow("machine")
        with Horizontal(id="body"):
            yield Log(self._npc_style())
            yield PromptPanel()
        yield TextRow("status")
        with Horizontal(id="entry"):
            yield Static("❯", id="sign")
            yield LineInput()
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Restore what was half typed, and show everything."""
        self._is_built = True
        self.query_one(LineInput).set_text(self._typed)
        self.set_interval(_DRAFT_EVERY_S, self._keep_typed)
        self._place_panel()
        self.show()

    def on_unmount(self) -> None:
        """Keep what is half typed."""
        self._keep_typed()
        self._unlisten()

    @on(Resize)
    def _on_size(self) -> None:
        self._place_panel()
        self.show()

    # -- showing ------------------------------------------------------------------------------

    def show(self) -> None:
        """Bring every widget up to the state; what did not change costs next to nothing."""
        if not self._is_built:
            return
        state, model = self.conversation.state, self._bridge.model
        self.query_one(Log).show(state.lines)
        self.query_one(PromptPanel).show(state.plan)
        self.query_one("#place", TextRow).show(place_text(state))
        narrow = not self._is_wide()
        self.query_one("#machine", TextRow).show(machine_text(state, model, is_narrow=narrow))
        self._show_status()
        if state.returned_words:
            words = self.conversation.take_returned_words()
            box = self.query_one(LineInput)
            if not box.text:
                box.set_text(words)
        if (job := self.conversation.plan_job()) is not None:
            self._work_out_plan(job)

    def _show_status(self) -> None:
        row = self.query_one("#status", TextRow)
        hint = command_hint(self.query_one(LineInput).text)
        if hint:
            row.show(hint, "$foreground-muted")
            return
        state = self.conversation.state
        words = " · ".join(status_words(state, self._bridge.model))
        if state.notice is None:
            row.show(words, "$foreground-muted")
            return
        level = "" if state.notice.level == "info" else f"{state.notice.level}: "
        row.show(f"{words} │ {level}{state.notice.text}", _LEVEL_STYLES[state.notice.level])

    @work(group="plan", exclusive=True)
    async def _work_out_plan(self, job: Callable[[], Plan]) -> None:
        try:
            plan = await asyncio.to_thread(job)
        except NpcEngineError as error:
            self.conversation.notice(str(error), "error")
        else:
            self.conversation.show_plan(plan)
        self.show()

    def _npc_style(self) -> str:
        """The sheet's colour, readable on this theme; empty if it names none that is known."""
        try:
            colour = Color.parse(self.conversation.colour.replace("_", ""))
            background = Color.parse(self.app.theme_variables["background"])
        except (ColorParseError, KeyError):
            return ""
        return readable(colour.hex6, background.hex6)

    def _is_wide(self) -> bool:
        return self.app.size.width >= WIDE_COLUMNS

    def _place_panel(self) -> None:
        self.set_class(self._panel_is_open[self._is_wide()], "-panel")

    # -- the box ------------------------------------------------------------------------------

    @on(LineInput.Sent)
    def _on_sent(self, event: LineInput.Sent) -> None:
        box = self.query_one(LineInput)
        self.conversation.clear_notice()
        if event.text.startswith("/") and not event.text.startswith("//"):
            effect = self.conversation.command(event.text)
            if effect == "quit":
                self.app.exit()
            elif effect == "new_chat":
                self.post_message(self.NewChat())
            elif effect == "help":
                self.post_message(self.HelpAsked())
        elif not self.conversation.send(event.text) and not box.text:
            box.set_text(event.text)
        self.query_one(Log).follow_end()
        self.show()

    @on(TextArea.Changed)
    def _on_typed(self, event: TextArea.Changed) -> None:
        self._typed = event.text_area.text
        self._show_status()

    def _keep_typed(self) -> None:
        """Write down what is in the box; not while a sent line still waits to be stored."""
        waiting = any(not live.recorded for live in self.conversation.state.live)
        if self._typed != self._kept and not (waiting and not self._typed):
            self._kept = self._typed
            self.conversation.keep_typed(self._typed)

    # -- keys ---------------------------------------------------------------------------------

    def action_stop(self) -> None:
        """Close the panel that lies over the log, else stop the reply."""
        if not self._is_wide() and self._panel_is_open[False]:
            self.action_panel()
        elif not self.conversation.stop():
            self.conversation.clear_notice()
            self.query_one(Log).follow_end()
        self.show()

    def action_swipe(self, step: int) -> None:
        """Show the reply before or after; past the last one, write another."""
        self.conversation.clear_notice()
        self.conversation.swipe(step)
        self.show()

    def action_again(self) -> None:
        """Write another reply."""
        self.conversation.regenerate()
        self.query_one(Log).follow_end()
        self.show()

    def action_recall(self) -> None:
        """Put the player's last line back into the box."""
        self.query_one(LineInput).set_text(self.conversation.recall())

    def action_new_chat(self) -> None:
        """Begin anew with this character."""
        self.post_message(self.NewChat())

    def action_cast(self) -> None:
        """Choose another character."""
        self.post_message(self.BackToCast())

    def action_panel(self) -> None:
        """Open or close the panel of the prompt."""
        wide = self._is_wide()
        self._panel_is_open[wide] = not self._panel_is_open[wide]
        self._place_panel()

    def action_copy_or_stop(self) -> None:
        """Copy the selection; without one, stop the reply; without one, say how to leave."""
        selection = self.get_selected_text()
        if selection:
            self.app.copy_to_clipboard(selection)
            self.conversation.notice("copied")
        elif not self.conversation.stop():
            self.conversation.notice("ctrl+q quits; everything is saved")
        self.show()

    def action_page(self, step: int) -> None:
        """Scroll the log by a page."""
        log = self.query_one(Log)
        log.scroll_relative(y=step * max(1, log.size.height - 2), animate=False)

    def action_row(self, step: int) -> None:
        """Scroll the log by a row."""
        self.query_one(Log).scroll_relative(y=step, animate=False)

    def action_oldest(self) -> None:
        """Scroll to the top of what is mounted; older lines then follow."""
        self.query_one(Log).scroll_home(animate=False)

    def action_newest(self) -> None:
        """Scroll to the newest line and follow the end."""
        self.query_one(Log).follow_end()
