"""Lines grouped into turns, kept in step as they are heard."""

from collections.abc import Collection, Iterable, Mapping

from npc_engine.content.character import PLAYER
from npc_engine.memory.lines import HeardLine
from npc_engine.messages import Message, Turn


class TurnBook:
    """The turns of one NPC. A line to it opens a new one once the NPC has answered.

    So a greeting is a turn of its own, and several lines before one reply are one turn. What the
    NPC overhears between others makes turns of its own: a line of the player opens one.
    """

    def __init__(self, npc: str) -> None:
        """Nothing was heard yet."""
        self._npc = npc
        self._groups: list[list[int]] = []
        self._waiting: int | None = None
        self._askers: set[str] = set()
        self._is_overheard = False
        self._first_open = 0
        self._covered: Collection[int] = frozenset()

    def add(self, line: HeardLine) -> None:
        """The next line that was heard."""
        overheard = line.is_overheard_by(self._npc)
        if self._joins_last(line, overheard=overheard):
            place = len(self._groups) - 1
        elif line.is_own and self._waiting is not None and self._answers_waiting(line):
            place = self._waiting
        else:
            place = len(self._groups)
            self._groups.append([])
        self._groups[place].append(line.entry_id)
        self._first_open = min(self._first_open, place)
        if line.is_own:
            self._waiting = None
        elif not overheard:
            self._askers = self._askers if self._waiting == place else set()
            self._askers.add(line.speaker)
            self._waiting = place
        self._is_overheard = overheard

    def _joins_last(self, line: HeardLine, *, overheard: bool) -> bool:
        if not self._groups:
            return False
        if overheard or self._is_overheard:
            return overheard and self._is_overheard and line.role != "player"
        return self._waiting == len(self._groups) - 1 or line.is_own

    def _answers_waiting(self, line: HeardLine) -> bool:
        """Whether own words are said to one whose line waits; else they end what was heard last."""
        return line.to in ("", *self._askers)

    def cover(self, covered: Collection[int]) -> None:
        """Say which entries folds stand for now."""
        self._covered = covered
        self._first_open = next(
            (
                place
                for place, group in enumerate(self._groups)
                if any(entry_id not in covered for entry_id in group)
            ),
            len(self._groups),
        )

    def _turn(self, lines: list[HeardLine], tokenizer: str, names: Mapping[str, str]) -> Turn:
        return Turn(
            tuple(_message(line, self._npc, tokenizer, names) for line in lines),
            tuple(line.entry_id for line in lines),
        )

    def open_turns(
        self, lines: Mapping[int, HeardLine], tokenizer: str, names: Mapping[str, str]
    ) -> tuple[Turn, ...]:
        """What no fold stands for, oldest first.

        Args:
            lines: As they read now; those that are missing are left out.
            tokenizer: Fingerprint; ids made by another tokenizer are left out.
            names: What to call other NPCs, by id.
        """
        turns = []
        for group in self._groups[self._first_open :]:
            left = [
                lines[entry_id]
                for entry_id in group
                if entry_id in lines and entry_id not in self._covered
            ]
            if left:
                turns.append(self._turn(left, tokenizer, names))
        return tuple(turns)


def turn_book(npc: str, lines: Iterable[HeardLine]) -> TurnBook:
    """The turns of lines that are all there already."""
    book = TurnBook(npc)
    for line in lines:
        book.add(line)
    return book


def _message(line: HeardLine, npc: str, tokenizer: str, names: Mapping[str, str]) -> Message:
    """A line as the NPC's prompt shows it; the player's own words to it stand bare."""
    if line.is_own:
        ids = line.token_ids if line.tokenizer == tokenizer else None
        return Message("assistant", line.text, ids, line.calls)
    return Message("user", heard_words(line, npc, names))


def heard_words(line: HeardLine, npc: str, names: Mapping[str, str]) -> str:
    """What somebody else said, as the prompt of `npc` has it."""
    # On one line: a second row would stand there as if somebody else had said it.
    words = " ".join(line.text.split())
    if line.role == "narrator":
        return f"({words})"
    # Without names the words of others would be taken for the player's own, said to this NPC.
    who = names.get(line.speaker, line.speaker)
    who = who[:1].upper() + who[1:]
    if line.is_overheard_by(npc):
        return f"{who} to {names.get(line.to, line.to)}: {words}"
    return line.text if line.speaker == PLAYER else f"{who}: {words}"
