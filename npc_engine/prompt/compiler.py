"""One turn's prompt: choose the pieces, keep every cap, render, and never exceed the window."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from npc_engine.content.character import CharacterSheet
from npc_engine.content.conditions import fill
from npc_engine.content.facts import Fact
from npc_engine.content.state import WorldState, scope
from npc_engine.content.world import World
from npc_engine.messages import Turn
from npc_engine.prompt import wording
from npc_engine.prompt.assembly import Draft, compose, render
from npc_engine.prompt.budget import Budget
from npc_engine.prompt.head import TAG_TOKENS, Head, compile_head
from npc_engine.prompt.knowledge import may_see, witnessed_events
from npc_engine.prompt.lore import triggered
from npc_engine.prompt.pieces import Piece, keep_within, piece_cut
from npc_engine.prompt.plan import Cut, Plan
from npc_engine.protocols import Rendering, Tokenizer
from npc_engine.sentences import cut_to_tokens

_MAX_EVENTS = 4


@dataclass(frozen=True, slots=True)
class PromptRequest:
    """Everything a prompt is made of; equal requests give equal plans, byte for byte."""

    sheet: CharacterSheet
    world: World
    state: WorldState
    line: str
    """The player's words, already free of control codes; may be empty for a preview."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What to call the members of the cast, by id."""
    shared_facts: tuple[Fact, ...] = ()
    """Facts that other sheets hold; those this NPC is entitled to count as known."""
    summary: str = ""
    learned: tuple[str, ...] = ()
    """Facts learned in play, most important first."""
    turns: tuple[Turn, ...] = ()
    """Recent turns, oldest first, not yet folded."""
    previous_ids: tuple[int, ...] = ()
    """The ids of this chat's previous plan, to tell how much of it is shared."""
    budget: Budget = Budget()


