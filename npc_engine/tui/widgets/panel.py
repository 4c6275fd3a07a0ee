"""The panel of the prompt: every section of the last plan with its tokens."""

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from npc_engine.prompt.plan import Plan
from npc_engine.tui.wording import gauge_rows, gauge_sums, section_bar

_BAR_CELLS = 12


def panel_content(plan: Plan | None) -> Content:
    """The sections as a table with bars, then the sums."""
    title = ("Prompt\n", "bold")
    if plan is None:
        return Content.assemble(title, ("known once the model is loaded", "$foreground-muted"))
    rows = gauge_rows(plan)
    largest = max(row.tokens for row in rows)
    parts: list[str | tuple[str, str]] = [title]
    for row in rows:
        bar = section_bar(row.tokens, largest, _BAR_CELLS)
        if row.is_kept_free:
            parts.append((f"{row.name:<9}{row.tokens:>6,} ", "$foreground-muted"))
            parts.append((f"{bar.replace('▇', '▒')}\n", "$foreground-muted"))
        else:
            parts += [f"{row.name:<9}{row.tokens:>6,} ", (f"{bar}\n", "$primary")]
    parts.append(("\n" + "\n".join(gauge_sums(plan)), "$foreground-muted"))
    return Content.assemble(*parts)


class PromptPanel(VerticalScroll, can_focus=False):
    """Shows a plan beside the log, or over it where the screen is narrow."""

    def __init__(self) -> None:
        """A panel without a plan."""
        self._plan: Plan | None = None
        self._body = Static(panel_content(None), markup=False)
        super().__init__(self._body, id="panel")

    def show(self, plan: Plan | None) -> None:
        """Show a plan."""
        if plan is not self._plan:
            self._plan = plan
            self._body.update(panel_content(plan))
