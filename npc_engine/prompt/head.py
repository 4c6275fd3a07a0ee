"""The stable head of a prompt: rules, world, sheet, and what this NPC knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from npc_engine.content.character import CharacterSheet
from npc_engine.content.facts import Fact
from npc_engine.content.state import initial_state, scope
from npc_engine.content.world import World
from npc_engine.errors import BudgetError
from npc_engine.prompt import wording
from npc_engine.prompt.budget import Budget
from npc_engine.prompt.knowledge import is_for_everyone, known_facts, revealed_secrets
from npc_engine.prompt.pieces import (
    Piece,
    example_pieces,
    fact_piece,
    keep_within,
    sheet_pieces,
    world_pieces,
)
from npc_engine.prompt.plan import Cut
from npc_engine.prompt.profile import DEFAULT, PromptProfile
from npc_engine.protocols import Tokenizer
from npc_engine.sentences import cut_to_tokens

_COMMON_SHARE = 0.72
"""Part of the canon cap the world may fill, so that something is left for what this NPC knows."""

TAG_TOKENS = 6
"""Allowance for the template's tags around one message."""

_WAITS = "cap of the canon: comes in when a line mentions it"

_SHORTENED_RANKS = (0, 1, 7)
"""Identity, persona and background lose their end rather than all of it."""

_TEMPLATE_TOKENS = 16
"""Allowance for the template's tags around the system message."""


@dataclass(frozen=True, slots=True)
class Head:
    """The pieces of the head; the lists belong to the compiler, which may shorten them."""

    rules: list[Piece]
    world: list[Piece]
    sheet: list[Piece]
    examples: list[tuple[Piece, Piece]]
    canon: list[Piece]
    mentionable: tuple[Fact, ...]
    """All a line can call up, facts of the head too: what stands right above the player's words
    is used far more often than what stands a thousand tokens earlier."""
    cuts: tuple[Cut, ...]


def compile_head(
    sheet: CharacterSheet,
    world: World,
    values: Mapping[str, Any],
    names: Mapping[str, str],
    shared_facts: Sequence[Fact],
    budget: Budget,
    tokenizer: Tokenizer,
    profile: PromptProfile = DEFAULT,
) -> Head:
    """The head within its caps; what does not fit is cut by rule and listed.

    Facts with a `when:` or a `{{ }}` stay out of the head even when they hold, because a change
    would make the model read the whole conversation again: they come into the tail when a line
    calls them up.
    """
    cuts: list[Cut] = []
    rules_text = wording.RULES if profile.examples == "turns" else wording.RULES_OF_TALK
    rules = [Piece("rules", rules_text, "engine")]
    known = known_facts(sheet, (*world.facts, *shared_facts), values)
    lasting = [fact for fact in known if fact.when is None and "{{" not in fact.text]
    common = [fact for fact in lasting if is_for_everyone(fact) and _is_among(fact, world.facts)]
    of_world = _world_section(world, common, values, budget, tokenizer, cuts)
    used = _tokens(of_world, tokenizer)
    secrets = revealed_secrets(sheet, values)
    own = [*secrets, *(fact for fact in lasting if not _is_among(fact, common))]
    canon = _canon_section(sheet, world, own, values, budget.canon_tokens - used, tokenizer, cuts)
    sheet_cap = budget.head_tokens - _TEMPLATE_TOKENS - _tokens(rules, tokenizer)
    whole = sheet_pieces(sheet, names, values, profile)
    examples = example_pieces(sheet, values) if profile.examples == "turns" else []
    kept_sheet = _within_cap(whole, examples, sheet_cap, tokenizer, cuts)
    return Head(rules, of_world, kept_sheet, examples, canon, (*secrets, *known), tuple(cuts))


def sheet_cost(
    sheet: CharacterSheet, world: World, names: Mapping[str, str], tokenizer: Tokenizer
) -> tuple[tuple[str, int], ...]:
    """Tokens of each field of a sheet as it stands in the prompt, in prompt order."""
    values = scope(initial_state(world, [sheet]), sheet.id, world)
    costs: dict[str, int] = {}
    for piece in sheet_pieces(sheet, names, values):
        field = piece.why.partition("[")[0]
        costs[field] = costs.get(field, 0) + tokenizer.count(piece.text) + 1
    examples = _example_tokens(example_pieces(sheet, values), tokenizer)
    if examples:
        costs["examples"] = examples
    return tuple(costs.items())


