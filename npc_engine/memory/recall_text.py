"""How a memory reads in a prompt: on one line, its day first, and who said what.

What somebody said cannot be read as said by another, or as a memory of its own: line breaks and
the mark between speakers are taken out of it.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from npc_engine.content.state import part_of_day
from npc_engine.memory.lines import HeardLine
from npc_engine.memory.windows import Unit

BETWEEN_LINES = " / "
_MARK = re.compile(r"(?<!\S)/(?!\S)")

WithDays = Callable[[str, int], str]
"""Gives a text the game days that its words name, by the day on which it was said."""


def as_said(text: str, day: int) -> str:
    """The text as it is, where nobody works out days."""
    del day
    return text


def on_one_line(text: str) -> str:
    """The text without line breaks, and without anything that could end its line in a memory."""
    return _MARK.sub("|", " ".join(text.split()))


def without_said(text: str, who: str, said: str) -> str | None:
    """A memory of talk without some whole sentences of one speaker; empty if no more is left.

    Args:
        text: From `RecallWording`.
        who: Who said it.
        said: As it is worded there; None is given back where it is not there.
    """
    stamp, mark, talk = text.partition(". ")
    rows = talk.split(BETWEEN_LINES)
    for place, row in enumerate(rows):
        speaker, colon, words = row.partition(": ")
        is_theirs = speaker.split(" to ")[0].casefold() == who.casefold()
        before, found, behind = words.partition(said)
        if not (is_theirs and found):
            continue
        left = " ".join(f"{before} {behind}".split())
        rows[place : place + 1] = [f"{speaker}{colon}{left}"] if left.strip("… ") else []
        return f"{stamp}{mark}{BETWEEN_LINES.join(rows)}" if rows else ""
    return None


class RecallWording:
    """Words for what one NPC remembers; every line is worded once."""

    def __init__(self, npc: str, names: Mapping[str, str], with_days: WithDays) -> None:
        """Learn the names.

        Args:
            npc: Id of whose memory it is.
            names: By id, `player` and the NPC's own among them; the default is the id.
            with_days: Applied to everything that was said.
        """
        self._npc = npc
        self._names = names
        self._with_days = with_days
        self._rows: dict[int, str] = {}

    def unit(self, unit: Unit, lines: Mapping[int, HeardLine]) -> str:
        """Lines that belong together, or what happened."""
        if unit.kind == "event":
            return self.told(unit.text, unit.day, unit.minute)
        return self.talk(lines[entry_id] for entry_id in unit.entry_ids)

    def talk(self, lines: Iterable[HeardLine]) -> str:
        """Lines that follow one another."""
        spoken = list(lines)
        return self._stamped([self._row(line) for line in spoken], spoken[0].day, spoken[0].minute)

    def part(self, said: Iterable[tuple[HeardLine, str]]) -> str:
        """Lines of which only so much is given."""
        spoken = list(said)
        first = spoken[0][0]
        rows = [self._said(line, words) for line, words in spoken]
        return self._stamped(rows, first.day, first.minute)

    def told(self, text: str, day: int, minute: int) -> str:
        """An event, or a fact."""
        return self._stamped([self._dated(text, day)], day, minute)

    def _stamped(self, rows: list[str], day: int, minute: int) -> str:
        return f"Day {day}, {part_of_day(minute)}. {BETWEEN_LINES.join(rows)}"

    def _row(self, line: HeardLine) -> str:
        row = self._rows.get(line.entry_id)
        if row is None:
            row = self._rows[line.entry_id] = self._said(line, line.text)
        return row

    def _said(self, line: HeardLine, words: str) -> str:
        who = self._names.get(line.speaker, line.speaker)
        who = who[:1].upper() + who[1:]
        if line.is_overheard_by(self._npc):
            who = f"{who} to {self._names.get(line.to, line.to)}"
        return f"{who}: {self._dated(words, line.day)}"

    def _dated(self, text: str, day: int) -> str:
        return self._with_days(on_one_line(text), day)
