"""The lines of a path as one NPC heard them, with every edit applied.

Everything an NPC remembers is derived from these; a line it neither heard nor said is not among
them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from npc_engine.memory.entries import (
    ActionCalled,
    ActionSettled,
    Entry,
    LineEdited,
    LineSaid,
    SpokenBy,
)
from npc_engine.messages import ToolCall


@dataclass(frozen=True, slots=True)
class HeardLine:
    """One line as it reads at the end of a path."""

    entry_id: int
    role: SpokenBy
    speaker: str
    """Id of the NPC, or `player`."""
    text: str
    """After edits; never empty among the lines an NPC remembers."""
    is_own: bool
    """Said by the NPC whose ears these are."""
    authored: bool
    edited: bool
    hearers: tuple[str, ...]
    to: str
    """Id of whom it was said to; empty where that is not known."""
    day: int
    minute: int
    token_ids: tuple[int, ...] | None
    """The model's ids for exactly this text; None once it was edited."""
    tokenizer: str
    """Fingerprint that `token_ids` belong to."""
    place: str = ""
    calls: tuple[ToolCall, ...] = ()
    """What the NPC did with these words, as far as the game has done it."""

    def is_overheard_by(self, npc: str) -> bool:
        """Whether `npc` only stood by when it was said to somebody else."""
        return not self.is_own and self.to not in ("", npc)


def heard_lines(path: Sequence[Entry], npc: str) -> tuple[HeardLine, ...]:
    """What `npc` said or heard, oldest first; lines edited to nothing are left out.

    Args:
        path: Entries from the root to a leaf.
        npc: Id of the NPC.
    """
    ears = Ears(npc)
    for entry in path:
        ears.note(entry)
    return tuple(ears.lines.values())


class Ears:
    """The lines of one NPC, fed in path order."""

    def __init__(self, npc: str) -> None:
        """Nothing was heard yet."""
        self._npc = npc
        self._lines: dict[int, HeardLine] = {}
        self._emptied: dict[int, HeardLine] = {}
        self._called: dict[str, ActionCalled] = {}
        self._done_before: tuple[ToolCall, ...] = ()

    @property
    def lines(self) -> Mapping[int, HeardLine]:
        """By entry id, oldest first; always the same object, kept in step."""
        return self._lines

    def note(self, entry: Entry) -> HeardLine | None:
        """Take in the next entry; the line that is new or reads differently, if there is one."""
        happened = entry.payload
        if isinstance(happened, LineSaid):
            line = _heard(entry, happened, self._npc)
            if line is not None:
                if line.is_own and self._done_before:
                    line = replace(line, calls=self._done_before)
                    self._done_before = ()
                (self._lines if line.text else self._emptied)[entry.id] = line
            return line
        if isinstance(happened, LineEdited):
            return self._edit(happened)
        if isinstance(happened, ActionCalled) and happened.npc == self._npc:
            self._called[happened.call_id] = happened
        elif isinstance(happened, ActionSettled):
            return self._act(happened)
        return None

    def _act(self, ended: ActionSettled) -> HeardLine | None:
        """Put an action that was done beside its words, or keep it for those that come next."""
        called = self._called.pop(ended.call_id, None)
        if called is None or ended.outcome != "done":
            return None
        line = None if called.said_in is None else self._lines.get(called.said_in)
        call = ToolCall(called.action, called.arguments, ended.result, is_before=line is None)
        if line is None:
            self._done_before += (call,)
            return None
        line = replace(line, calls=(*line.calls, call))
        self._lines[line.entry_id] = line
        return line

    def _edit(self, edit: LineEdited) -> HeardLine | None:
        before = self._lines.get(edit.target) or self._emptied.pop(edit.target, None)
        if before is None:
            return None
        line = replace(before, text=edit.text.strip(), edited=True, token_ids=None)
        if not line.text:
            self._lines.pop(edit.target, None)
            self._emptied[edit.target] = line
        elif edit.target in self._lines:
            self._lines[edit.target] = line
        else:
            self._lines[edit.target] = line
            in_order = sorted(self._lines.items())
            self._lines.clear()
            self._lines.update(in_order)
        return line


def _heard(entry: Entry, said: LineSaid, npc: str) -> HeardLine | None:
    """The line as this NPC heard it; None if it was out of earshot."""
    is_own = said.role == "npc" and said.speaker == npc
    if not (npc == said.speaker or npc in said.hearers):
        return None
    if said.blocked or said.remembered_by not in ("", npc):
        return None
    bare = said.text.strip()
    return HeardLine(
        entry_id=entry.id,
        role=said.role,
        speaker=said.speaker,
        text=bare,
        is_own=is_own,
        authored=said.authored,
        edited=False,
        hearers=said.hearers,
        to=said.to,
        day=entry.day,
        minute=entry.minute,
        token_ids=said.token_ids if bare == said.text else None,
        tokenizer=said.tokenizer,
        place=said.place,
    )
