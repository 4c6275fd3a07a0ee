"""The chooser: the cast of the world as cards."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, OptionList
from textual.widgets.option_list import Option

from npc_engine.dialogue.plain_text import plain
from npc_engine.tui.bridge import Bridge
from npc_engine.tui.cards import Card, cast_cards
from npc_engine.tui.widgets.text_row import TextRow
from npc_engine.tui.wording import ago_text, model_text


def card_content(card: Card, now: float) -> Content:
    """Name and last chat in the first row, then the summary, then the last words."""
    when = "" if card.last_at is None else f"  {ago_text(now - card.last_at)}"
    parts: list[str | tuple[str, str]] = [(card.name, "bold"), when]
    if card.summary:
        parts.append(f"\n{card.summary}")
    if card.last_words:
        parts.append((f"\n{card.last_words}", "italic"))
    return Content.assemble(*parts, "\n")


class CastList(OptionList):
    """The cards; enter and a click choose."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "talk", id="cast.talk"),
        Binding("up,k", "cursor_up", "up", id="cast.up", show=False),
        Binding("down,j", "cursor_down", "down", id="cast.down", show=False),
    ]


class ChooserScreen(Screen[None]):
    """Everybody who can be spoken with."""

    AUTO_FOCUS = "CastList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "talk_anew", "new chat", id="cast.new"),
    ]

    @dataclass
    class Chosen(Message):
        """The person wants to talk with this character."""

        npc_id: str
        anew: bool = False

    def __init__(self, bridge: Bridge, why: str, now: Callable[[], float]) -> None:
        """Offer the cast of the bridge's engine.

        Args:
            bridge: Where cast and model come from.
            why: Why this model is used, in one line; may be empty.
            now: Unix seconds.
        """
        super().__init__()
        self._bridge = bridge
        self._why = why
        self._now = now
        self._cards = cast_cards(bridge.engine)
        self._unlisten = bridge.listen(self.show)
        self._is_built = False

    def compose(self) -> ComposeResult:
        """World, cards, model, keys."""
        yield TextRow("place")
        yield TextRow("setting")
        now = self._now()
        yield CastList(
            *(Option(card_content(card, now), id=card.npc_id) for card in self._cards),
            id="cards",
            markup=False,
        )
        yield TextRow("status")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Begin at the character spoken with last."""
        self._is_built = True
        latest = max(
            range(len(self._cards)), key=lambda i: self._cards[i].last_at or 0.0, default=None
        )
        self.query_one(CastList).highlighted = latest
        self.show()

    def on_unmount(self) -> None:
        """Stop listening."""
        self._unlisten()

    def show(self) -> None:
        """Bring the rows up to the state."""
        if not self._is_built:
            return
        world = self._bridge.engine.cast.world
        self.query_one("#place", TextRow).show(f"{plain(world.name)}: whom do you talk with?")
        self.query_one("#setting", TextRow).show(" ".join(plain(world.setting).split()))
        model = self._bridge.model
        parts = [model_text(model), self._why]
        if model.phase == "failed":
            parts = ["no model", f"error: {model.text}"]
        style = "bold $text-error" if model.phase == "failed" else "$foreground-muted"
        self.query_one("#status", TextRow).show(" · ".join(filter(None, parts)), style)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A card was clicked, or chosen by enter."""
        self.post_message(self.Chosen(str(event.option_id)))

    def action_talk_anew(self) -> None:
        """Begin a new chat with the marked character."""
        index = self.query_one(CastList).highlighted
        if index is not None:
            self.post_message(self.Chosen(self._cards[index].npc_id, anew=True))
