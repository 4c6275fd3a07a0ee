"""What one NPC remembers at the end of a path: recent turns, the summary of older ones, facts.

Derived from the entries: whatever left the path is forgotten, whatever was edited reads
differently. A `Recollection` is fed the entries as they come, so a turn costs what is new.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from npc_engine.content.state import SHOWN_EVENTS
from npc_engine.memory.entries import ActionSettled, Entry, Folded, LineEdited
from npc_engine.memory.fact_book import FactBook
from npc_engine.memory.folds import FoldBook, FoldInEffect
from npc_engine.memory.lines import Ears, HeardLine
from npc_engine.memory.outdated import without, without_values
from npc_engine.memory.rolling_summary import rolling_summary
from npc_engine.memory.turns import TurnBook, turn_book
from npc_engine.memory.windows import witnessed
from npc_engine.messages import Turn

SUMMARY_TOKENS = 220


@dataclass(frozen=True, slots=True)
class View:
    """The memory of one NPC on one path."""

    npc: str
    summary: str
    """Put together from `episodes`; empty before the first fold. Changes at folds only."""
    turns: tuple[Turn, ...]
    """What no fold covers, oldest first; entry_ids and messages of a turn go in pairs.

    A turn without an own line at its end is still waiting for its reply.
    """
    folds: tuple[FoldInEffect, ...]
    """The folds in effect, ordered by what they cover, oldest first."""
    undone_texts: frozenset[str]
    """Digests of the lines whose summary by a model a person has undone."""
    lines: tuple[HeardLine, ...]
    """Everything this NPC said or heard on the path, folded or not."""

    @property
    def episodes(self) -> tuple[Folded, ...]:
        """The folds in effect as they read now, oldest first."""
        return tuple(fold.fold for fold in self.folds)

    @property
    def standing(self) -> frozenset[int]:
        """Entries of the lines that stand word for word among the turns."""
        return frozenset(entry_id for turn in self.turns for entry_id in turn.entry_ids)

    @property
    def starts_with_greeting(self) -> bool:
        """Whether the oldest turn left is the NPC speaking first."""
        return bool(self.turns) and self.turns[0].messages[0].role == "assistant"


class Recollection:
    """What one NPC remembers, fed in path order."""

    def __init__(self, npc: str, facts: FactBook | None = None) -> None:
        """Nothing happened yet.

        Args:
            npc: Whose memory.
            facts: An empty book; None learns no facts from lines.
        """
        self.npc = npc
        self.facts = facts or FactBook(npc, (), {})
        """What it has learned."""
        self._ears = Ears(npc)
        self._folds = FoldBook(npc, self._ears.lines)
        self._turns = TurnBook(npc)
        self._in_effect: tuple[FoldInEffect, ...] = ()
        self._oldest_first: tuple[FoldInEffect, ...] = ()
        self._events: deque[int] = deque(maxlen=SHOWN_EVENTS)
        self._summary: tuple[object, str] = (None, "")

    @property
    def lines(self) -> Mapping[int, HeardLine]:
        """What the NPC said or heard, by entry id, as it reads now."""
        return self._ears.lines

    @property
    def recent_events(self) -> frozenset[int]:
        """Entries of the events the NPC saw last, which its prompt tells."""
        return frozenset(self._events)

    def note(self, entry: Entry) -> None:
        """Take in the next entry of the path."""
        line = self._ears.note(entry)
        self._folds.note(entry)
        self.facts.note(entry)
        if witnessed(entry, self.npc) is not None:
            self._events.append(entry.id)
        if line is None:
            return
        if isinstance(entry.payload, ActionSettled):
            return  # the turns read the line anew by its entry
        self.facts.hear(line)
        if isinstance(entry.payload, LineEdited):
            self._turns = turn_book(self.npc, self.lines.values())
            self._cover()
        elif line.text:
            self._turns.add(line)

    def view(
        self,
        *,
        tokenizer: str = "",
        names: Mapping[str, str] | None = None,
        count: Callable[[str], int] | None = None,
        summary_tokens: int = SUMMARY_TOKENS,
    ) -> View:
        """The memory as a plain value; arguments as in `view_of`."""
        if self._folds.in_effect() is not self._in_effect:
            self._cover()
        return View(
            npc=self.npc,
            summary=self._rolling_summary(tokenizer, count, summary_tokens),
            turns=self._turns.open_turns(self.lines, tokenizer, names or {}),
            folds=self._oldest_first,
            undone_texts=frozenset(self._folds.undone_texts),
            lines=tuple(self.lines.values()),
        )

    def _cover(self) -> None:
        self._in_effect = self._folds.in_effect()
        self._oldest_first = tuple(sorted(self._in_effect, key=lambda each: each.fold.entry_ids[0]))
        self._turns.cover(
            {entry_id for each in self._in_effect for entry_id in each.fold.entry_ids}
        )

    def _rolling_summary(
        self, tokenizer: str, count: Callable[[str], int] | None, cap_tokens: int
    ) -> str:
        made_from = (self._in_effect, self.facts.num_changes, tokenizer, cap_tokens)
        if count is not None and self._summary[0] == made_from:
            return self._summary[1]
        folds = self._oldest_first
        if count is None:
            return "\n".join(filter(None, (self._still_true(each.fold) for each in folds)))
        summary = rolling_summary(
            len(folds),
            lambda place: self._still_true(folds[place].fold),
            cap_tokens,
            count,
            pinned={place for place, each in enumerate(folds) if each.pinned},
        )
        self._summary = (made_from, summary)
        return summary

    def _still_true(self, fold: Folded) -> str:
        """An episode without what later lines replaced; what a person wrote stays."""
        if fold.kind == "edited":
            return fold.text
        first = fold.entry_ids[0]
        text = without_values(fold.text, self.facts.outdated_values(fold.entry_ids))
        return without(text, lambda sentence: self.facts.is_taken_back(sentence, after=first))


def view_of(
    path: Sequence[Entry],
    npc: str,
    *,
    tokenizer: str = "",
    names: Mapping[str, str] | None = None,
    count: Callable[[str], int] | None = None,
    summary_tokens: int = SUMMARY_TOKENS,
) -> View:
    """What `npc` remembers at the end of `path`.

    A fold counts only if its entry is on the path, every line it covers is too, and all of them
    read as they did when it was made. Of folds that overlap the newest counts; lines of the older
    one that the newest does not cover are turns again.

    Args:
        path: Entries from the root to a leaf.
        npc: Id of the NPC.
        tokenizer: Fingerprint of the tokenizer in use; ids made by another are left out.
        names: What to call other NPCs whose lines were heard, by id; their id is the default.
        count: Tokens of a text, for the cap of the summary; without it the summary is whole.
        summary_tokens: Cap of the summary.
    """
    memory = Recollection(npc)
    for entry in path:
        memory.note(entry)
    return memory.view(tokenizer=tokenizer, names=names, count=count, summary_tokens=summary_tokens)
