"""An interrupted reply: what was heard of it stays, the rest goes into the record."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from npc_engine.dialogue.attempt import Reply
from npc_engine.errors import LateWriteError
from npc_engine.memory.entries import LineEdited, LineSaid
from npc_engine.memory.store import SaveStore


def as_heard(reply: Reply, shown: str, heard_chars: int | None) -> Reply:
    """A reply as its hearers know it.

    Args:
        reply: As the model wrote it.
        shown: What the game was given of it.
        heard_chars: How many characters of that were heard; None is all of it.
    """
    if heard_chars is None:
        return reply
    lead = len(shown) - len(shown.lstrip())
    size = max(0, heard_chars - lead)
    if heard_chars >= len(shown.rstrip()) and reply.text:
        return reply
    heard = reply.text[:size].rstrip()
    return replace(
        reply,
        text=heard,
        reason="cancelled",
        token_ids=None,
        cut=reply.cut + reply.text[len(heard) :],
        detail="; ".join(
            filter(None, [reply.detail, f"interrupted after {heard_chars} characters"])
        ),
    )


def cut_stored(
    store: SaveStore, chat_id: int, entry_id: int, heard_chars: int, epoch: int | None = None
) -> bool:
    """Cut a reply that is in the save already to what was heard of it.

    Args:
        store: The save.
        chat_id: A chat of it.
        entry_id: Entry of the reply.
        heard_chars: How many characters of it were heard; 0 takes the reply out of every memory.
        epoch: When the line was handed in; None: now.

    Returns:
        Whether anything was cut. Not where the reply has left the path, was heard to its end, or
        was edited by somebody.

    Raises:
        LateWriteError: The save was restored since `epoch`.
    """
    path = store.path(chat_id)
    said = next((entry for entry in path if entry.id == entry_id), None)
    if said is None or not isinstance(said.payload, LineSaid):
        return False
    words = said.payload.text
    for entry in path:
        if isinstance(entry.payload, LineEdited) and entry.payload.target == entry_id:
            if entry.payload.why != "interrupted":
                return False
            words = entry.payload.text
    if heard_chars >= len(words):
        return False
    cut = LineEdited(target=entry_id, text=words[:heard_chars].rstrip(), why="interrupted")
    last = path[-1]
    store.append(chat_id, cut, day=last.day, minute=last.minute, epoch=epoch)
    return True


def cut_parts(
    store: SaveStore, chat_id: int, parts: Sequence[tuple[int, int]], heard_chars: int, epoch: int
) -> bool:
    """Cut a stored reply of one part or two; see `cut_stored`.

    Args:
        store: The save.
        chat_id: A chat of it.
        parts: Entries of the reply, and where in its text each begins.
        heard_chars: How many characters of the text were heard.
        epoch: When the line was handed in; after a restore nothing is cut.
    """
    is_cut = False
    with suppress(LateWriteError):
        for entry_id, begins_at in parts:
            left = max(0, heard_chars - begins_at)
            is_cut |= cut_stored(store, chat_id, entry_id, left, epoch)
    return is_cut
