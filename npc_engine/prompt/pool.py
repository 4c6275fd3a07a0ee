"""What a line calls up: how recalled memories, lore and passages share one pool of tokens."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from npc_engine.content.conditions import fill
from npc_engine.content.facts import Fact
from npc_engine.content.state import scope
from npc_engine.prompt import wording
from npc_engine.prompt.knowledge import known_facts, revealed_secrets
from npc_engine.prompt.lore import IN_LINE, triggered
from npc_engine.prompt.offers import Offer
from npc_engine.prompt.pieces import Piece, keep_within, piece_cut, tokens_of
from npc_engine.prompt.plan import Cut
from npc_engine.prompt.request import PromptRequest
from npc_engine.protocols import Tokenizer

_CAP = "cap of recall and lore"
_BEARING_CAP = "cap of what bears on the line"


@dataclass(frozen=True, slots=True)
class Pool:
    """What of the offers fits."""

    recall: list[Piece]
    """With its heading; in the order of time."""
    lore: list[Piece]
    passages: list[Piece]
    bearing: list[Piece]


def share_pool(
    request: PromptRequest,
    facts: Sequence[Fact],
    values: Mapping[str, Any],
    tokenizer: Tokenizer,
    cuts: list[Cut],
) -> Pool:
    """Keep the offers that fit; what does not is listed in `cuts`.

    Args:
        request: The offers, and the caps.
        facts: All that a line can call up, `when:` already checked.
        values: For `{{ }}` in facts.
        tokenizer: Counts.
        cuts: Is added to.
    """
    known = _known_pieces(request, facts, values, tokenizer, cuts)
    room = _recall_cap(request, known, tokenizer)
    recall = _recalled(request, room, tokenizer, cuts)
    rest = request.budget.recall_tokens - sum(tokens_of(piece, tokenizer) for piece in recall)
    kept = keep_within(known, rest, tokenizer, cuts, _CAP)
    return Pool(
        recall,
        [piece for piece in kept if piece.section == "lore"],
        [piece for piece in kept if piece.section == "passages"],
        _nearest_last([piece for piece in kept if piece.section == "bearing"]),
    )


def _nearest_last(bearing: Sequence[Piece]) -> list[Piece]:
    """What the player told stands nearest to the line, the best of it last."""
    told = [piece for piece in bearing if piece.offer is not None and piece.offer.evidence]
    return [*(piece for piece in bearing if piece not in told), *reversed(told)]


def recall_room_tokens(request: PromptRequest, tokenizer: Tokenizer) -> int:
    """How many tokens recalled memories may take in this prompt, line breaks included.

    Never less than what recall is sure of; more where no lore or passage needs the rest. The
    request's own `recalled` plays no part.

    Args:
        request: With its line, turns and passages.
        tokenizer: Counts.
    """
    values = scope(request.state, request.sheet.id, request.world)
    facts = mentionable_facts(request, values)
    known = _known_pieces(request, facts, values, tokenizer, [])
    cap = _recall_cap(request, known, tokenizer)
    return max(0, cap - tokens_of(_heading(request), tokenizer))


def mentionable_facts(request: PromptRequest, values: Mapping[str, Any]) -> tuple[Fact, ...]:
    """All that a line can call up now: revealed secrets and what this NPC knows."""
    facts = (*request.world.facts, *request.shared_facts)
    return (
        *revealed_secrets(request.sheet, values),
        *known_facts(request.sheet, facts, values),
    )


def _recall_cap(request: PromptRequest, known: Sequence[Piece], tokenizer: Tokenizer) -> int:
    """The pool without what lore and passages would fill of the part they can always have."""
    budget = request.budget
    sure = budget.recall_tokens - budget.sure_recall_tokens
    taken = keep_within(known, sure, tokenizer, [], _CAP)
    return budget.recall_tokens - sum(tokens_of(piece, tokenizer) for piece in taken)


def _recalled(
    request: PromptRequest, room_tokens: int, tokenizer: Tokenizer, cuts: list[Cut]
) -> list[Piece]:
    """The best memories that fit, in the order in which they were offered."""
    heading = _heading(request)
    room_tokens -= tokens_of(heading, tokenizer)
    kept: set[int] = set()
    pieces = [_recall_piece(offer) for offer in request.recalled]
    for index in sorted(range(len(pieces)), key=lambda i: (-request.recalled[i].score, i)):
        tokens = tokens_of(pieces[index], tokenizer)
        if tokens <= room_tokens:
            kept.add(index)
            room_tokens -= tokens
        else:
            cuts.append(piece_cut(pieces[index], tokenizer, _CAP))
    found = [piece for index, piece in enumerate(pieces) if index in kept]
    return [heading, *found] if found else []


def _heading(request: PromptRequest) -> Piece:
    words = wording.RECALL_HEADING.format(nickname=request.sheet.nickname)
    return Piece("recall", words, "engine")


def _recall_piece(offer: Offer) -> Piece:
    # As it was packed: another mark at its end could be a token too many.
    return Piece("recall", " ".join(offer.text.split()), offer.why or "recalled", 1, offer)


def _known_pieces(
    request: PromptRequest,
    facts: Sequence[Fact],
    values: Mapping[str, Any],
    tokenizer: Tokenizer,
    cuts: list[Cut],
) -> list[Piece]:
    """What the line calls up, the most likely answer first.

    What the player told and asks for comes before all, since recall may have made it over; then
    facts whose keys stand in the player's own words, sentences that bear on them, the best passage,
    facts that only the last reply calls up, and the other passages.
    """
    last_reply = request.turns[-1].messages[-1].text if request.turns else ""
    by_line: list[Piece] = []
    by_reply: list[Piece] = []
    for fact, why in triggered(facts, request.line, last_reply):
        text = wording.sentence(fill(fact.text, values))
        words = wording.KNOWS.format(nickname=request.sheet.nickname, text=text)
        offer = Offer("lore", fact.id, text, why=why)
        piece = Piece("lore", words, f"fact {fact.id}: {why}", 1, offer)
        (by_line if why.endswith(IN_LINE) else by_reply).append(piece)
    passages = [_passage_piece(request, offer) for offer in request.passages]
    standing = {piece.offer.text for piece in (*by_line, *by_reply) if piece.offer is not None}
    told = _told_pieces(request, tokenizer, cuts)
    bearing = _bearing_pieces(request, standing, tokenizer, cuts)
    return [*told, *by_line, *bearing, *passages[:1], *by_reply, *passages[1:]]


def _bearing_pieces(
    request: PromptRequest, standing: Collection[str], tokenizer: Tokenizer, cuts: list[Cut]
) -> list[Piece]:
    """The sentences that bear on the line within their own cap; none that lore holds already."""
    names = {request.sheet.nickname, request.sheet.name}
    pieces: list[Piece] = []
    for offer in request.bearing:
        if offer.text in standing or offer.evidence:
            continue
        text = offer.text
        if not any(name in text for name in names):
            text = wording.KNOWS.format(nickname=request.sheet.nickname, text=text)
        pieces.append(Piece("bearing", text, f"{offer.id}: {offer.why}", 1, offer))
    budget = request.budget
    told = _told_pieces(request, tokenizer, [])
    rest = budget.told_and_bearing_tokens - sum(tokens_of(piece, tokenizer) for piece in told)
    cap = min(budget.bearing_tokens, rest)
    return keep_within(pieces, cap, tokenizer, cuts, _BEARING_CAP)


def _told_pieces(request: PromptRequest, tokenizer: Tokenizer, cuts: list[Cut]) -> list[Piece]:
    """What the player told, the best first; it is what the others make room for."""
    pieces = [
        Piece("bearing", offer.text, f"{offer.id}: {offer.why}", 1, offer)
        for offer in request.bearing
        if offer.evidence
    ]
    return keep_within(pieces, request.budget.bearing_tokens, tokenizer, cuts, _BEARING_CAP)


def _passage_piece(request: PromptRequest, offer: Offer) -> Piece:
    text = " ".join(offer.text.split())
    if not request.contexts_in_system:
        text = wording.KNOWS.format(nickname=request.sheet.nickname, text=wording.sentence(text))
    return Piece("passages", text, f"{offer.id}: {offer.why}" if offer.why else offer.id, 1, offer)
