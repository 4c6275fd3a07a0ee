"""How good a text would be as a reply: a score from the text, the prompt and the sheet alone.

The weights are start values set by hand; the exam has shown no gain by them yet
(docs/benchmarks.md).
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

from npc_engine.content.character import CharacterSheet
from npc_engine.dialogue.attempt import Attempt
from npc_engine.dialogue.breaks import Break
from npc_engine.dialogue.second_try import is_enough, weight_of
from npc_engine.dialogue.spoken import words_of
from npc_engine.dialogue.unanswerable import wanted_by
from npc_engine.memory.words import content_stems, is_question, jaccard, names_and_numbers
from npc_engine.prompt.plan import Plan, SectionName
from npc_engine.protocols import FinalReason

_BEARING_SECTIONS: tuple[SectionName, ...] = ("recall", "lore", "passages", "contexts", "bearing")

_BROKE = -1.0
"""For each step of the weight of a break, where something before it can be heard."""
_UNUSABLE = -10.0
"""Nothing can be heard of it."""
_BEARS = 2.0
"""It says what the prompt has to say on the line, if the line asks."""
_STRAY = -0.6
"""It answers with a name or number where what bears on the line has others."""
_AGREES = 1.0
"""It says what the other candidates say."""
_GIVES = 0.6
"""The line asks for a name or number, and it gives one that may be said."""
_COPIES = -1.0
"""It is one of the sheet's own example replies, or nearly so."""
_REPEATS = -1.5
_ECHOES = -1.0
_MANNER = 0.3
_LENGTH = 0.4
_MARKED = 0.1
_UNFINISHED: Mapping[FinalReason, float] = {"length": -0.4, "cancelled": -2.0, "failed": -5.0}

_ALIKE = 0.75
_ENOUGH_STEMS = 3
"""So many words of a fact are as good as all."""
_USUAL_WORDS = 12
"""Length of a reply where a sheet shows none."""


@dataclass(frozen=True, slots=True)
class Appraisal:
    """A score and what it is made of."""

    parts: Mapping[str, float]

    @property
    def score(self) -> float:
        """The larger the better; only to be compared within one turn."""
        return sum(self.parts.values())

    def in_words(self) -> str:
        """The parts that are not 0, such as `bearing +1.3, repeats -0.4`."""
        return ", ".join(f"{name} {part:+.2g}" for name, part in self.parts.items() if part)


