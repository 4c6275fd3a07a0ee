"""Pieces: the smallest texts that enter a prompt, each with its section and its provenance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from npc_engine.content.character import CharacterSheet
from npc_engine.content.conditions import fill
from npc_engine.content.facts import Fact
from npc_engine.content.world import World
from npc_engine.prompt import wording
from npc_engine.prompt.offers import Offer
from npc_engine.prompt.plan import Cut, SectionName
from npc_engine.prompt.profile import DEFAULT, PromptProfile
from npc_engine.protocols import Tokenizer

_EXAMPLE_RANK = 8
"""Examples go first when a sheet is too long, and of them the last one."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A text, the section it belongs to, and what put it there."""

    section: SectionName
    text: str
    why: str
    """Provenance: a sheet field, a fact id, `engine`; never empty."""
    drop_rank: int = 0
    """0 is never dropped; among others the highest goes first when a cap is short."""
    offer: Offer | None = None
    """What memory or lore had proposed, if it is that."""

    def __post_init__(self) -> None:
        """Refuse a text that nobody answers for."""
        if not self.why:
            raise ValueError(f"a piece of {self.section} without provenance: {self.text[:40]!r}")


def sheet_pieces(
    sheet: CharacterSheet,
    names: Mapping[str, str],
    scope: Mapping[str, Any],
    profile: PromptProfile = DEFAULT,
) -> list[Piece]:
    """The sheet as pieces in prompt order.

    Args:
        sheet: The character.
        names: What to call the others, by id; unknown ids are printed as they are.
        scope: Values for `{{ }}` texts of the sheet.
        profile: How it is worded, and whether its examples stand here.
    """

    def piece(field: str, text: str, drop_rank: int) -> Piece:
        return Piece("sheet", fill(text, scope), field, drop_rank)

    pieces = [piece("summary", wording.identity(sheet, profile.person), 0)]
    if sheet.persona:
        pieces.append(piece("persona", sheet.persona.strip(), 1))
    if sheet.traits:
        pieces.append(piece("traits", f"Character: {', '.join(sheet.traits)}.", 4))
    if sheet.background:
        pieces.append(piece("background", sheet.background.strip(), 7))
    if sheet.goals:
        pieces.append(piece("goals", "Wants: " + " ".join(map(wording.sentence, sheet.goals)), 5))
    relations = relation_lines(sheet, names)
    if relations:
        pieces.append(piece("relationships", " ".join(text for _, text in relations), 6))
    if sheet.boundaries:
        boundaries = " ".join(map(wording.sentence, sheet.boundaries))
        pieces.append(piece("boundaries", f"Limits: {boundaries}", 2))
    speech = _speech(sheet)
    if speech:
        pieces.append(piece("speech", speech, 3))
    if profile.examples == "text":
        pieces += [
            piece(
                f"examples[{number}]",
                wording.example(example.player, example.reply, sheet.nickname),
                _EXAMPLE_RANK + number,
            )
            for number, example in enumerate(sheet.examples)
        ]
    return pieces


def example_pieces(sheet: CharacterSheet, scope: Mapping[str, Any]) -> list[tuple[Piece, Piece]]:
    """The examples as exchanges, a player's line and a reply each.

    They stand in the prompt as turns before the talk: small models follow a voice they have
    already spoken in, and repeat a voice that is only described.
    """
    return [
        (
            Piece("sheet", fill(example.player, scope), f"examples[{number}]"),
            Piece("sheet", fill(example.reply, scope), f"examples[{number}]"),
        )
        for number, example in enumerate(sheet.examples)
    ]


def _speech(sheet: CharacterSheet) -> str:
    parts = []
    if sheet.speech.style:
        parts.append(f"Speaks: {wording.sentence(sheet.speech.style)}")
    if sheet.speech.says:
        parts.append(f"Often says: {wording.quoted(sheet.speech.says)}")
    if sheet.speech.never_says:
        parts.append(f"Never says: {wording.quoted(sheet.speech.never_says)}")
    if sheet.speech.max_sentences:
        count = sheet.speech.max_sentences
        parts.append(f"Answers in at most {count} sentence{'s' if count > 1 else ''}.")
    return " ".join(parts)


def relation_lines(sheet: CharacterSheet, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """How the character stands to each other one, with the other's id; the player is not there."""
    lines = []
    for other, relation in sheet.relationships.items():
        if other == "player":
            continue
        name = names.get(other, other)
        feels = f"feels {relation.feels} for {name}" if relation.feels else ""
        note = wording.sentence(relation.note) if relation.note else ""
        words = feels or wording.trust_in_words(relation.trust, name)
        clause = f"{sheet.nickname} {words}." if words else f"{sheet.nickname} knows {name}."
        lines.append((other, f"{clause} {note}".strip()))
    return lines


def world_pieces(world: World, scope: Mapping[str, Any]) -> list[Piece]:
    """The world's setting, tone and rules: the same for every NPC of the world."""
    heading = wording.WORLD_HEADING.format(name=world.name)
    tone = f" Tone: {wording.sentence(world.tone)}" if world.tone else ""
    setting = f"{heading} {wording.sentence(fill(world.setting, scope))}{tone}"
    pieces = [Piece("world", setting, "setting, tone")]
    if world.rules:
        rules = " ".join(map(wording.sentence, world.rules))
        pieces.append(Piece("world", f"{wording.RULES_HEADING} {fill(rules, scope)}", "rules"))
    return pieces


def fact_piece(section: SectionName, fact: Fact, scope: Mapping[str, Any], why: str) -> Piece:
    """One fact as a bullet."""
    text = wording.sentence(fill(fact.text, scope))
    return Piece(section, f"- {text}", f"fact {fact.id}: {why}", 1)


def keep_within(
    pieces: Sequence[Piece], cap_tokens: int, tokenizer: Tokenizer, cuts: list[Cut], rule: str
) -> list[Piece]:
    """The pieces that fit a cap, in order; one that does not fit is skipped, not the rest."""
    kept: list[Piece] = []
    used = 0
    for piece in pieces:
        tokens = tokens_of(piece, tokenizer)
        if used + tokens <= cap_tokens:
            kept.append(piece)
            used += tokens
        else:
            cuts.append(piece_cut(piece, tokenizer, rule))
    return kept


def tokens_of(piece: Piece, tokenizer: Tokenizer) -> int:
    """What a piece takes of a cap: its text and the line break behind it."""
    return tokenizer.count(piece.text) + 1


def piece_cut(piece: Piece, tokenizer: Tokenizer, rule: str) -> Cut:
    """The record of a piece that was left out."""
    return Cut(piece.section, piece.why, tokenizer.count(piece.text), rule, piece.offer)
