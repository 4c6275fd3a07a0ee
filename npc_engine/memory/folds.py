"""Which folds of an NPC are in effect at the end of a path, and how they read there.

Fed one entry after the other, so that a turn does not look at all folds of a long talk again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from npc_engine.memory.entries import Entry, FoldChanged, Folded, LineEdited
from npc_engine.memory.folding import source_digest
from npc_engine.memory.lines import HeardLine


@dataclass(frozen=True, slots=True)
class FoldInEffect:
    """A fold that stands for its lines."""

    entry_id: int
    """The fold's own entry; what a `FoldChanged` names."""
    fold: Folded
    """As it reads now: a person's text in place of its own makes its kind `edited`."""
    pinned: bool
    """It stays whole in the summary."""


class FoldBook:
    """The folds of one NPC on one path, fed in path order.

    Args:
        npc: Whose folds.
        lines: What this NPC heard, by entry id, as it reads now; the caller keeps it in step with
            the path. Read only when `in_effect` is asked for.
    """

    def __init__(self, npc: str, lines: Mapping[int, HeardLine]) -> None:
        """No fold yet."""
        self._npc = npc
        self._lines = lines
        self._folds: dict[int, Folded] = {}
        self._noted: list[Entry] = []
        self._covered_by: dict[int, list[int]] = {}
        self._stands: dict[int, bool] = {}
        self._current: tuple[FoldInEffect, ...] | None = ()
        self.undone_texts: set[str] = set()
        """Digests of the lines whose summary by a model a person has undone."""

    def note(self, entry: Entry) -> None:
        """Take in the next entry of the path; all but folds and edits are of no account."""
        happened = entry.payload
        if isinstance(happened, Folded):
            if happened.npc != self._npc:
                return
            self._folds[entry.id] = happened
            for line_id in happened.entry_ids:
                self._covered_by.setdefault(line_id, []).append(entry.id)
        elif isinstance(happened, FoldChanged):
            fold = self._folds.get(happened.target)
            if fold is None:
                return
            if happened.change == "undo" and fold.kind == "model":
                self.undone_texts.add(fold.source_digest)
        elif isinstance(happened, LineEdited):
            # Only an edit changes how a line reads, so only now must its folds be checked again.
            for fold_id in self._covered_by.get(happened.target, ()):
                self._stands.pop(fold_id, None)
                self._current = None
            return
        else:
            return
        self._noted.append(entry)
        self._current = None

    def in_effect(self) -> tuple[FoldInEffect, ...]:
        """The folds that count, the one made last first; see `folds_in_effect`."""
        if self._current is None:
            self._current = tuple(self._newest_first())
        return self._current

    def _newest_first(self) -> Iterable[FoldInEffect]:
        taken: set[int] = set()
        texts: dict[int, str] = {}
        pins: dict[int, bool] = {}
        for entry in reversed(self._noted):
            happened = entry.payload
            if isinstance(happened, FoldChanged):
                target = happened.target
                if happened.change == "undo":
                    # From here back no fold of these lines counts, also one that it replaced.
                    taken.update(self._folds[target].entry_ids)
                elif happened.change == "edit":
                    texts.setdefault(target, happened.text)
                else:
                    pins.setdefault(target, happened.change == "pin")
            elif (
                isinstance(happened, Folded)
                and taken.isdisjoint(happened.entry_ids)
                and self._still_stands(entry.id, happened)
            ):
                taken.update(happened.entry_ids)
                reads = _as_edited(happened, texts.get(entry.id))
                yield FoldInEffect(entry.id, reads, pins.get(entry.id, False))

    def _still_stands(self, entry_id: int, fold: Folded) -> bool:
        if entry_id not in self._stands:
            self._stands[entry_id] = still_stands(fold, self._lines)
        return self._stands[entry_id]


def folds_in_effect(
    entries: Iterable[Entry], npc: str, lines: Mapping[int, HeardLine]
) -> tuple[FoldInEffect, ...]:
    """The folds of `npc` that count at the end of a path, the one made last first.

    A fold counts if every line it covers is on the path, all of them read as they did when it was
    made, and nobody has undone it. Of folds that overlap the newest counts; lines of the older one
    that the newest does not cover are turns again. After an undo the lines are turns, also where
    the undone fold had replaced another.

    Args:
        entries: Entries of the path in their order; those that are neither a fold nor a change of
            one may be left out.
        npc: Id of the NPC.
        lines: What it heard, by entry id, with every edit applied.
    """
    book = FoldBook(npc, lines)
    for entry in entries:
        book.note(entry)
    return book.in_effect()


def still_stands(fold: Folded, lines: Mapping[int, HeardLine]) -> bool:
    """Whether all lines a fold covers are there and read as they did when it was made."""
    if not fold.entry_ids or any(entry_id not in lines for entry_id in fold.entry_ids):
        return False
    now = [lines[entry_id].text for entry_id in fold.entry_ids]
    return source_digest(fold.entry_ids, now, fold.prompt_version) == fold.source_digest


def _as_edited(fold: Folded, text: str | None) -> Folded:
    if text is None:
        return fold
    return fold.model_copy(update={"text": text, "kind": "edited", "tokens_after": 0})
