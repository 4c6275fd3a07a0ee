"""Pieces and turns to messages, and the tokens of the rendering back to sections."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from npc_engine.messages import Message, Role, Turn
from npc_engine.prompt.done import spoken_and_done
from npc_engine.prompt.pieces import Piece
from npc_engine.prompt.plan import Section, SectionName
from npc_engine.protocols import Rendering, Tokenizer

_GIVEN_SECTIONS = ("passages", "contexts", "lore", "bearing")


@dataclass(frozen=True, slots=True)
class Span:
    """Where a piece stands inside the text of its message or context."""

    start: int
    end: int
    section: SectionName
    why: str


@dataclass(frozen=True, slots=True)
class Composed:
    """A text with the places of its pieces."""

    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A prompt before it is rendered: what goes where."""

    system: Composed
    contexts: tuple[Composed, ...]
    examples: tuple[tuple[Piece, Piece], ...]
    """Exchanges that show the voice; they stand before the talk."""
    opening: Piece | None
    """Stands in for the player where the NPC speaks first: templates want a user to begin."""
    turns: tuple[Turn, ...]
    tail: Composed
    reply_opening: str = ""
    """First words of the reply."""
    tools: tuple[Mapping[str, Any], ...] = ()
    """Schemas, for templates with a place for them."""
    tool_names: tuple[str, ...] = ()
    so_far: tuple[Message, ...] = ()
    """What was said and done in answer already; it follows the tail."""
    given_changes: bool = False
    """Whether what stands before the turns ends with texts that every line may change."""


def compose(pieces: Iterable[Piece], tokenizer: Tokenizer, *, section_gap: str) -> Composed:
    """Join pieces: `section_gap` between sections, a line break inside one.

    Every text is neutralised, so that nothing authored or said can open a role.
    """
    text = ""
    spans: list[Span] = []
    section: SectionName | None = None
    for piece in pieces:
        words = tokenizer.neutralise(piece.text.strip())
        if not words:
            continue
        if text:
            text += "\n" if piece.section == section else section_gap
        spans.append(Span(len(text), len(text) + len(words), piece.section, piece.why))
        text += words
        section = piece.section
    return Composed(text, tuple(spans))


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt as messages, as the template prints them, and as sections."""

    messages: tuple[Message, ...]
    rendering: Rendering
    sections: tuple[Section, ...]
    world_tokens: int
    """Leading tokens that all NPCs of the world share."""
    stable_tokens: int
    """Leading tokens before whatever the next line may change."""


def render(draft: Draft, tokenizer: Tokenizer) -> Rendered:
    """The rendered prompt and the tokens and text of every section in it.

    A token belongs to the section in which its first character stands; tokens of the template and
    of the gaps between pieces belong to `template`. So the sections always add up to the prompt.
    """
    messages, spans_by_message, tail_at = _messages(draft, tokenizer)
    rendering = tokenizer.render(
        messages,
        tools=draft.tools,
        contexts=tuple(context.text for context in draft.contexts),
        opening=tokenizer.neutralise(draft.reply_opening),
    )
    places: list[Span] = []
    boxes = [*zip(rendering.message_spans, spans_by_message, strict=True)]
    boxes += zip(rendering.context_spans, (c.spans for c in draft.contexts), strict=True)
    for (start, end), spans in boxes:
        if start < end:
            places += [_moved(span, start) for span in spans]
    for name, (start, end) in zip(draft.tool_names, rendering.tool_spans, strict=False):
        if start < end:
            places.append(Span(start, end, "actions", f"action {name}"))
    places.sort(key=lambda span: span.start)
    return Rendered(
        tuple(messages),
        rendering,
        _attribute(rendering, places),
        world_tokens=_tokens_before(rendering, _end_of_world(places)),
        stable_tokens=_stable_tokens(draft, rendering, places, tail_at),
    )


def _stable_tokens(draft: Draft, rendering: Rendering, places: Sequence[Span], tail_at: int) -> int:
    """The tokens before the last user turn, or before the texts that change with every line."""
    if not draft.given_changes:
        return _tokens_before(rendering, rendering.message_spans[tail_at][0])
    turns_start = rendering.message_spans[1][0]
    lasting = (
        span for span in places if span.start < turns_start and span.section not in _GIVEN_SECTIONS
    )
    end = max((span.end for span in lasting), default=0)
    # What follows differs, and may join with the last mark of the text before it.
    return max(0, _tokens_before(rendering, end) - 1)


def _end_of_world(places: Sequence[Span]) -> int:
    """Where the part of the text ends that does not depend on who speaks."""
    end = 0
    for span in places:
        if span.section not in ("rules", "world"):
            break
        end = span.end
    return end


def _tokens_before(rendering: Rendering, end: int) -> int:
    """How many leading tokens lie wholly before a character of the text."""
    count = bisect_left(rendering.starts, end)
    reaches_over = count == len(rendering.starts) or rendering.starts[count] > end
    return count - 1 if count and reaches_over else count


def _messages(
    draft: Draft, tokenizer: Tokenizer
) -> tuple[list[Message], list[tuple[Span, ...]], int]:
    """The messages, the places of the pieces in each, and which of them is the last user turn."""
    messages: list[Message] = [Message("system", draft.system.text)]
    spans: list[tuple[Span, ...]] = [draft.system.spans]

    def add(role: Role, composed: Composed, token_ids: tuple[int, ...] | None = None) -> None:
        previous = messages[-1]
        if previous.role != role:
            messages.append(Message(role, composed.text, token_ids))
            spans.append(composed.spans)
            return
        offset = len(previous.text) + 1
        messages[-1] = Message(role, f"{previous.text}\n{composed.text}")
        spans[-1] = (*spans[-1], *(_moved(span, offset) for span in composed.spans))

    for player, reply in draft.examples:
        add("user", compose([player], tokenizer, section_gap="\n"))
        add("assistant", compose([reply], tokenizer, section_gap="\n"))
    if draft.opening is not None:
        add("user", compose([draft.opening], tokenizer, section_gap="\n"))
    for message in (message for turn in draft.turns for message in turn.messages):
        for each in spoken_and_done(message, tokenizer):
            said = Span(0, len(each.text), "turns", "said before")
            add(each.role, Composed(each.text, (said,)), each.token_ids)
    add("user", draft.tail)
    tail_at = len(messages) - 1
    for message in draft.so_far:
        for each in spoken_and_done(message, tokenizer):
            said = Span(0, len(each.text), "so_far", "said and done in this turn")
            add(each.role, Composed(each.text, (said,)), each.token_ids)
    return messages, spans, tail_at


def _moved(span: Span, offset: int) -> Span:
    return replace(span, start=span.start + offset, end=span.end + offset)


def _attribute(rendering: Rendering, places: Sequence[Span]) -> tuple[Section, ...]:
    """Count tokens by section; sections come in the order in which they first stand."""
    counts: dict[SectionName, int] = {"template": 0}
    texts: dict[SectionName, list[str]] = {"template": []}
    whys: dict[SectionName, list[str]] = {"template": ["role tags and gaps of the chat template"]}
    for span in places:
        counts.setdefault(span.section, 0)
        texts.setdefault(span.section, []).append(rendering.text[span.start : span.end])
        if span.why not in whys.setdefault(span.section, []):
            whys[span.section].append(span.why)
        begin, end = (bisect_left(rendering.starts, place) for place in (span.start, span.end))
        counts[span.section] += end - begin
    counts["template"] = len(rendering.starts) - sum(counts.values())
    return tuple(
        Section(name, tokens, "\n".join(texts[name]), "; ".join(whys[name]))
        for name, tokens in counts.items()
    )
