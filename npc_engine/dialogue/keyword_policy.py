"""A content policy of plain words: finds what a studio lists, and nothing else."""

from collections.abc import Iterable, Mapping

from npc_engine.content.nearest import suggest
from npc_engine.content.policy import Category
from npc_engine.dialogue.content_policy import CATEGORIES, Finding, Stage
from npc_engine.dialogue.spoken import words_of
from npc_engine.errors import CommandError


class KeywordPolicy:
    """Finds listed words and phrases: whole words, in any case, whatever stands between them.

    It reads words, not meaning: "gun" is found in "no gun in sight", not in "g u n". What it finds
    counts as meant for the real world.
    """

    def __init__(self, words: Mapping[Category, Iterable[str]]) -> None:
        """Take the words of each category; of several in one text the first listed is found.

        Raises:
            CommandError: There is no such category, or a phrase has no word in it.
        """
        self._rows: dict[str, list[tuple[tuple[str, ...], Category]]] = {}
        order = 0
        self._order: dict[tuple[str, ...], int] = {}
        for category, phrases in words.items():
            if category not in CATEGORIES:
                advice = suggest(str(category), CATEGORIES) or f"one of {', '.join(CATEGORIES)}"
                raise CommandError(f'KeywordPolicy: found the category "{category}"; {advice}')
            for phrase in [phrases] if isinstance(phrases, str) else phrases:
                row = words_of(phrase)
                if not row:
                    raise CommandError(f'KeywordPolicy: "{phrase}" of {category} holds no word')
                self._rows.setdefault(row[0], []).append((row, category))
                self._order.setdefault(row, order)
                order += 1

    def check(self, text: str, stage: Stage, npc: str) -> Finding | None:
        """The category of the first listed phrase that stands in a text."""
        words = words_of(text)
        found = [
            (self._order[row], category)
            for at, word in enumerate(words)
            for row, category in self._rows.get(word, ())
            if words[at : at + len(row)] == row
        ]
        return Finding(min(found)[1]) if found else None