class Appraiser:
    """Judges the candidates of one turn."""

    def __init__(
        self,
        sheet: CharacterSheet,
        plan: Plan,
        line: str,
        earlier: Sequence[str],
        bearing: Sequence[str] = (),
    ) -> None:
        """Take what they answer.

        Args:
            sheet: Of the speaker.
            plan: The prompt.
            line: The player's words.
            earlier: The speaker's last replies.
            bearing: Sentences that bear on the line, wherever they stand in the prompt.
        """
        self._wanted = wanted_by(line)
        examples = (*(example.reply for example in sheet.examples), *sheet.greetings)
        self._examples = [frozenset(content_stems(reply)) for reply in examples]
        self._manner = manner_of(sheet)
        self._line_stems = frozenset(content_stems(line))
        self._asks = any(is_question(part) for part in line.splitlines()) or "?" in line
        rows = [
            *bearing,
            *(
                row
                for section in plan.sections
                if section.name in _BEARING_SECTIONS
                for row in section.text.splitlines()
            ),
        ]
        self._facts = [stems for row in rows if (stems := self._new_stems(row))]
        self._told = frozenset(names_and_numbers("\n".join(rows))) if rows else frozenset()
        self._line_names = frozenset(names_and_numbers(line))
        self._earlier = [frozenset(content_stems(reply)) for reply in earlier]

    def appraise(self, attempts: Sequence[Attempt]) -> list[Appraisal]:
        """Judge what came of each attempt so far."""
        texts = [attempt.shown for attempt in attempts]
        return [
            self.judge(
                attempt.shown,
                attempt.guard.broken,
                attempt.end.reason if attempt.end is not None else "done",
                [*texts[:at], *texts[at + 1 :]],
            )
            for at, attempt in enumerate(attempts)
        ]

    def judge(
        self,
        text: str,
        broken: Break | None = None,
        reason: FinalReason = "done",
        others: Sequence[str] = (),
    ) -> Appraisal:
        """Judge a text.

        Args:
            text: What may be heard.
            broken: Where it broke character behind that.
            reason: How it ended, or `done` while it goes on.
            others: What the other candidates say.
        """
        words = words_of(text)
        stems = frozenset(content_stems(text))
        parts = {
            "verdict": _verdict(text, broken),
            "bearing": self._bearing(text, stems),
            "gives": _GIVES if self._gives(text) else 0.0,
            "agrees": self._agrees(stems, others),
            "copies": _COPIES if any(jaccard(stems, e) >= _ALIKE for e in self._examples) else 0.0,
            "repeats": _REPEATS
            * _above(max((jaccard(stems, e) for e in self._earlier), default=0)),
            "echoes": _ECHOES * _above(jaccard(stems, self._line_stems)),
            "manner": self._manner.part_of(text, words),
            "unfinished": _UNFINISHED.get(reason, 0.0),
        }
        return Appraisal(parts)

    def _new_stems(self, row: str) -> frozenset[str]:
        """What a fact says beyond the words of the line."""
        return frozenset(content_stems(row)) - self._line_stems

    def _gives(self, text: str) -> bool:
        """Whether it holds a name or number where one is asked for, and no other than was told."""
        given = names_and_numbers(text) - self._line_names
        return bool(self._wanted and (given & self._told if self._told else given))

    def _agrees(self, stems: frozenset[str], others: Sequence[str]) -> float:
        """What it shares with the other candidates beyond the line's own words, on a question.

        Of several answers the one that comes up most often is right most often: self-consistency,
        https://arxiv.org/abs/2203.11171, by words instead of by whole answers.
        """
        own = stems - self._line_stems
        if not self._asks or not own or not others:
            return 0.0
        shares = [len(own & frozenset(content_stems(other))) / len(own) for other in others]
        return _AGREES * sum(shares) / len(shares)

    def _bearing(self, text: str, stems: frozenset[str]) -> float:
        if not self._asks or not self._facts:
            return 0.0
        said = max(len(stems & fact) / min(len(fact), _ENOUGH_STEMS) for fact in self._facts)
        used = frozenset(names_and_numbers(text)) - self._line_names
        stray = bool(used and self._told and not used & self._told)
        return _BEARS * min(1.0, said) + (_STRAY if stray else 0.0)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a sheet's own lines sound."""

    usual_words: float
    markers: tuple[tuple[str, ...], ...]
    grams: Mapping[str, float]
    """Three letters in a row and how often they come, as a vector of length 1; may be empty."""

    def part_of(self, text: str, words: Sequence[str]) -> float:
        """0 to 0.8: like length, like letters, a turn of phrase of its own."""
        if not words:
            return 0.0
        length = max(0.0, 1 - abs(math.log2(len(words) / self.usual_words)) / 3)
        grams = _grams([text])
        likeness = sum(share * self.grams.get(gram, 0.0) for gram, share in grams.items())
        is_marked = any(_holds(words, marker) for marker in self.markers)
        return _LENGTH * length + _MANNER * likeness + (_MARKED if is_marked else 0.0)


@lru_cache(maxsize=64)
def _manner(lines: tuple[str, ...], says: tuple[str, ...]) -> Manner:
    counts = [len(words) for line in lines if (words := words_of(line))]
    return Manner(
        usual_words=median(counts) if counts else _USUAL_WORDS,
        markers=tuple(words for phrase in says if (words := words_of(phrase))),
        grams=_grams(lines),
    )


def manner_of(sheet: CharacterSheet) -> Manner:
    """The manner of a sheet's examples and greetings."""
    lines = (*(example.reply for example in sheet.examples), *sheet.greetings)
    return _manner(lines, sheet.speech.says)


def _verdict(text: str, broken: Break | None) -> float:
    if not any(character.isalnum() for character in text):
        return _UNUSABLE - (weight_of(broken) if broken is not None else 0)
    if broken is None:
        return 0.0
    return _BROKE * weight_of(broken) + (0.0 if is_enough(text) else _UNUSABLE)


def _above(share: float) -> float:
    """How far a share of common words is above what any two lines have, 0 to 1."""
    return max(0.0, share - 0.3) / 0.7


def _holds(words: Sequence[str], row: tuple[str, ...]) -> bool:
    return any(tuple(words[at : at + len(row)]) == row for at in range(len(words) - len(row) + 1))


def _grams(texts: Iterable[str]) -> Mapping[str, float]:
    counts: Counter[str] = Counter()
    for text in texts:
        flat = " ".join(text.casefold().split())
        counts.update(flat[at : at + 3] for at in range(len(flat) - 2))
    length = math.sqrt(sum(count * count for count in counts.values()))
    return {gram: count / length for gram, count in counts.items()} if length else {}
