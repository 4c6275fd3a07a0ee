"""What a reply of one character may hold: names, exceptions of the sheet, what the prompt told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice

from npc_engine.content.character import CharacterSheet
from npc_engine.dialogue import role_phrases
from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.invented import KnownNames, has_word
from npc_engine.dialogue.phrases import Phrases
from npc_engine.dialogue.provoked import Provoked, told_who_it_is
from npc_engine.dialogue.spoken import words_of
from npc_engine.memory.entries import Entry, LineSaid


@dataclass(frozen=True, slots=True)
class Limits:
    """What the verdict on a reply depends on besides the reply."""

    own_names: tuple[str, ...] = ()
    """Labels the speaker may put in front of its own words, such as `Mira` and `Mira Voss`."""
    other_names: tuple[str, ...] = ()
    """Whoever else could be given a line: the player and the cast."""
    max_sentences: int | None = None
    never_says: tuple[str, ...] = ()
    may_be_machine: bool = False
    """Whether the character may say that it is a machine."""
    known: KnownNames | None = None
    """Names and numbers it may use; None: all."""
    earlier: tuple[str, ...] = ()
    """Replies that are not to be given again, such as its last ones."""
    drops_directions: bool = False
    """Whether stage directions between asterisks are left out."""
    provoked: Provoked | None = None
    """What a reply is held to besides if the player spoke to the program; None if not."""

    sheet: CharacterSheet | None = None
    """The speaker's, for the words it uses itself."""

    def is_own_word(self, word: str) -> bool:
        """Whether a word in small letters stands in the speaker's own sheet."""
        return self.sheet is not None and has_word(self.sheet.model_dump_json().casefold(), word)

    def phrases(self) -> tuple[Phrases, ...]:
        """What is never said."""
        own = (never_said(self.never_says), told_who_it_is(self.own_names))
        return (role_talk(self.may_be_machine), *(each for each in own if each is not None))


_EARLIER_REPLIES = 4
"""So many of its last replies a character does not give again."""


def limits_of(npc: str, cast: Cast, prompt: str, path: Sequence[Entry]) -> Limits:
    """What one reply may hold.

    Args:
        npc: Id of the speaker.
        cast: World and sheets.
        prompt: What the model was told, whole.
        path: The chat before the line that is answered.
    """
    spoken = spoken_limits(npc, cast)
    settings = cast.sheets[npc].guard.over(cast.world.guard)
    allowed = (*spoken.own_names, *spoken.other_names, *settings.allow_names)
    return replace(
        spoken,
        known=KnownNames(prompt, allowed) if settings.invented == "check" else None,
        earlier=last_replies(npc, path) if settings.repeats == "check" else (),
    )


def spoken_limits(npc: str, cast: Cast) -> Limits:
    """What any reply of a member of the cast may hold, whatever was said before."""
    sheet = cast.sheets[npc]
    settings = sheet.guard.over(cast.world.guard)
    others = {name for id, name in cast.names.items() if id != npc}
    others |= {other.name for id, other in cast.sheets.items() if id != npc}
    own = (sheet.name, sheet.nickname)
    return Limits(
        own_names=own,
        other_names=tuple(sorted(others - set(own))),
        max_sentences=sheet.speech.max_sentences,
        sheet=sheet,
        never_says=sheet.speech.never_says,
        may_be_machine=settings.ai_terms == "allow",
        drops_directions=settings.stage_directions == "drop",
    )


def last_replies(npc: str, path: Sequence[Entry]) -> tuple[str, ...]:
    """What a character said last in its own words, the newest first; no authored lines."""
    said = (entry.payload for entry in reversed(path))
    own = (
        line.text
        for line in said
        if isinstance(line, LineSaid) and line.speaker == npc and not line.authored
    )
    return tuple(islice(own, _EARLIER_REPLIES))


@lru_cache(maxsize=2)
def role_talk(may_be_machine: bool) -> Phrases:
    """What is out of every role, made once."""
    lists = [
        ("disclosure", role_phrases.MODEL_TALK),
        ("persona", role_phrases.OTHER_PERSONA),
        ("assistant", role_phrases.ASSISTANT_TALK),
    ]
    if not may_be_machine:
        lists.insert(0, ("disclosure", role_phrases.MACHINE_TALK))
    return Phrases([(kind, role_phrases.listed(text)) for kind, text in lists])


@lru_cache(maxsize=256)
def never_said(phrases: tuple[str, ...]) -> Phrases | None:
    """What one character never says; None if nothing is forbidden."""
    rows = [" ".join(words) for phrase in phrases if (words := words_of(phrase))]
    return Phrases([("never_says", rows)]) if rows else None
