"""A line of the log as styled text. Everything in it is literal but the stars of acts."""

from textual.content import Content

from npc_engine.tui.acts import act_spans
from npc_engine.tui.state import ShownLine
from npc_engine.tui.wording import version_text

_CURSOR = "▌"
_NAME_STYLES = {
    "player": "bold $text-accent",
    "npc": "bold $text-primary",
    "narrator": "bold italic",
}


def line_content(line: ShownLine, npc_style: str) -> Content:
    """Name and marks in the first row, the words below.

    Args:
        line: What to show.
        npc_style: The colour of the NPC's name; empty for the theme's.
    """
    if line.role == "note":
        return Content.assemble(
            (line.name, "bold $foreground-muted"), "\n", (line.text, "$foreground-muted")
        )
    style = f"bold {npc_style}" if line.role == "npc" and npc_style else _NAME_STYLES[line.role]
    marks = [version_text(line.version, line.versions), line.mark, "folded" if line.folded else ""]
    if line.writing:
        marks.append("● writing")
    head = "".join(f"  {mark}" for mark in marks if mark)
    words = Content(line.text + (_CURSOR if line.writing else ""))
    for start, end in act_spans(line.text):
        words = words.stylize("italic $foreground-muted", start, end)
    if line.folded:
        words = words.stylize_before("$foreground-muted")
    return Content.assemble((line.name, style), (head, "$foreground-muted"), "\n", words)
