"""A row of text that is drawn anew only when its text changes."""

from textual.content import Content
from textual.widgets import Static


class TextRow(Static):
    """Literal text; setting what is shown already costs nothing."""

    def __init__(self, id: str) -> None:
        """An empty row."""
        super().__init__("", markup=False, id=id)
        self.text = ""
        """What is shown."""

    def show(self, text: str, style: str = "") -> None:
        """Show a text, all of it in one style."""
        if text != self.text:
            self.text = text
            self.update(Content.styled(text, style) if style else Content(text))
