"""The lines of a path as one NPC heard them, with every edit applied.

Everything an NPC remembers is derived from these; a line it neither heard nor said is not among
them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from npc_engine.memory.entries import Entry, LineEdited, LineSaid, SpokenBy


@dataclass(frozen=True, slots=True)
class HeardLine:
    """One line as it reads at the end of a path."""

    entry_id: int
    role: SpokenBy
    speaker: str
    """Id of the NPC, or `player`."""
    text: str
    """After edits; never empty."""
    is_own: bool
    """Said by the NPC whose ears these are."""
    authored: bool
    edited: bool
    hearers: tuple[str, ...]
    day: int
    minute: int
    token_ids: tuple[int, ...] | None
    """The model's ids for exactly this text; None once it was edited."""
    tokenizer: str
    """Fingerprint that `token_ids` belong to."""


def heard_lines(path: Sequence[Entry], npc: str) -> tuple[HeardLine, ...]:
    """What `npc` said or heard, oldest first; lines edited to nothing are left out.

    Args:
        path: Entries from the root to a leaf.
        npc: Id of the NPC.
    """
    edits = {
        entry.payload.target: entry.payload.text
        for entry in path
        if isinstance(entry.payload, LineEdited)
    }
    lines = []
    for entry in path:
        said = entry.payload
        if not isinstance(said, LineSaid) or not (npc == said.speaker or npc in said.hearers):
            continue
        text = edits.get(entry.id, said.text)
        if text.strip():
            lines.append(_heard(entry, said, text, npc, edited=entry.id in edits))
    return tuple(lines)


def _heard(entry: Entry, said: LineSaid, text: str, npc: str, *, edited: bool) -> HeardLine:
    bare = text.strip()
    return HeardLine(
        entry_id=entry.id,
        role=said.role,
        speaker=said.speaker,
        text=bare,
        is_own=said.role == "npc" and said.speaker == npc,
        authored=said.authored,
        edited=edited,
        hearers=said.hearers,
        day=entry.day,
        minute=entry.minute,
        token_ids=None if edited or bare != text else said.token_ids,
        tokenizer=said.tokenizer,
    )
