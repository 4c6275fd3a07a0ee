"""What every session that scores continuations shares: which requests it serves, how they end.

Inside a session a score request travels as a `GenerationRequest` and its continuations, and ends
with a `GenerationEnd` like any other: so cancel, deadline and lost workers need no second way.
"""

from collections.abc import Iterator

from npc_engine.errors import ScoringError
from npc_engine.protocols import (
    MAX_CONTINUATION_TOKENS,
    MAX_CONTINUATIONS,
    GenerationEnd,
    GenerationRequest,
    ModelEvent,
    Score,
    ScoreRequest,
)

CANNOT_SCORE = "this session gives no log-probabilities; expected a model that runs on this machine"


def carrier(request: ScoreRequest) -> GenerationRequest:
    """The request as it travels: in nobody's conversation, so that it leaves no cache behind."""
    return GenerationRequest(
        request_id=request.request_id,
        prompt_ids=request.prompt_ids,
        max_tokens=1,
        priority=request.priority,
        deadline_s=request.deadline_s,
    )


def size_refusal(request: ScoreRequest) -> str:
    """Why a request cannot be served whatever the model is; empty when it can."""
    count = len(request.continuations)
    if not request.prompt_ids:
        return "score: the prompt holds no token; expected at least one"
    if not 1 <= count <= MAX_CONTINUATIONS:
        return f"score: found {count:,} continuations; expected 1 to {MAX_CONTINUATIONS}"
    for index, ids in enumerate(request.continuations):
        if not 1 <= len(ids) <= MAX_CONTINUATION_TOKENS:
            return (
                f"score: continuation {index} has {len(ids):,} tokens; expected 1 to "
                f"{MAX_CONTINUATION_TOKENS}"
            )
    return ""


def score_refusal(request: ScoreRequest, window_tokens: int, vocab_size: int | None = None) -> str:
    """Why a request cannot be served by this model; empty when it can.

    Args:
        request: What is asked.
        window_tokens: Most tokens of the prompt and its longest continuation together.
        vocab_size: Ids must be smaller; None for a model that knows every id.
    """
    problem = size_refusal(request)
    if problem:
        return problem
    longest = max(map(len, request.continuations))
    if len(request.prompt_ids) + longest > window_tokens:
        return (
            f"score: the prompt has {len(request.prompt_ids):,} tokens, its longest continuation "
            f"{longest:,}, and the window holds {window_tokens:,}; shorten the prompt"
        )
    if vocab_size is None:
        return ""
    for where, ids in (
        ("the prompt", request.prompt_ids),
        *((f"continuation {index}", ids) for index, ids in enumerate(request.continuations)),
    ):
        unknown = next((token_id for token_id in ids if not 0 <= token_id < vocab_size), None)
        if unknown is not None:
            return (
                f"score: {where} holds the id {unknown}; expected 0 to {vocab_size - 1}; encode it "
                "with the tokenizer of this session"
            )
    return ""


def wait_for_scores(
    request: ScoreRequest, events: Iterator[ModelEvent]
) -> tuple[Score, ...] | None:
    """Read the end of a score request; see `protocols.ScoringSession.score`."""
    for event in events:
        if not isinstance(event, GenerationEnd):
            continue
        if event.reason == "failed":
            raise ScoringError(event.error)
        if event.reason == "cancelled":
            return None
        return scores_of(request, event.log_probs)
    raise ScoringError("score: the session ended the request without a final event")


def scores_of(request: ScoreRequest, log_probs: tuple[float, ...]) -> tuple[Score, ...]:
    """The scores by what a model gave.

    Raises:
        ScoringError: It gave another number of them than was asked for.
    """
    if len(log_probs) != len(request.continuations):
        raise ScoringError(
            f"score: found {len(log_probs)} scores; expected {len(request.continuations)}"
        )
    return tuple(
        Score(log_prob, len(ids))
        for log_prob, ids in zip(log_probs, request.continuations, strict=True)
    )
