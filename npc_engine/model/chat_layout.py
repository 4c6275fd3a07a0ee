"""Messages to rendered text, with the place of every message in it.

Adapts a chat to what a template can print: neighbours of one role become one message, and roles
the template does not know are told by the user. Knows no token ids.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from npc_engine.messages import Message
from npc_engine.model.chat_format import ChatTemplate, TemplateMessage

_ROLES = ("system", "user", "assistant", "tool")
_OPENING = "..."
"""What the user says when the template does not let the assistant speak first."""
_PRIVATE = range(0xF0000, 0xFFFFE)
"""Private-use characters, for placeholders."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """A rendered chat as text."""

    text: str
    num_turns: int
    """Turn headers in `text`, the opened reply included."""
    message_spans: tuple[Span, ...]
    context_spans: tuple[Span, ...]
    tool_spans: tuple[Span, ...] = ()


@dataclass(slots=True)
class _Group:
    """One message of the template, made of pieces: indices of messages, or fixed words."""

    role: str
    pieces: list[int | str]


def check(
    messages: Sequence[Message],
    template: ChatTemplate,
    *,
    tools: Sequence[Mapping[str, Any]],
    contexts: Sequence[str],
) -> None:
    """Refuse what the template would drop or misplace without a word.

    Raises:
        ValueError: An unknown role, a system message that is not the first, or tools or contexts
            that the template has no place for.
    """
    for index, message in enumerate(messages):
        if message.role not in _ROLES:
            raise ValueError(f"unknown role {message.role!r}; expected one of {', '.join(_ROLES)}")
        if message.role == "system" and index:
            raise ValueError("a system message may only come first; put late rules in a user turn")
    if contexts and not template.takes_contexts:
        raise ValueError("this template has no place for contexts; put them in the system text")
    if tools and not template.takes_tools:
        raise ValueError("this template has no place for tools")


def lay_out(
    messages: Sequence[Message],
    template: ChatTemplate,
    *,
    tools: Sequence[Mapping[str, Any]] = (),
    contexts: Sequence[str] = (),
    open_reply: bool = True,
) -> Layout:
    """The chat as text, and where each message and context stands in it.

    Raises:
        ValueError: See `check`; also when the template refuses the chat.
    """
    check(messages, template, tools=tools, contexts=contexts)
    groups = _groups(messages, template)
    words = [message.text.strip() for message in messages]
    passages = [context.strip() for context in contexts]

    def render(words: Sequence[str], passages: Sequence[str]) -> str:
        chat = [TemplateMessage(group.role, _joined(group, words)) for group in groups]
        try:
            return template.render(chat, tools=tools, contexts=passages, open_reply=open_reply)
        except jinja2.TemplateError as error:
            raise ValueError(f"the chat template refuses this chat: {error}") from error

    text = render(words, passages)
    spans = _spans(text, [*words, *passages], len(words), render)
    turns = sum(group.role != "system" for group in groups) + open_reply
    return Layout(
        text,
        turns,
        tuple(spans[: len(words)]),
        tuple(spans[len(words) :]),
        _tool_spans(text, tools, spans),
    )


def _groups(messages: Sequence[Message], template: ChatTemplate) -> list[_Group]:
    """The messages as the template will see them."""
    groups: list[_Group] = []
    for index, message in enumerate(messages):
        role = message.role
        separator = "\n"
        if role == "system" and not message.text.strip():
            continue
        if role == "system" and not template.takes_system:
            groups.append(_Group("user", [index]))
            continue
        if role == "tool" and not template.takes_tool_role:
            role = "user"
        if index == 1 and messages[0].role == "system":
            separator = "\n\n"
        if groups and groups[-1].role == role != "tool":
            groups[-1].pieces += [separator, index]
        else:
            groups.append(_Group(role, [index]))
    turns = [group for group in groups if group.role != "system"]
    if turns and turns[0].role == "assistant" and not template.takes_leading_reply:
        groups.insert(groups.index(turns[0]), _Group("user", [_OPENING]))
    return groups


def _joined(group: _Group, words: Sequence[str]) -> str:
    return "".join(piece if isinstance(piece, str) else words[piece] for piece in group.pieces)


def _spans(
    text: str,
    texts: Sequence[str],
    num_words: int,
    render: Callable[[Sequence[str], Sequence[str]], str],
) -> list[Span]:
    """Where each text stands, found by rendering placeholders in its stead.

    A template may look into a text and print it otherwise; what cannot be placed for certain has
    the span (0, 0).
    """
    fence = _unused_character(text)
    marks = [f"{fence}{index}{fence}" for index in range(len(texts))]
    found = _placed(text, texts, marks, render(marks[:num_words], marks[num_words:]))
    if found is not None:
        return [found.get(index, (0, 0)) for index in range(len(texts))]
    spans: list[Span] = []
    for index, mark in enumerate(marks):
        one = [mark if other == index else words for other, words in enumerate(texts)]
        alone = _placed(text, texts, [mark], render(one[:num_words], one[num_words:]), first=index)
        spans.append(alone.get(index, (0, 0)) if alone is not None else (0, 0))
    return spans


def _tool_spans(
    text: str, tools: Sequence[Mapping[str, Any]], taken: Sequence[Span]
) -> tuple[Span, ...]:
    """Where each tool stands, in one of the two ways in which templates print JSON.

    What reads the same inside a message or a context is none.
    """
    spans: list[Span] = []
    for tool in tools:
        printed = (json.dumps(tool, ensure_ascii=False, indent=indent) for indent in (None, 4))
        places = ((at, at + len(form)) for form in printed for at in _all_places(text, form))
        free = (
            (start, end)
            for start, end in places
            if not any(start < behind and before < end for before, behind in taken)
        )
        spans.append(next(free, (0, 0)))
    return tuple(spans)


def _all_places(text: str, words: str) -> Iterator[int]:
    at = text.find(words)
    while at >= 0:
        yield at
        at = text.find(words, at + 1)


def _placed(
    text: str, texts: Sequence[str], marks: Sequence[str], skeleton: str, first: int = 0
) -> dict[int, Span] | None:
    """Put texts in place of their marks; None unless exactly `text` comes out."""
    spans: dict[int, Span] = {}
    built: list[str] = []
    length = end = 0
    for match in re.finditer("|".join(map(re.escape, marks)), skeleton) if marks else ():
        index = first + marks.index(match.group())
        if index in spans:
            return None
        between = skeleton[end : match.start()]
        start = length + len(between)
        built += (between, texts[index])
        length, end = start + len(texts[index]), match.end()
        spans[index] = (start, length)
    built.append(skeleton[end:])
    return spans if "".join(built) == text else None


def _unused_character(text: str) -> str:
    """A private-use character that does not occur in a text."""
    present = set(text)
    return next(chr(code) for code in _PRIVATE if chr(code) not in present)
