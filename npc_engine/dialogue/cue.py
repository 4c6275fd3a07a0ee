"""What an NPC speaks on: a line said to it, one it only heard, or nothing but its own wish to."""

from collections.abc import Mapping
from dataclasses import dataclass

from npc_engine.dialogue.audience import Audience
from npc_engine.dialogue.ending import Origin
from npc_engine.memory.entries import Entry, LineSaid
from npc_engine.memory.lines import heard_lines
from npc_engine.memory.turns import heard_words
from npc_engine.prompt import wording


@dataclass(frozen=True, slots=True)
class Cue:
    """An NPC is to speak though nobody waits for its answer alone."""

    to: str
    """Id of whom it speaks to."""
    audience: Audience = Audience()
    """Who hears it besides."""
    asked: int | None = None
    """Entry of the line that it answers; None where it speaks first."""
    direction: str = ""
    """Below what was heard last, or alone where it speaks first; the save does not keep it."""

    def origin(self, spoken_on: "SpokenOn", epoch: int) -> Origin:
        """What is kept of where the words come from."""
        heard = self.audience
        return Origin(
            spoken_on.parent_id,
            epoch,
            bystanders=heard.bystanders,
            whispered=heard.whispered,
            place=heard.place,
            to=self.to,
            stands_in=False,
        )


@dataclass(frozen=True, slots=True)
class SpokenOn:
    """The point at which an NPC speaks."""

    before: tuple[Entry, ...]
    """The path up to what it speaks on."""
    words: str
    """What it speaks on, as said; what is looked up goes by these."""
    shown: str
    """The same as its prompt has it; empty where it stands there as it is."""
    parent_id: int | None
    """What its words follow in the save."""
    swipes_of: int | None = None
    """The line whose earlier answers are other tries at this one."""

    @property
    def line_shown(self) -> str:
        """The end of the prompt."""
        return self.shown or self.words


def spoken_to(path: tuple[Entry, ...], npc: str, names: Mapping[str, str]) -> SpokenOn:
    """Where an NPC answers the line that a path ends with."""
    asked = path[-1]
    words = asked.payload.text if isinstance(asked.payload, LineSaid) else ""
    return SpokenOn(path[:-1], words, _as_heard(asked, npc, names), asked.id, asked.id)


def spoken_of_its_own(
    path: tuple[Entry, ...], npc: str, names: Mapping[str, str], cue: Cue
) -> SpokenOn:
    """Where an NPC speaks on a cue at the end of a path."""
    parent_id = path[-1].id if path else None
    if cue.asked is None:
        return SpokenOn(path, "", cue.direction, parent_id)
    asked = next((entry.payload for entry in reversed(path) if entry.id == cue.asked), None)
    words = asked.text if isinstance(asked, LineSaid) else ""
    for place in range(len(path) - 1, -1, -1):
        if heard_lines(path[place : place + 1], npc):
            shown = _as_heard(path[place], npc, names) or words
            rows = "\n".join(filter(None, [shown, cue.direction]))
            return SpokenOn(path[:place], words, rows, parent_id)
    return SpokenOn(path, words, cue.direction, parent_id)


def joins_in(nickname: str, other: str) -> str:
    """The direction of somebody who answers though it was not asked alone."""
    return wording.JOINS_IN.format(nickname=nickname, other=other)


def begins(nickname: str, other: str, topic: str) -> str:
    """The direction of somebody who speaks first."""
    about = wording.OF_TOPIC.format(topic=topic) if topic else ""
    return wording.BEGINS_TALK.format(nickname=nickname, other=other, about=about)


def _as_heard(entry: Entry, npc: str, names: Mapping[str, str]) -> str:
    """A line with its speaker's name; empty where the player said it to this NPC."""
    lines = heard_lines([entry], npc)
    if not lines or lines[0].is_own:
        return ""
    shown = heard_words(lines[0], npc, names)
    return "" if shown == lines[0].text else shown
