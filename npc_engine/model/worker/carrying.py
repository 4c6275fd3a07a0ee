"""How the events of a request reach the outbox: the session hands them over, or a thread fetches.

A thread for each request wakes up for each of its tokens, and takes the interpreter from the thread
that computes. A session that can hand over needs none.
"""

import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Protocol, runtime_checkable

from npc_engine.messages import Usage
from npc_engine.model.scoring import CANNOT_SCORE
from npc_engine.protocols import (
    FinalReason,
    GenerationEnd,
    GenerationRequest,
    ModelEvent,
    ModelSession,
    ScoreRequest,
    ScoringSession,
)

Put = Callable[[ModelEvent], None]


@runtime_checkable
class HandsOver(Protocol):
    """A session that calls a function with each event; see `LocalSession.submit`."""

    def submit(self, request: GenerationRequest, deliver: Put) -> None:
        """Queue a request; the function is called with each event, the final one too."""
        ...


@runtime_checkable
class HandsOverScores(Protocol):
    """The same of scores; see `LocalSession.submit_score`."""

    def submit_score(self, request: ScoreRequest, deliver: Put) -> None:
        """Queue a score request; the function is called with its one event."""
        ...


def carry(session: ModelSession, request: GenerationRequest, put: Put) -> None:
    """Queue a request at once and put its events as they come, exactly one final one last.

    Args:
        session: Who answers.
        request: What to answer.
        put: Called from any thread; must not block.
    """
    if isinstance(session, HandsOver):
        session.submit(request, put)
        return
    stream = session.stream(request)
    name = f"npc-worker-{request.request_id}"
    threading.Thread(target=_fetch, args=(stream, request, put), name=name, daemon=True).start()


def carry_score(
    session: ModelSession,
    request: GenerationRequest,
    continuations: tuple[tuple[int, ...], ...],
    put: Put,
) -> None:
    """Queue a score request at once and put its one event.

    Args:
        session: Who scores.
        request: What `scoring.carrier` made.
        continuations: What is scored.
        put: Called from any thread; must not block.
    """
    asked = ScoreRequest(
        request.request_id,
        request.prompt_ids,
        continuations,
        request.priority,
        request.deadline_s,
    )
    if isinstance(session, HandsOverScores):
        session.submit_score(asked, put)
        return
    name = f"npc-worker-{request.request_id}"
    threading.Thread(target=_score, args=(session, asked, put), name=name, daemon=True).start()


def _score(session: ModelSession, request: ScoreRequest, put: Put) -> None:
    reason: FinalReason = "failed"
    problem = CANNOT_SCORE
    log_probs: tuple[float, ...] = ()
    try:
        if isinstance(session, ScoringSession):
            scores = session.score(request)
            reason, problem = "cancelled" if scores is None else "done", ""
            log_probs = tuple(score.log_prob for score in scores or ())
    except Exception as error:  # noqa: BLE001 - a request must end, whatever broke
        problem = str(error) or type(error).__name__
    put(GenerationEnd(request.request_id, reason, Usage(), error=problem, log_probs=log_probs))


def _fetch(stream: Iterator[ModelEvent], request: GenerationRequest, put: Put) -> None:
    problem = "the session ended the reply without a final event"
    try:
        for event in stream:
            put(event)
            if isinstance(event, GenerationEnd):
                return
    except Exception as error:  # noqa: BLE001 - a request must end, whatever broke
        traceback.print_exc()
        problem = f"{type(error).__name__}: {error}"
    put(GenerationEnd(request.request_id, "failed", Usage(), error=problem))
