"""The end of a prompt: what may change with every turn, and last the player's line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from npc_engine.content.conditions import fill
from npc_engine.content.state import SHOWN_EVENTS, company_of
from npc_engine.prompt import wording
from npc_engine.prompt.head import Head
from npc_engine.prompt.knowledge import may_see, witnessed_events
from npc_engine.prompt.pieces import Piece, keep_within, piece_cut, tokens_of
from npc_engine.prompt.plan import Cut
from npc_engine.prompt.pool import share_pool
from npc_engine.prompt.possible import possible_pieces
from npc_engine.prompt.request import PromptRequest
from npc_engine.protocols import Tokenizer
from npc_engine.sentences import cut_to_tokens

_LEAST_GIVEN_TOKENS = 40
"""A given text of which less would be left is left out whole."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The last user turn, and what is wanted in the system block instead."""

    pieces: list[Piece]
    given: list[Piece]
    """What the line calls up, for the system block; empty where it stands among `pieces`."""


def compile_tail(
    request: PromptRequest,
    head: Head,
    values: Mapping[str, Any],
    tokenizer: Tokenizer,
    cuts: list[Cut],
) -> Tail:
    """The tail within its caps; what does not fit is cut by rule and listed."""
    budget = request.budget
    note = fill(request.sheet.post_history, values).strip()
    notes = [Piece("note", wording.sentence(note), "post_history")] if note else []
    state_cap = budget.state_tokens - sum(tokenizer.count(piece.text) for piece in notes)
    state = keep_within(
        _state_pieces(request, values), state_cap, tokenizer, cuts, "cap of the live state"
    )
    notes = [*possible_pieces(request), *notes]
    pool = share_pool(request, head.mentionable, values, tokenizer, cuts)
    given = _given_pieces(request, tokenizer, cuts)
    shown = request.line_shown or request.line
    line = cut_to_tokens(shown, budget.line_tokens, tokenizer.count)
    if line != shown:
        left = tokenizer.count(shown) - tokenizer.count(line)
        cuts.append(Cut("line", "end of the player's line", left, "cap of the player's line"))
    said = Piece("line", line, "what the player says")
    above = _reminder_pieces(request)
    if request.profile.contexts == "system":
        pieces = [*state, *pool.recall, *notes, *above, said]
        return Tail(pieces, [*given, *pool.passages, *pool.lore, *pool.bearing])
    above = [*pool.bearing, *above]
    if request.contexts_in_system:
        pieces = [*state, *pool.recall, *pool.lore, *notes, *above, said]
        return Tail(pieces, [*given, *pool.passages])
    pieces = [*state, *pool.recall, *given, *pool.lore, *pool.passages, *notes, *above, said]
    return Tail(pieces, [])


def _reminder_pieces(request: PromptRequest) -> list[Piece]:
    """The reminder that this line needs, or else the one of every turn."""
    if request.reminder:
        return [Piece("reminder", request.reminder, request.reminder_why)]
    if not request.profile.reminder:
        return []
    words = wording.REMIND_EVERY_TURN.format(nickname=request.sheet.nickname)
    return [Piece("reminder", words, "profile")]


def _state_pieces(request: PromptRequest, values: Mapping[str, Any]) -> list[Piece]:
    """Clock, what is plain to see, how the NPC stands to the player, and the newest events."""
    state, sheet = request.state, request.sheet
    pieces = [Piece("state", wording.clock_in_words(state, request.world.calendar), "clock")]
    company = [request.names.get(who, who) for who in company_of(state, sheet.id)]
    if company:
        listed = " and ".join(filter(None, [", ".join(company[:-1]), company[-1]]))
        here = wording.HERE.format(nickname=sheet.nickname, names=listed)
        pieces.append(Piece("state", here, "who is at the same place"))
    relation = state.relationships.get(sheet.id, {}).get("player")
    if relation is not None:
        player = request.world.player.name
        words = wording.trust_in_words(int(relation.get("trust", 0)), player)
        feels = f"feels {relation['feels']}" if relation.get("feels") else ""
        if words or feels:
            text = f"{sheet.nickname} {' and '.join(filter(None, (words, feels)))}."
            pieces.append(Piece("state", text, "relationships.player"))
    for name, declaration in request.world.state.items():
        if declaration.say and may_see(sheet, declaration.known_by):
            text = fill(declaration.say, {**values, "value": state.values[name]})
            pieces.append(Piece("state", wording.sentence(text), f"state.{name}"))
    for event in witnessed_events(sheet, state)[-SHOWN_EVENTS:]:
        text = f"Day {event.day}: {wording.sentence(event.text)}"
        pieces.append(Piece("state", text, "a witnessed event"))
    return pieces


def _given_pieces(request: PromptRequest, tokenizer: Tokenizer, cuts: list[Cut]) -> list[Piece]:
    """The texts the game gave, in its order; the first that does not fit loses its end."""
    in_tail = not request.contexts_in_system
    room = request.budget.given_tokens
    kept: list[Piece] = []
    for number, context in enumerate(request.given_contexts):
        text = " ".join(context.split())
        if not text:
            continue
        why = f"contexts[{number}], given by the game"
        frame = wording.KNOWS.format(nickname=request.sheet.nickname, text="") if in_tail else ""
        whole = Piece("contexts", f"{frame}{text}", why)
        if tokens_of(whole, tokenizer) > room:
            left = max(0, room - tokenizer.count(frame) - 1)
            text = cut_to_tokens(text, left, tokenizer.count) if left >= _LEAST_GIVEN_TOKENS else ""
            cuts.append(piece_cut(whole, tokenizer, "cap of given texts"))
        piece = Piece("contexts", f"{frame}{text}", why)
        if text and tokens_of(piece, tokenizer) <= room:
            kept.append(piece)
            room -= tokens_of(piece, tokenizer)
    return kept
