"""The cast as cards: who there is, and when they were spoken with last."""

from dataclasses import dataclass

from npc_engine.dialogue.plain_text import plain
from npc_engine.engine import Engine
from npc_engine.errors import StoreError
from npc_engine.tui.wording import first_words

_MAX_WORDS_CHARS = 70


@dataclass(frozen=True, slots=True)
class Card:
    """One character of the cast."""

    npc_id: str
    name: str
    summary: str
    last_at: float | None = None
    """Unix seconds of the last chat; None if there was none."""
    last_words: str = ""
    """How the last line of that chat begins, with who said it."""


def cast_cards(engine: Engine) -> tuple[Card, ...]:
    """A card for everybody, in the order of their files."""
    return tuple(_card(engine, npc_id) for npc_id in engine.npc_ids)


def _card(engine: Engine, npc_id: str) -> Card:
    sheet = engine.cast.sheets[npc_id]
    card = Card(npc_id, plain(sheet.name), " ".join(plain(sheet.summary).split()))
    try:
        chats = engine.chats(npc_id)
        if not chats:
            return card
        history = engine.npc(npc_id, chats[0].id).history()
    except StoreError:
        return card
    words = ""
    if history:
        last = history[-1]
        who = "You" if last.role == "player" else plain(sheet.nickname)
        words = f"{who}: {first_words(plain(last.text), _MAX_WORDS_CHARS)}"
    return Card(card.npc_id, card.name, card.summary, chats[0].updated_at, words)
