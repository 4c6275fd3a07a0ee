"""Lines of a sheet that are said word for word: which one, if any, the player's words call for."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from npc_engine.content.character import AuthoredLine, LineUse
from npc_engine.content.conditions import fill
from npc_engine.content.emotions import Emotion, without_tag
from npc_engine.content.state import scope
from npc_engine.dialogue.plain_text import plain
from npc_engine.dialogue.player_phrases import Match, matches
from npc_engine.dialogue.turn_plan import Point
from npc_engine.errors import TemplateError
from npc_engine.memory.entries import CalledFor, Entry, LineSaid
from npc_engine.memory.store import SaveStore

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FoundLine:
    """An authored line that may be said now."""

    text: str
    """As it is said, `{{ }}` filled."""
    called_for: CalledFor
    """What it goes by in the save, and why it was found."""
    emotion: Emotion | None = None
    """Of the tag it begins with in the sheet, which is not said."""

    @property
    def detail(self) -> str:
        """For people: what called for it."""
        by = self.called_for
        how = "word for word" if by.by == "words" else f"by its stems, {by.score:.2f}"
        return f'authored line for "{by.phrase}" ({how})'


def note_below_plan(found: FoundLine | None) -> str:
    """For people, below a plan: that the plan is not used; empty where it is."""
    return (
        f'\nNo model is asked; this is said, an {found.detail}: "{found.text}"'
        if found is not None
        else ""
    )


def find_line(point: Point, words: str, use: LineUse, store: SaveStore) -> FoundLine | None:
    """The authored line that the player's words call for now; None if there is none.

    Of several the one that fits best, then the first of the sheet. Not the one that this NPC said
    last, unless the sheet lets it; not one whose condition does not hold, or that may be said once
    and was.

    Args:
        point: The chat before the player's line.
        words: The player's.
        use: Lines of this use alone.
        store: The save; a line that may be said once is looked for in all its chats.
    """
    sheet = point.cast.sheets[point.npc]
    lines = [line for line in sheet.lines if line.use == use]
    found = matches([line.when_asked for line in lines], words) if lines else []
    if not found:
        return None
    values = scope(point.memory.state(point.path), sheet.id, point.cast.world)
    latest = _latest(point.npc, point.path)
    for index, match in found:
        line = lines[index]
        if line.say == latest and not line.may_repeat:
            continue
        if line.once and any(_says(entry, point.npc) == line.say for entry in _all(store)):
            continue
        text = _worded(line, values)
        if text:
            emotion, words = without_tag(text)
            return FoundLine(words, _called_for(line, match), emotion)
    return None


def _worded(line: AuthoredLine, values: Mapping[str, Any]) -> str:
    """The line as it is said now; empty where its condition does not hold.

    A condition or text that cannot be worked out leaves the answer to the model.
    """
    try:
        if line.when is not None and not line.when.holds(values):
            return ""
        return plain(fill(line.say, values)).strip()
    except TemplateError as error:
        _log.warning("an authored line is left out: %s", error)
        return ""


def _called_for(line: AuthoredLine, match: Match) -> CalledFor:
    return CalledFor(say=line.say, phrase=match.phrase, score=match.score, by=match.by)


def _latest(npc: str, path: Iterable[Entry]) -> str:
    """The authored line that was this NPC's last; empty if its last words were others."""
    own = [entry for entry in path if _is_of(entry, npc)]
    return _says(own[-1], npc) if own else ""


def _all(store: SaveStore) -> Iterator[Entry]:
    """What happened on the current path of every chat."""
    for chat in store.chats():
        yield from store.path(chat.id)


def _says(entry: Entry, npc: str) -> str:
    """The authored line that an entry says, as the sheet had it; empty for everything else."""
    said = entry.payload
    if not isinstance(said, LineSaid) or said.speaker != npc or said.called_for is None:
        return ""
    return said.called_for.say


def _is_of(entry: Entry, npc: str) -> bool:
    return isinstance(entry.payload, LineSaid) and entry.payload.speaker == npc