def compile_plan(request: PromptRequest, tokenizer: Tokenizer) -> Plan:
    """The plan of a turn; always fits, whatever the request holds.

    Caps first; then, if the rendering is still too long, the oldest turns go, then lore, then what
    is known, then the summary, and last the player's line is shortened.
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
    )
    cuts = list(head.cuts)
    memory = _memory_pieces(request, tokenizer, cuts)
    tail = _tail_pieces(request, head, values, tokenizer, cuts)
    turns = _within_high_water(request, tokenizer, cuts)
    fitted = _Fitting(head, memory, turns, tail, cuts)
    while True:
        rendered = render(_draft(request, fitted, tokenizer), tokenizer)
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
    )


@dataclass(slots=True)
class _Fitting:
    """What is still in the prompt while it is being made to fit."""

    head: Head
    memory: list[Piece]
    turns: list[Turn]
    tail: list[Piece]
    cuts: list[Cut]

    def shorten(self, over_tokens: int, tokenizer: Tokenizer) -> None:
        """Take out the next thing by rule; always makes the prompt shorter."""
        if self.turns:
            turn = self.turns.pop(0)
            self.cuts.append(_turn_cut(turn, tokenizer, "window: oldest turns first"))
            return
        if self.head.examples:
            player, reply = self.head.examples.pop()
            tokens = tokenizer.count(player.text) + tokenizer.count(reply.text)
            self.cuts.append(Cut("sheet", player.why, tokens, "window: still too long"))
            return
        for pieces, section in (
            (self.tail, "lore"),
            (self.head.canon, "canon"),
            (self.memory, "learned"),
            (self.memory, "summary"),
            (self.tail, "note"),
            (self.tail, "state"),
            (self.head.sheet, "sheet"),
        ):
            index = _last_index(pieces, section)
            if index is not None:
                piece = pieces.pop(index)
                self.cuts.append(piece_cut(piece, tokenizer, "window: still too long"))
                return
        line = self.tail[-1]
        tokens = max(1, tokenizer.count(line.text) - over_tokens)
        shorter = cut_to_tokens(line.text, tokens, tokenizer.count)
        if shorter == line.text:
            shorter = line.text[: len(line.text) // 2]
        self.tail[-1] = Piece("line", shorter, line.why)


def _last_index(pieces: Sequence[Piece], section: str) -> int | None:
    """The last droppable piece of a section; the identity line of a sheet is never dropped."""
    for index in range(len(pieces) - 1, -1, -1):
        if pieces[index].section == section and not (section == "sheet" and index == 0):
            return index
    return None


def _room_tokens(budget: Budget) -> int:
    return budget.window_tokens - budget.reply_tokens - budget.margin_tokens


def _draft(request: PromptRequest, fitted: _Fitting, tokenizer: Tokenizer) -> Draft:
    stable = [*fitted.head.rules, *fitted.head.world, *fitted.head.sheet]
    given = [*fitted.head.canon, *fitted.memory]
    if tokenizer.takes_contexts:
        system = compose(stable, tokenizer, section_gap="\n\n")
        by_section = (
            [piece for piece in given if piece.section == name]
            for name in ("canon", "summary", "learned")
        )
        contexts = tuple(
            compose(pieces, tokenizer, section_gap="\n") for pieces in by_section if pieces
        )
    else:
        system = compose([*stable, *given], tokenizer, section_gap="\n\n")
        contexts = ()
    turns = tuple(fitted.turns)
    starts_with_npc = bool(turns) and turns[0].messages[0].role == "assistant"
    opening = Piece("turns", _opening(request), "the NPC spoke first") if starts_with_npc else None
    return Draft(
        system,
        contexts,
        tuple(fitted.head.examples),
        opening,
        turns,
        compose(fitted.tail, tokenizer, section_gap="\n"),
    )


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
        Piece("learned", f"- {wording.sentence(text)}", "said by the player")
        for text in request.learned
    ]
    kept = keep_within(learned, budget.learned_tokens, tokenizer, cuts, "cap of learned facts")
    if kept:
        heading = wording.LEARNED_HEADING.format(**names)
        pieces += [Piece("learned", heading, "engine"), *kept]
    return pieces


def _tail_pieces(
    request: PromptRequest,
    head: Head,
    values: Mapping[str, Any],
    tokenizer: Tokenizer,
    cuts: list[Cut],
) -> list[Piece]:
    budget = request.budget
    note = fill(request.sheet.post_history, values).strip()
    notes = [Piece("note", wording.sentence(note), "post_history")] if note else []
    state_cap = budget.state_tokens - sum(tokenizer.count(piece.text) for piece in notes)
    state = keep_within(
        _state_pieces(request, values), state_cap, tokenizer, cuts, "cap of the live state"
    )
    lore = keep_within(
        list(_lore_pieces(request, head.mentionable, values)),
        budget.recall_tokens,
        tokenizer,
        cuts,
        "cap of recall and lore",
    )
    line = cut_to_tokens(request.line, budget.line_tokens, tokenizer.count)
    if line != request.line:
        left = tokenizer.count(request.line) - tokenizer.count(line)
        cuts.append(Cut("line", "end of the player's line", left, "cap of the player's line"))
    return [*state, *lore, *notes, Piece("line", line, "what the player says")]


def _state_pieces(request: PromptRequest, values: Mapping[str, Any]) -> list[Piece]:
    """Clock, what is plain to see, how the NPC stands to the player, and the newest events."""
    state, sheet = request.state, request.sheet
    pieces = [Piece("state", wording.clock_in_words(state), "clock")]
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
    for event in witnessed_events(sheet, state)[-_MAX_EVENTS:]:
        text = f"Day {event.day}: {wording.sentence(event.text)}"
        pieces.append(Piece("state", text, "a witnessed event"))
    return pieces


def _lore_pieces(
    request: PromptRequest, facts: Sequence[Fact], values: Mapping[str, Any]
) -> Iterable[Piece]:
    last_reply = request.turns[-1].messages[-1].text if request.turns else ""
    for fact, why in triggered(facts, request.line, last_reply):
        text = wording.sentence(fill(fact.text, values))
        yield Piece("lore", f"{request.sheet.nickname} knows: {text}", f"fact {fact.id}: {why}")


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
        cuts.append(_turn_cut(turn, tokenizer, "cap of the recent turns: oldest first"))
    kept.reverse()
    return kept


def turn_tokens(turn: Turn, tokenizer: Tokenizer) -> int:
    """Tokens of a turn's texts, with an allowance for the tags around each message."""
    return sum(
        TAG_TOKENS + (len(m.token_ids) if m.token_ids is not None else tokenizer.count(m.text))
        for m in turn.messages
    )


def _turn_cut(turn: Turn, tokenizer: Tokenizer, rule: str) -> Cut:
    first = turn.messages[0].text
    return Cut(
        "turns", first if len(first) <= 40 else f"{first[:39]}…", turn_tokens(turn, tokenizer), rule
    )


def _shared(previous_ids: Sequence[int], rendering: Rendering) -> int:
    shared = 0
    for old, new in zip(previous_ids, rendering.token_ids, strict=False):
        if old != new:
            break
        shared += 1
    return shared
