"""Which sentences of the sheet and the world bear on a line: by shared words, the rare ones first.

Small models answer from what stands right above the question; the same sentence a thousand tokens
earlier is often passed over. Knows words, not meanings; a line of small talk finds nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from npc_engine.content.character import CharacterSheet
from npc_engine.content.state import WorldState, scope
from npc_engine.dialogue.asked_words import root
from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.intents import OF_EVERYBODY, fits, is_about_player, wanted
from npc_engine.dialogue.matching import Matcher, read_line
from npc_engine.memory.words import words
from npc_engine.prompt.knowledge import known_facts, revealed_secrets
from npc_engine.prompt.offers import Offer
from npc_engine.prompt.statements import Statement, statements

MAX_SENTENCES = 3
_FORM = 4.0
"""What a statement gains that the form of the question asks for."""
_FITS = 1.3
_OF_NAMED = 1.4
"""For how the character stands to somebody the line names."""
_NEAR_BEST = 0.6


@dataclass(frozen=True, slots=True)
class Bearing:
    """A statement that bears on a line."""

    statement: Statement
    score: float
    why: str


def bearing_offers(
    cast: Cast, sheet: CharacterSheet, state: WorldState, line: str
) -> tuple[Offer, ...]:
    """The sentences that bear on a line as offers, the best first.

    Args:
        cast: Everybody, and the world.
        sheet: Who is asked.
        state: The world at this point of the chat.
        line: What the player says.
    """
    values = scope(state, sheet.id, cast.world)
    shared = (*cast.world.facts, *cast.shared_facts(sheet.id))
    facts = (*revealed_secrets(sheet, values), *known_facts(sheet, shared, values))
    about = statements(sheet, cast.world, cast.names, facts, values)
    return tuple(
        Offer("bearing", found.statement.id, found.statement.text, found.score, why=found.why)
        for found in bearing_on(line, about, (sheet.name, sheet.nickname))
    )


def bearing_on(
    line: str, about: tuple[Statement, ...], own_names: tuple[str, ...]
) -> tuple[Bearing, ...]:
    """At most three statements that bear on a line, the best first.

    Args:
        line: What the player says.
        about: What may be said.
        own_names: Of the character; they call up nothing, since most statements hold them.
    """
    texts = ("\n".join((statement.text, *statement.keys)) for statement in about)
    matcher = Matcher(texts, own_names)
    read = read_line(line, own_names)
    asked = read.asked
    by_form = _by_form(asked, about)
    of_player = bool(asked) and all(map(is_about_player, asked))
    found: list[tuple[float, int, str]] = []
    for place, statement in enumerate(about):
        if of_player and statement.field not in OF_EVERYBODY:
            continue
        match = matcher.match(place, read)
        score = match.score
        if any(fits(question, statement.text) for question in asked):
            score *= _FITS
        if statement.field == "relationships" and any(
            root(word) in match.words for word in words(statement.id)
        ):
            score *= _OF_NAMED
        score += _FORM * by_form[place]
        if score > 0:
            found.append((score, place, ", ".join(match.words) or "the form of the question"))
    found.sort(key=lambda each: (-each[0], each[1]))
    best: list[Bearing] = []
    for score, place, why in found:
        if len(best) == MAX_SENTENCES or score < _NEAR_BEST * found[0][0]:
            break
        text = about[place].text
        # One may hold the other, where a sentence is only understood with the one before it.
        if not any(text in each.statement.text or each.statement.text in text for each in best):
            best.append(Bearing(about[place], round(score, 4), f"found by {why}"))
    return tuple(best)


def _by_form(asked: Sequence[str], about: Sequence[Statement]) -> Sequence[float]:
    forms = [wanted(question, about) for question in asked]
    return [max(column) for column in zip(*forms, strict=True)] if forms else [0.0] * len(about)
