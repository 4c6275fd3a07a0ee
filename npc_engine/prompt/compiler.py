"""One turn's prompt: choose the pieces, keep every cap, render, and never exceed the window."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from npc_engine.content.state import scope
from npc_engine.messages import Turn
from npc_engine.prompt import wording
from npc_engine.prompt.assembly import Draft, compose, render
from npc_engine.prompt.budget import Budget
from npc_engine.prompt.done import results_within
from npc_engine.prompt.fitting import Fitting, turn_cut, turn_tokens
from npc_engine.prompt.head import compile_head
from npc_engine.prompt.offers import OfferShown
from npc_engine.prompt.pieces import Piece, keep_within
from npc_engine.prompt.plan import Cut, Plan
from npc_engine.prompt.possible import schema_pieces, tools_of, within_cap
from npc_engine.prompt.request import PromptRequest
from npc_engine.prompt.tail import compile_tail
from npc_engine.protocols import Rendering, Tokenizer
from npc_engine.sentences import cut_to_tokens

__all__ = ["PromptRequest", "compile_plan", "turn_tokens"]


def compile_plan(request: PromptRequest, tokenizer: Tokenizer) -> Plan:
    """The plan of a turn; always fits, whatever the request holds.

    Caps first; then, if the rendering is still too long, the oldest turns go, then passages, lore
    and recall, then what is known, then the summary, and last the player's line is shortened.
    """
    values = scope(request.state, request.sheet.id, request.world)
    head = compile_head(
        request.sheet,
        request.world,
        values,
        request.names,
        request.shared_facts,
        request.budget,
        tokenizer,
        request.profile,
    )
    cuts = list(head.cuts)
    budget = request.budget
    request = replace(
        request,
        actions=within_cap(request.actions, budget.actions_tokens, tokenizer, cuts),
        so_far=results_within(request.so_far, budget.results_tokens, tokenizer, cuts),
    )
    memory = _memory_pieces(request, tokenizer, cuts)
    tail = compile_tail(request, head, values, tokenizer, cuts)
    turns = _within_high_water(request, tokenizer, cuts)
    fitted = Fitting(head, memory, turns, tail.given, tail.pieces, cuts)
    while True:
        draft = _draft(request, fitted, tokenizer)
        rendered = render(draft, tokenizer)
        rendering = rendered.rendering
        over = len(rendering.token_ids) - _room_tokens(request.budget)
        if over <= 0:
            break
        fitted.shorten(over, tokenizer)
    return Plan(
        npc=request.sheet.id,
        sections=rendered.sections,
        cut=tuple(fitted.cuts),
        messages=rendered.messages,
        prompt_ids=rendering.token_ids,
        text=rendering.text,
        reply_tokens=request.budget.reply_tokens,
        margin_tokens=request.budget.margin_tokens,
        window_tokens=request.budget.window_tokens,
        shared_prefix_tokens=_shared(request.previous_ids, rendering),
        world_tokens=rendered.world_tokens,
        stable_tokens=rendered.stable_tokens,
        contexts=tuple(context.text for context in draft.contexts),
        tools=draft.tools,
        memories=_memories(request, fitted),
        opens_reply=request.profile.opening and tokenizer.takes_opening,
    )


def _room_tokens(budget: Budget) -> int:
    return budget.window_tokens - budget.reply_tokens - budget.margin_tokens


def _draft(request: PromptRequest, fitted: Fitting, tokenizer: Tokenizer) -> Draft:
    head = fitted.head
    if request.profile.order == "sheet":
        stable = [*head.rules, *head.sheet, *head.world]
    else:
        stable = [*head.rules, *head.world, *head.sheet]
    stable += schema_pieces(request, tokenizer)
    lasting = [*head.canon, *fitted.memory]
    if tokenizer.takes_contexts:
        system = compose(stable, tokenizer, section_gap="\n\n")
        by_section = (
            [piece for piece in lasting if piece.section == name]
            for name in ("canon", "summary", "learned")
        )
        groups: Iterable[Sequence[Piece]] = (*by_section, *([piece] for piece in fitted.given))
        contexts = tuple(
            compose(pieces, tokenizer, section_gap="\n") for pieces in groups if pieces
        )
    else:
        system = compose([*stable, *lasting, *fitted.given], tokenizer, section_gap="\n\n")
        contexts = ()
    turns = tuple(fitted.turns)
    starts_with_npc = bool(turns) and turns[0].messages[0].role == "assistant"
    opening = Piece("turns", _opening(request), "the NPC spoke first") if starts_with_npc else None
    return Draft(
        system,
        contexts,
        tuple(head.examples),
        opening,
        turns,
        compose(fitted.tail, tokenizer, section_gap="\n"),
        reply_opening=_reply_opening(request, tokenizer),
        given_changes=request.contexts_in_system,
        tools=tools_of(request.actions, tokenizer),
        tool_names=tuple(action.name for action in request.actions),
        so_far=request.so_far,
    )


def _reply_opening(request: PromptRequest, tokenizer: Tokenizer) -> str:
    if not (request.profile.opening and tokenizer.takes_opening):
        return ""
    return wording.REPLY_OPENING.format(nickname=" ".join(request.sheet.nickname.split()))


def _opening(request: PromptRequest) -> str:
    return wording.OPENING_LINE.format(
        player=request.world.player.name, nickname=request.sheet.nickname
    )


def _memory_pieces(request: PromptRequest, tokenizer: Tokenizer, cuts: list[Cut]) -> list[Piece]:
    names = {"nickname": request.sheet.nickname, "player": request.world.player.name}
    budget = request.budget
    pieces: list[Piece] = []
    if request.summary.strip():
        heading = wording.SUMMARY_HEADING.format(**names)
        text = cut_to_tokens(request.summary.strip(), budget.summary_tokens, tokenizer.count)
        if text != request.summary.strip():
            left = tokenizer.count(request.summary) - tokenizer.count(text)
            cuts.append(Cut("summary", "end of the summary", left, "cap of the summary"))
        pieces.append(Piece("summary", f"{heading}\n{text}", "folded turns"))
    learned = [
        Piece("learned", f"- {wording.sentence(offer.text)}", offer.why or "learned", 0, offer)
        for offer in request.learned
    ]
    kept = keep_within(learned, budget.learned_tokens, tokenizer, cuts, "cap of learned facts")
    if kept:
        heading = wording.LEARNED_HEADING.format(**names)
        pieces += [Piece("learned", heading, "engine"), *kept]
    return pieces


def _within_high_water(request: PromptRequest, tokenizer: Tokenizer, cuts: list[Cut]) -> list[Turn]:
    """The newest turns whose texts fit the high-water mark; folding keeps this from biting."""
    kept: list[Turn] = []
    used = 0
    for turn in reversed(request.turns):
        used += turn_tokens(turn, tokenizer)
        if used > request.budget.high_water_tokens + request.budget.largest_turn_tokens and kept:
            break
        kept.append(turn)
    for turn in request.turns[: len(request.turns) - len(kept)]:
        cuts.append(turn_cut(turn, tokenizer, "cap of the recent turns: oldest first"))
    kept.reverse()
    return kept


def _memories(request: PromptRequest, fitted: Fitting) -> tuple[OfferShown, ...]:
    """What became of every offer: what stands in the prompt first, in its order."""
    standing = (*fitted.memory, *fitted.given, *fitted.tail)
    used = [OfferShown(piece.offer, True) for piece in standing if piece.offer is not None]
    cut = [OfferShown(cut.offer, False, cut.rule) for cut in fitted.cuts if cut.offer is not None]
    return (*used, *cut, *request.left_out)


def _shared(previous_ids: Sequence[int], rendering: Rendering) -> int:
    shared = 0
    for old, new in zip(previous_ids, rendering.token_ids, strict=False):
        if old != new:
            break
        shared += 1
    return shared
