"""What `npc check` finds in the phrases of a sheet's `lines:`: those that can call for nothing."""

from collections.abc import Iterator, Sequence

from npc_engine.authoring.sheet_checks import warning
from npc_engine.content.character import AuthoredLine
from npc_engine.content.marks import Source
from npc_engine.dialogue.player_phrases import has_words, same_phrase
from npc_engine.errors import Fault

NEVER_FOUND = "W206"


def check_lines(lines: Sequence[AuthoredLine], source: Source) -> Iterator[Fault]:
    """Phrases without words, and phrases that an earlier line answers to already.

    Lines with the same phrase are right where their conditions differ, or where the earlier one is
    said once.
    """
    earlier: dict[str, list[int]] = {}
    for index, line in enumerate(lines):
        for number, phrase in enumerate(line.when_asked):
            where = ("lines", index, "when_asked", number)
            if not has_words(phrase):
                yield warning(
                    source, where, f'"{phrase}"', "words that a player says",
                    "write some; without them it is never found", NEVER_FOUND,
                )  # fmt: skip
                continue
            same = same_phrase(phrase)
            taken = [at for at in earlier.get(same, []) if _is_in_the_way(lines[at], line)]
            if taken:
                yield warning(
                    source, where, f'"{phrase}", which lines[{taken[0]}] has already',
                    "a phrase of its own, or conditions that tell the lines apart",
                    "remove one of the two", NEVER_FOUND,
                )  # fmt: skip
            earlier.setdefault(same, []).append(index)


def _is_in_the_way(earlier: AuthoredLine, line: AuthoredLine) -> bool:
    """Whether the earlier line is said wherever the later one could be."""
    if earlier is line:
        return True
    is_sooner = earlier.when is None or earlier.when == line.when
    return is_sooner and earlier.use == line.use and not earlier.once
