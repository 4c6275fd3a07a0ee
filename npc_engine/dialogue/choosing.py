"""Multiple choice by the model: which of some given answers fits a question about a chat best.

What a model likes to say anyway is taken off: each answer is also scored where the question stands
alone. Pure but for the session; nothing is remembered between two questions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from npc_engine.messages import Message, Priority
from npc_engine.protocols import (
    ModelSession,
    Rendering,
    Score,
    ScoreRequest,
    ScoringSession,
    Tokenizer,
)

YES, NO = "Yes", "No"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the model, and how it may answer."""

    text: str
    """Already neutralised. Without words of the chat: where it stands alone, it must tell nothing
    of what the answer is."""
    options: tuple[str, ...]
    """2 to 32 different answers, each as the model would write it; not blank."""
    messages: tuple[Message, ...] = ()
    """The chat it is about: best what a conversation has read already, such as `Plan.messages`."""
    contexts: tuple[str, ...] = ()
    """Those the chat was rendered with."""
    tools: tuple[Mapping[str, Any], ...] = ()
    """As `contexts`."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The answer that fits best; of equals, the first."""

    index: int
    option: str
    gains: tuple[float, ...]
    """For each option, how much likelier a token of it is after the chat than after the question
    alone; in natural logarithms."""

    @property
    def lead(self) -> float:
        """How far the best is ahead of the second; 0 or more."""
        best, second, *_ = sorted(self.gains, reverse=True)
        return best - second


def choose(
    session: ModelSession,
    question: Question,
    *,
    request_id: str,
    priority: Priority = "player",
    deadline_s: float | None = None,
) -> Chosen | None:
    """Let the model choose; waits for it.

    Args:
        session: Who is asked.
        question: What is asked.
        request_id: Names the two score requests, with `-chat` and `-alone` behind it.
        priority: Of both.
        deadline_s: Seconds for each.

    Returns:
        None where the session cannot score, or where one of the two was cancelled or late.

    Raises:
        ScoringError: They cannot be served, as where the chat is too long, or the model broke.
        ValueError: There are less than two options, two are equal, or one is blank.
    """
    options = tuple(option.strip() for option in question.options)
    if len(options) < 2 or len(set(options)) < len(options) or "" in options:
        raise ValueError(f"found the options {options}; expected two or more different texts")
    if not isinstance(session, ScoringSession) or not session.can_score:
        return None
    asked = Message("user", question.text)
    found: list[tuple[Score, ...]] = []
    for name, chat, contexts, tools in (
        ("chat", (*question.messages, asked), question.contexts, question.tools),
        ("alone", (asked,), (), ()),
    ):
        prompt_ids, continuations = _rendered(session.tokenizer, chat, options, contexts, tools)
        request = ScoreRequest(
            f"{request_id}-{name}", prompt_ids, continuations, priority, deadline_s
        )
        scores = session.score(request)
        if scores is None:
            return None
        found.append(scores)
    gains = tuple(there.mean - alone.mean for there, alone in zip(*found, strict=True))
    index = gains.index(max(gains))
    return Chosen(index, question.options[index], gains)


def is_so(
    session: ModelSession,
    question: Question,
    *,
    request_id: str,
    priority: Priority = "player",
    deadline_s: float | None = None,
) -> bool | None:
    """A question of yes or no: whether the first of two options is chosen; see `choose`.

    `Question(text, (YES, NO), ...)` asks in English.
    """
    if len(question.options) != 2:
        raise ValueError(f"found {len(question.options)} options; expected yes and no")
    chosen = choose(
        session, question, request_id=request_id, priority=priority, deadline_s=deadline_s
    )
    return None if chosen is None else chosen.index == 0


def _rendered(
    tokenizer: Tokenizer,
    chat: Sequence[Message],
    options: Sequence[str],
    contexts: Sequence[str],
    tools: Sequence[Mapping[str, Any]],
) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """The ids up to where the reply begins, and those of each option as that reply.

    A tokenizer may join the opening of a reply with its first letters: such tokens are scored too.
    """
    opened = tokenizer.render(chat, contexts=contexts, tools=tools).token_ids
    replies = [
        _up_to_end(
            tokenizer.render(
                (*chat, Message("assistant", option)),
                contexts=contexts,
                tools=tools,
                open_reply=False,
            )
        )
        for option in options
    ]
    cut = min(_shared(opened, ids) for ids in replies)
    return opened[:cut], tuple(ids[cut:] for ids in replies)


def _up_to_end(rendering: Rendering) -> tuple[int, ...]:
    """All ids that begin in front of the end of the last message."""
    end = rendering.message_spans[-1][1]
    count = sum(start < end for start in rendering.starts)
    return rendering.token_ids[:count]


def _shared(first: Sequence[int], second: Sequence[int]) -> int:
    """How many leading ids two sequences share."""
    pairs = enumerate(zip(first, second, strict=False))
    end = min(len(first), len(second))
    return next((index for index, (one, other) in pairs if one != other), end)
