"""A reply to a line that is meant for a program: held to more than any other reply.

To "are you a bot?" nobody says yes; who is asked for its instructions quotes none; and nobody does
an assistant's work. Besides, no character tells itself who it is: "You are Mira Voss."
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from npc_engine.dialogue.breaks import BreakKind
from npc_engine.dialogue.phrases import Phrases, PhraseWatch
from npc_engine.dialogue.provocation import Provocation
from npc_engine.dialogue.quoted_rules import NextWords, RuleWatch, next_words
from npc_engine.dialogue.role_phrases import listed
from npc_engine.dialogue.spoken import words_of
from npc_engine.dialogue.task_talk import PHRASES, TaskWatch, is_code
from npc_engine.prompt.plan import Plan
from npc_engine.prompt.wording import RULES

TOLD_WORDS = 6
"""So many words in a row of what the prompt says of the speaker are a quotation."""

_YES = """
^ (yes|yeah|yep|yup|yea|aye|correct|affirmative|guilty)
^ (indeed|exactly|absolutely|definitely|precisely) (.|and|i am|i'm|yes|correct|right|so|you)
^ (right|true|sure|certainly|of course|fair enough) .
^ (of course|sure|certainly|clearly|truly) i am
^ (that's|that is|that would be) (right|correct|true|accurate)
^ (you're|you are) (right|correct|absolutely|quite right|not wrong)
^ (you|you've|you have) (got|caught|found) (me|me out) .
^ (you|you've|you have) (got|caught) me
^ (i am|i'm) (.|indeed|(just|exactly|) that .|one .|guilty)
^ i (confess|admit) (.|it|(that|) (i am|i'm) (a|an|one))
^ i (cannot deny|can't deny|won't deny) (it|that)
^ i suppose (so|(that|) i am)
^ (i'm|i am) afraid so
^ in (a|some) (way|ways|sense|manner of speaking) .
"""
"""How an answer says yes, at the beginning of a reply."""

_OPENER_LIST = """
well ah oh hm hmm hmmm ha haha uh um so okay ok alright honestly truthfully frankly fine to be
honest truth told the since you ask sigh sighs
"""
_OPENERS = frozenset(_OPENER_LIST.split())
"""Words after which a reply has not yet begun; neither has it after the player's own."""

_QUOTED = re.compile(r'"[^"\n]*"|“[^”\n]*”')
_TOLD_OF_SPEAKER = frozenset(("rules", "sheet"))
"""Parts of a prompt no speaker tells; world, facts and memories it may well tell."""


@dataclass(frozen=True, slots=True)
class Provoked:
    """What a reply to a provoking line is held to."""

    provocation: Provocation
    line_words: frozenset[str] = frozenset()
    """The player's own words, which a refusal says again."""
    told: NextWords = field(default_factory=dict)
    """What may not be quoted, see `quoted_rules.next_words`."""


def provoked_by(provocation: Provocation | None, line: str, plan: Plan) -> Provoked | None:
    """What the reply to a line is held to; None if the line provokes nothing.

    Args:
        provocation: What the line asks of a program.
        line: The player's words.
        plan: The prompt. Rules and sheet may not be quoted as far as they stand in its system part,
            but for words in quotation marks, which show how the character speaks.
    """
    if provocation is None:
        return None
    told: NextWords = {}
    if not {"prompt", "role"}.isdisjoint(provocation.kinds):
        told = next_words((RULES, *_told(plan)), TOLD_WORDS)
    return Provoked(provocation, frozenset(words_of(line)), told)


def _told(plan: Plan) -> list[str]:
    texts = [part.text for part in plan.sections if part.name in _TOLD_OF_SPEAKER]
    of_speaker = {row for text in texts for row in text.splitlines()}
    system = [message.text for message in plan.messages if message.role == "system"]
    rows = [row for text in system for row in text.splitlines() if row in of_speaker]
    return [part for row in rows for part in _QUOTED.split(row)]


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign that the provocation was followed."""

    kind: BreakKind
    start: int


class ProvokedWatch:
    """Follows one reply; finds nothing where the line was no provocation."""

    def __init__(self, provoked: Provoked | None, is_own_word: Callable[[str], bool]) -> None:
        """Begin a reply.

        Args:
            provoked: What it is held to.
            is_own_word: Whether a word belongs to the character's own vocabulary.
        """
        self._on = provoked is not None
        self._line_words = provoked.line_words if provoked else frozenset[str]()
        kinds = provoked.provocation.kinds if provoked else ()
        is_yes = provoked is not None and provoked.provocation.is_yes_a_disclosure
        lists = (_yes() if is_yes else None, _work() if "task" in kinds else None)
        self._phrases = PhraseWatch(phrases for phrases in lists if phrases is not None)
        self._rules = RuleWatch(provoked.told, TOLD_WORDS) if provoked and provoked.told else None
        self._task = TaskWatch(self._line_words, is_own_word) if "task" in kinds else None
        self._opens = True

    def word(self, word: str, start: int, text: str, line_start: int) -> Sign | None:
        """Note a whole word; what it shows.

        Args:
            word: In small letters.
            start: Where it stands.
            text: The reply so far.
            line_start: Where its line begins.
        """
        if not self._on:
            return None
        found = self._phrases.word(word, start, is_first=self._opens)
        quoted = self._rules.word(word, start) if self._rules else None
        work = self._task.word(word, start, text, line_start) if self._task else None
        self._opens = self._opens and (word in _OPENERS or word in self._line_words)
        if found is not None:
            return Sign("disclosure" if found.kind == "disclosure" else "assistant", found.start)
        if quoted is not None:
            return Sign("rules", quoted)
        return Sign("assistant", work) if work is not None else None

    def sign(self, sign: str, at: int, text: str) -> Sign | None:
        """Note a sign that is no letter."""
        if self._task is not None and is_code(sign, at, text):
            return Sign("assistant", at)
        return None

    def end(self) -> Sign | None:
        """Note the end of a sentence."""
        found = self._phrases.end() if self._on else None
        if found is None:
            return None
        return Sign("disclosure" if found.kind == "disclosure" else "assistant", found.start)

    def begun_at(self, partial: str, at: int, text: str, line_start: int) -> int:
        """Up to where nothing of this can begin any more.

        Args:
            partial: The beginning of the word that is being written; empty between words.
            at: Where that word stands, or the end of what was read.
            text: The reply so far.
            line_start: Where its line begins.
        """
        if not self._on:
            return len(text)
        begun = [self._phrases.begun_at(partial, at, is_first=self._opens)]
        if self._task is not None:
            begun.append(self._task.begun_at(partial, at, text, line_start))
        if self._rules is not None and self._rules.may_quote(partial):
            begun.append(at)
        return min((place for place in begun if place is not None), default=len(text))


@lru_cache(maxsize=1)
def _yes() -> Phrases:
    return Phrases([("disclosure", listed(_YES))])


@lru_cache(maxsize=1)
def _work() -> Phrases:
    return Phrases([("assistant", listed(PHRASES))])


@lru_cache(maxsize=256)
def told_who_it_is(own_names: tuple[str, ...]) -> Phrases | None:
    """`You are Mira Voss`: what only a prompt says to a speaker; None for one without a name.

    A single name must end the clause, because some are words too: "You are hope itself."
    """
    rows = []
    for name in filter(None, (" ".join(words_of(name)) for name in own_names)):
        ending = "" if " " in name else " (.|an|the|called|who)"
        rows.append(f"^ (you are|you're|your name is) {name}{ending}")
    return Phrases([("rules", rows)]) if rows else None
