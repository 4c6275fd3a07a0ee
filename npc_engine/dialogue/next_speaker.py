"""Who speaks next in a scene: called by name, asked, acted upon, or in the mood to; else nobody.

Pure: equal lines, members and seeds give equal decisions, and each says why it fell.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from npc_engine.dialogue.addressing import Addressed, addressed, role_of
from npc_engine.dialogue.matching import asks

Why = Literal[
    "whispered",
    "addressed",
    "everybody",
    "spoken to",
    "alone",
    "asked",
    "acted upon",
    "goes on",
    "talkative",
    "silence",
    "chosen by the game",
]
"""`whispered`: told in secret. `addressed`: called by name. `everybody`: all were called.
`spoken to`: another NPC said it to this one. `alone`: nobody else could. `asked`: a question that
goes on with whoever was spoken with last, or one to anybody. `acted upon`: the game said so.
`goes on`: no question, but the talk is with this one. `talkative`: by a roll. `silence`: nobody."""

_JOINS_IN = 0.5
"""Who was not spoken to answers the words of another NPC half as readily as the player's."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a scene, as far as it matters for who speaks."""

    id: str
    names: tuple[str, ...]
    """Nickname first."""
    role: str = ""
    """What it is, such as `blacksmith`; empty if that is not known."""
    talkativeness: float = 0.5
    """How readily it speaks unasked, 0 to 1."""
    may_speak: bool = True

    @classmethod
    def of(
        cls, id: str, names: Sequence[str], summary: str, talkativeness: float, *, may_speak: bool
    ) -> "Member":
        """A member by its sheet."""
        return cls(id, tuple(names), role_of(summary), talkativeness, may_speak)


@dataclass(frozen=True, slots=True)
class Situation:
    """What was said last, and what the decision depends on besides."""

    text: str
    speaker: str
    """Id; of an NPC, a player or the narrator."""
    seed: int
    place_in_talk: int
    """How many lines the scene holds: with the seed it decides every roll."""
    by_npc: bool = False
    said_to: str = ""
    """Id of whom an NPC said it to."""
    whisper_to: str = ""
    last_with: str = ""
    """Id of the NPC that the speaker has spoken with last in this scene; empty for nobody."""
    acted_upon: tuple[str, ...] = ()
    """Ids of those to whom something was done with these words."""
    has_spoken: frozenset[str] = field(default_factory=frozenset)
    """Who has spoken since the player did; they do not join in again unasked."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Who speaks next, in this order, and why."""

    speakers: tuple[str, ...]
    why: Why
    detail: str = ""
    """For people: the rolls, and who was passed over."""


def next_speakers(situation: Situation, members: Sequence[Member]) -> Decision:
    """Who speaks after a line.

    Args:
        situation: The line and what came before it.
        members: All NPCs that heard it.
    """
    others = [member for member in members if member.id != situation.speaker]
    able = [member for member in others if member.may_speak]
    if situation.whisper_to:
        return _only(situation.whisper_to, able, "whispered")
    called = addressed(situation.text, _names_of(others))
    if called.called == "somebody":
        return _called(called, able)
    if situation.by_npc:
        return _after_npc(situation, able)
    if called.called == "everybody":
        rolls = _rolls(situation, able)
        order = sorted(able, key=lambda each: (rolls[each.id] - each.talkativeness, each.id))
        return Decision(tuple(each.id for each in order), "everybody", _in_words(rolls, able))
    if len(others) == 1:
        return _only(others[0].id, able, "alone")
    return _uncalled(situation, called, able)


def _names_of(members: Sequence[Member]) -> dict[str, tuple[str, ...]]:
    return {each.id: (*each.names, *filter(None, [each.role])) for each in members}


def _only(who: str, able: Sequence[Member], why: Why) -> Decision:
    if any(member.id == who for member in able):
        return Decision((who,), why)
    return Decision((), "silence", f"{who} may not speak now")


def _called(called: Addressed, able: Sequence[Member]) -> Decision:
    ids = {member.id for member in able}
    speakers = tuple(who for who in called.ids if who in ids)
    passed_over = ", ".join(who for who in called.ids if who not in ids)
    detail = f"{passed_over} may not speak now" if passed_over else ""
    return Decision(speakers, "addressed" if speakers else "silence", detail)


def _uncalled(situation: Situation, called: Addressed, able: Sequence[Member]) -> Decision:
    """The player called nobody by name."""
    ids = {member.id for member in able}
    is_question = asks(situation.text) or called.is_second_person
    acted = tuple(who for who in situation.acted_upon if who in ids)
    is_open = is_question and called.called == "anybody"
    last = situation.last_with if situation.last_with in ids and not is_open else ""
    if last and is_question:
        return Decision((last,), "asked", "the one who was spoken with last")
    if acted:
        return Decision(acted, "acted upon")
    if last:
        return Decision((last,), "goes on", "the one who was spoken with last")
    rolls = _rolls(situation, able)
    if able and (is_question or is_open):
        first = min(able, key=lambda each: (rolls[each.id] - each.talkativeness, each.id))
        return Decision((first.id,), "asked", _in_words(rolls, able))
    return _by_talkativeness(rolls, able, 1.0)


def _after_npc(situation: Situation, able: Sequence[Member]) -> Decision:
    """An NPC has spoken: whom it spoke to answers, and others may join in."""
    if any(member.id == situation.said_to for member in able):
        return Decision((situation.said_to,), "spoken to")
    fresh = [member for member in able if member.id not in situation.has_spoken]
    return _by_talkativeness(_rolls(situation, fresh), fresh, _JOINS_IN)


def _by_talkativeness(
    rolls: dict[str, float], able: Sequence[Member], readiness: float
) -> Decision:
    """The one whose roll lies furthest below its talkativeness; nobody if none does."""
    willing = [each for each in able if rolls[each.id] < each.talkativeness * readiness]
    words = _in_words(rolls, able)
    if not willing:
        return Decision((), "silence", words)
    first = min(
        willing, key=lambda each: (rolls[each.id] - each.talkativeness * readiness, each.id)
    )
    return Decision((first.id,), "talkative", words)


def _rolls(situation: Situation, members: Sequence[Member]) -> dict[str, float]:
    return {
        each.id: keyed_roll(situation.seed, situation.place_in_talk, each.id) for each in members
    }


def keyed_roll(seed: int, place_in_talk: int, who: str) -> float:
    """A number from 0 to below 1 that depends on these alone."""
    text = f"{seed}:{place_in_talk}:{who}"
    drawn = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=7).digest()
    return (int.from_bytes(drawn) >> 3) / 2**53


def _in_words(rolls: dict[str, float], members: Sequence[Member]) -> str:
    rolled = (f"{each.id} {rolls[each.id]:.2f} of {each.talkativeness:g}" for each in members)
    return "; ".join(rolled)