def require_sheet_fits(
    sheet: CharacterSheet,
    world: World,
    names: Mapping[str, str],
    tokenizer: Tokenizer,
    budget: Budget,
) -> None:
    """Check, before any conversation, that a sheet needs no cutting.

    Raises:
        BudgetError: The sheet with the rules exceeds the head's cap; names the longest fields.
    """
    costs = sheet_cost(sheet, world, names, tokenizer)
    rules = tokenizer.count(wording.RULES) + _TEMPLATE_TOKENS
    total = rules + sum(tokens for _, tokens in costs)
    if total > budget.head_tokens:
        largest = sorted(costs, key=lambda cost: -cost[1])
        raise BudgetError(sheet.id, "sheet", total, budget.head_tokens, largest)


def _world_section(
    world: World,
    common: Sequence[Fact],
    values: Mapping[str, Any],
    budget: Budget,
    tokenizer: Tokenizer,
    cuts: list[Cut],
) -> list[Piece]:
    """Setting and common facts: the same for every NPC, so that all share these tokens."""
    values = {name: value for name, value in values.items() if name != "relationships"}
    pieces: list[Piece] = []
    for piece in world_pieces(world, values):
        room = budget.canon_tokens - _tokens(pieces, tokenizer)
        text = cut_to_tokens(piece.text, max(0, room - 1), tokenizer.count)
        if text != piece.text:
            lost = tokenizer.count(piece.text) - tokenizer.count(text)
            cuts.append(Cut("world", f"end of {piece.why}", lost, "cap of the world"))
        if text:
            pieces.append(Piece("world", text, piece.why))
    cap = int(budget.canon_tokens * _COMMON_SHARE)
    heading = Piece("world", wording.COMMON_HEADING, "engine")
    bullets = [fact_piece("world", fact, values, "known by everyone") for fact in common]
    kept = keep_within(
        bullets, cap - _tokens([*pieces, heading], tokenizer), tokenizer, cuts, _WAITS
    )
    if kept:
        pieces += [heading, *kept]
    return pieces


def _canon_section(
    sheet: CharacterSheet,
    world: World,
    own: Sequence[Fact],
    values: Mapping[str, Any],
    cap_tokens: int,
    tokenizer: Tokenizer,
    cuts: list[Cut],
) -> list[Piece]:
    """Who the player is, revealed secrets, and what this NPC knows beyond the common."""
    about = wording.sentence(world.player.about) if world.player.about else ""
    player = (
        f"{sheet.nickname} is talking with {wording.sentence(world.player.name)} {about}".strip()
    )
    pieces = [Piece("canon", player, "player")]
    heading = Piece("canon", wording.CANON_HEADING.format(nickname=sheet.nickname), "engine")
    bullets = [fact_piece("canon", fact, values, "known by this NPC") for fact in own]
    kept = keep_within(
        bullets, cap_tokens - _tokens([*pieces, heading], tokenizer), tokenizer, cuts, _WAITS
    )
    if kept:
        pieces += [heading, *kept]
    return pieces


def _is_among(fact: Fact, facts: Sequence[Fact]) -> bool:
    """Whether it is this very fact: sheets and worlds may use one id for different facts."""
    return any(fact is other for other in facts)


def _within_cap(
    pieces: list[Piece],
    examples: list[tuple[Piece, Piece]],
    cap_tokens: int,
    tokenizer: Tokenizer,
    cuts: list[Cut],
) -> list[Piece]:
    """The sheet; over its cap, examples go first, then background and the like (drop_rank)."""

    def over() -> int:
        return _tokens(pieces, tokenizer) + _example_tokens(examples, tokenizer) - cap_tokens

    while examples and over() > 0:
        cut = examples.pop()
        cuts.append(Cut("sheet", cut[0].why, _example_tokens([cut], tokenizer), "cap of the sheet"))
    while over() > 0:
        last = max(pieces, key=lambda piece: piece.drop_rank)
        tokens = tokenizer.count(last.text)
        shorter = cut_to_tokens(last.text, max(0, tokens - over()), tokenizer.count)
        index = pieces.index(last)
        if last.drop_rank in _SHORTENED_RANKS and shorter and len(shorter) < len(last.text):
            pieces[index] = Piece("sheet", shorter, last.why, last.drop_rank)
        elif last.drop_rank == 0:
            break
        else:
            pieces.pop(index)
        cuts.append(Cut("sheet", last.why, tokens, "cap of the sheet"))
    return pieces


def _example_tokens(examples: Sequence[tuple[Piece, Piece]], tokenizer: Tokenizer) -> int:
    """Tokens of examples, with the tags of the two messages each."""
    return sum(tokenizer.count(piece.text) + TAG_TOKENS for pair in examples for piece in pair)


def _tokens(pieces: Sequence[Piece], tokenizer: Tokenizer) -> int:
    return sum(tokenizer.count(piece.text) + 1 for piece in pieces)
