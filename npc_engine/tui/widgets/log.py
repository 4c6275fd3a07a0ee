"""The log: a window of widgets over all lines of a chat."""

from textual.containers import VerticalScroll
from textual.widgets import Static

from npc_engine.tui import window as windows
from npc_engine.tui.state import ShownLine
from npc_engine.tui.widgets.line_content import line_content
from npc_engine.tui.window import Window

_NEAR_ROWS = 2
"""How near to an end of the mounted lines scrolling mounts more."""


class LineView(Static):
    """One line. While it grows, the layout is only worked out anew when its height changes."""

    def __init__(self, line: ShownLine, npc_style: str) -> None:
        """Show a line; `npc_style` is the colour of the NPC's name."""
        self._content = line_content(line, npc_style)
        super().__init__(self._content, markup=False, classes=line.role)
        self.line = line
        self.num_reflows = 0
        """How often the line asked for a new layout."""
        self._npc_style = npc_style

    def show(self, line: ShownLine) -> None:
        """Show a changed line."""
        if line is self.line:
            return
        before = self._num_rows()
        self.line = line
        self._content = line_content(line, self._npc_style)
        changed = self._num_rows() != before
        self.num_reflows += changed
        self.update(self._content, layout=changed)

    def _num_rows(self) -> int:
        width = self.content_size.width
        return len(self._content.wrap(width)) if width else 0


class Log(VerticalScroll, can_focus=False):
    """All lines of a chat, of which the newest, or those around the scroll position, are mounted.

    Follows the end until the person scrolls up.
    """

    def __init__(self, npc_style: str) -> None:
        """An empty log; `npc_style` is the colour of the NPC's name."""
        super().__init__(id="log")
        self._npc_style = npc_style
        self._lines: tuple[ShownLine, ...] = ()
        self._window = Window(0, 0)
        self._views: dict[int, LineView] = {}
        self._is_shifting = False

    @property
    def mounted_window(self) -> Window:
        """Which lines are mounted."""
        return self._window

    def on_mount(self) -> None:
        """Follow the end from the start."""
        self.anchor()

    def show(self, lines: tuple[ShownLine, ...]) -> None:
        """Show these lines; only what differs is touched."""
        if lines is self._lines:
            return
        before, self._lines = len(self._lines), lines
        self._window = windows.follow(self._window, before, len(lines))
        self._sync()

    def follow_end(self) -> None:
        """Go to the newest line and follow the end again."""
        if self._window.last < len(self._lines):
            self._window = windows.tail(len(self._lines))
            self._sync()
        self.anchor()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Mount more lines when an end of the mounted ones comes near."""
        super().watch_scroll_y(old_value, new_value)
        if self._is_shifting or old_value == new_value:
            return
        if new_value < old_value and new_value <= _NEAR_ROWS and self._window.first > 0:
            self._shift(windows.older(self._window))
        elif (
            new_value > old_value
            and new_value >= self.max_scroll_y - _NEAR_ROWS
            and self._window.last < len(self._lines)
        ):
            self._shift(windows.newer(self._window, len(self._lines)))

    def _shift(self, window: Window) -> None:
        """Mount another part; the line at the top of the view stays where it is."""
        self._is_shifting = True
        eye = next(
            (view for view in self._views.values() if view.virtual_region.bottom > self.scroll_y),
            None,
        )
        above = 0 if eye is None else eye.virtual_region.y - self.scroll_y
        self._window = window
        self._sync()
        self.call_after_refresh(self._settle, eye, above)

    def _settle(self, eye: LineView | None, above: float) -> None:
        if eye is not None and eye.is_attached:
            self.scroll_to(y=eye.virtual_region.y - above, animate=False, immediate=True)
        self._is_shifting = False

    def _sync(self) -> None:
        """Make the mounted widgets those of the window."""
        wanted = self._lines[self._window.first : self._window.last]
        keys = {line.key for line in wanted}
        gone = [view for key, view in self._views.items() if key not in keys]
        views: dict[int, LineView] = {}
        fresh: list[LineView] = []
        with self.app.batch_update():
            if gone:
                self.remove_children(gone)
            for line in wanted:
                view = self._views.get(line.key)
                if view is None:
                    fresh.append(view := LineView(line, self._npc_style))
                else:
                    if fresh:
                        self.mount_all(fresh, before=view)
                        fresh = []
                    view.show(line)
                views[line.key] = view
            if fresh:
                self.mount_all(fresh)
        self._views = views
