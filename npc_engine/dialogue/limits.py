"""What a reply of one character may hold: names, exceptions of the sheet, what the prompt told."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice

from npc_engine.content.character import CharacterSheet
from npc_engine.content.world import World
from npc_engine.dialogue import role_phrases
from npc_engine.dialogue.capitals import capitals_mean_names
from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.catchphrases import catchphrases
from npc_engine.dialogue.invented import KnownNames, has_word
from npc_engine.dialogue.phrases import Phrases
from npc_engine.dialogue.provoked import Provoked, told_who_it_is
from npc_engine.dialogue.quoted_rules import ASIDE_WORDS, NextWords, next_words
from npc_engine.dialogue.repeats import is_told_to_the_speaker, no_answers, worn
from npc_engine.dialogue.screening import Screen
from npc_engine.dialogue.spoken import words_of
from npc_engine.dialogue.unanswerable import Wanted, is_told_of, wanted_by
from npc_engine.memory.entries import Entry, LineSaid
from npc_engine.memory.words import sentences
from npc_engine.prompt.plan import Plan, SectionName
from npc_engine.prompt.wording import HERE as _HERE


@dataclass(frozen=True, slots=True)
class Limits:
    """What the verdict on a reply depends on besides the reply."""

    own_names: tuple[str, ...] = ()
    """Labels the speaker may put in front of its own words, such as `Mira` and `Mira Voss`."""
    other_names: tuple[str, ...] = ()
    """Whoever else could be given a line: the player and the cast."""
    max_sentences: int | None = None
    max_words: int | None = None
    never_says: tuple[str, ...] = ()
    may_be_machine: bool = False
    """Whether the character may say that it is a machine."""
    known: KnownNames | None = None
    """Names and numbers it may use; None: all."""
    earlier: tuple[str, ...] = ()
    """Replies that are not to be given again, such as its last ones."""
    not_echoed: tuple[str, ...] = ()
    """Sentences of the player that are not to be given back word for word."""
    no_replies: tuple[tuple[str, ...], ...] = ()
    """Words of what is no whole reply: the player's own line, a reply that was given twice."""
    catchphrases: tuple[tuple[str, ...], ...] = ()
    """Words of what is no answer by itself to what the player asks."""
    asides: NextWords = field(default_factory=dict)
    """What stands beside the talk and is not to be read out, see `quoted_rules.next_words`."""
    drops_directions: bool = False
    """Whether stage directions between asterisks are left out."""
    provoked: Provoked | None = None
    """What a reply is held to besides if the player spoke to the program; None if not."""

    screen: Screen | None = None
    """Asked for every sentence before it is heard; None lets all pass."""

    sheet: CharacterSheet | None = None
    """The speaker's, for the words it uses itself."""

    def is_own_word(self, word: str) -> bool:
        """Whether a word in small letters stands in the speaker's own sheet."""
        return self.sheet is not None and has_word(self.sheet.model_dump_json().casefold(), word)

    def phrases(self) -> tuple[Phrases, ...]:
        """What is never said."""
        own = (never_said(self.never_says), told_who_it_is(self.own_names))
        return (role_talk(self.may_be_machine), *(each for each in own if each is not None))


_TELLS_NOTHING: frozenset[SectionName] = frozenset(("template", "rules", "reminder", "line"))
"""Sections that hold no knowledge."""

_NO_SPEECH: frozenset[SectionName] = frozenset(("note", "reminder", "possible"))

_OF_TIME = frozenset(("time", "day", "date", "hour", "clock", "late", "early", "today", "when"))

_EARLIER_REPLIES = 4
"""So many of its last replies a character does not give again."""


def limits_of(
    npc: str,
    cast: Cast,
    plan: Plan,
    line: str,
    path: Sequence[Entry],
    *,
    trusts_line: bool = True,
) -> Limits:
    """What one reply may hold.

    Args:
        npc: Id of the speaker.
        cast: World and sheets.
        plan: What the model was told.
        line: The player's words.
        path: The chat before the line that is answered.
        trusts_line: Whether names and numbers of the line may be said because it holds them.
    """
    spoken = spoken_limits(npc, cast)
    settings = cast.sheets[npc].guard.over(cast.world.guard)
    allowed = (*spoken.own_names, *spoken.other_names, *settings.allow_names)
    known = None
    if settings.invented == "check":
        unanswerable = _unanswerable(plan, line)
        told = plan.text if trusts_line else _told_before(plan)
        known = KnownNames(
            told,
            allowed,
            line=line,
            unanswerable=unanswerable,
            reads_capitals=_reads_capitals(cast.sheets[npc], cast.world),
        )
    checks_repeats = settings.repeats == "check"
    earlier = last_replies(npc, path)
    return replace(
        spoken,
        known=known,
        earlier=(*earlier, *overheard(npc, path)) if checks_repeats else (),
        no_replies=(*no_answers(line), *worn(earlier)) if checks_repeats else (),
        catchphrases=catchphrases(cast.sheets[npc].speech.says, line) if checks_repeats else (),
        asides=next_words(_asides(plan, line, cast.sheets[npc].nickname), ASIDE_WORDS),
        not_echoed=tuple(filter(is_told_to_the_speaker, sentences(line))) if checks_repeats else (),
    )


def _reads_capitals(sheet: CharacterSheet, world: World) -> bool:
    """Whether a capital letter means a name in the language of a sheet and its world."""
    own = (sheet.summary, sheet.persona, sheet.background, *sheet.goals, *sheet.boundaries)
    facts = (fact.text for fact in (*sheet.facts, *world.facts))
    return capitals_mean_names((*own, world.setting, *world.rules, *facts))


def _asides(plan: Plan, line: str, nickname: str) -> list[str]:
    """What is told to the model and is no speech: notes, reminders, what can be done, how it feels.

    The clock, and who is there, unless the line asks for them.
    """
    texts = [part.text for part in plan.sections if part.name in _NO_SPEECH]
    asked = words_of(line)
    state = [part.text.splitlines() for part in plan.sections if part.name == "state"]
    clock = [rows[0] for rows in state if rows and _OF_TIME.isdisjoint(asked)]
    here = _HERE.partition("{")[0]
    roster = [row for rows in state for row in rows if row.startswith(here) and "who" not in asked]
    feeling = [row for rows in state for row in rows if row.startswith(f"{nickname} ")]
    return [*texts, *clock, *roster, *feeling]


def _told_before(plan: Plan) -> str:
    """The prompt without the player's line."""
    return "\n".join(section.text for section in plan.sections if section.name != "line")


def _unanswerable(plan: Plan, line: str) -> frozenset[Wanted]:
    """What a line asks for though nothing in the prompt speaks of it."""
    wanted = wanted_by(line)
    told = (section.text for section in plan.sections if section.name not in _TELLS_NOTHING)
    return frozenset() if not wanted or is_told_of(line, told) else wanted


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
        max_words=sheet.speech.max_words,
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


def overheard(npc: str, path: Sequence[Entry]) -> tuple[str, ...]:
    """What others of the cast said last within earshot, the newest first."""
    said = (entry.payload for entry in reversed(path))
    others = (
        line.text
        for line in said
        if isinstance(line, LineSaid)
        and line.role == "npc"
        and line.speaker != npc
        and npc in line.hearers
    )
    return tuple(islice(others, _EARLIER_REPLIES))


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
