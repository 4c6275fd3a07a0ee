"""A session that notes what it is asked and what it answers; everything else is the model's."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from npc_engine.engine.recording_file import Item
from npc_engine.engine.recording_header import ids_digest
from npc_engine.errors import ScoringError
from npc_engine.messages import ModelInfo, Priority
from npc_engine.protocols import (
    GenerationEnd,
    GenerationRequest,
    ModelEvent,
    ModelSession,
    Score,
    ScoreRequest,
    ScoringSession,
    TokenDelta,
    Tokenizer,
)

Put = Callable[[Item], None]


def model_row(session: ModelSession) -> Item:
    """What answered, and whose tokens it counted in."""
    info, tokenizer = session.info, session.tokenizer
    return {
        "k": "model",
        "info": asdict(info),
        "fingerprint": tokenizer.fingerprint,
        "window_tokens": tokenizer.window_tokens,
        "takes_contexts": tokenizer.takes_contexts,
    }


class RecordedSession:
    """Implements `ModelSession` and `ScoringSession` over another session."""

    def __init__(self, session: ModelSession, put: Put) -> None:
        """Note what goes through it.

        Args:
            session: Who answers.
            put: Takes the rows; called from any thread.
        """
        self.inner = session
        """Who answers."""
        self._put = put

    @property
    def info(self) -> ModelInfo:
        """What runs, and where."""
        return self.inner.info

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the loaded model."""
        return self.inner.tokenizer

    def stream(self, request: GenerationRequest) -> Iterator[ModelEvent]:
        """See `protocols.ModelSession.stream`."""
        return _RecordedStream(self.inner.stream(request), request, self._put)

    @property
    def can_score(self) -> bool:
        """Whether the model behind it can."""
        return isinstance(self.inner, ScoringSession) and self.inner.can_score

    def score(self, request: ScoreRequest) -> tuple[Score, ...] | None:
        """See `protocols.ScoringSession.score`."""
        if not isinstance(self.inner, ScoringSession):
            raise ScoringError("the model behind this session gives no log-probabilities")
        row: dict[str, Any] = {"k": "score", "id": request.request_id, "error": "", "scores": None}
        row["prompt"] = ids_digest(request.prompt_ids)
        try:
            scores = self.inner.score(request)
            if scores is not None:
                row["scores"] = [[score.log_prob, score.num_tokens] for score in scores]
        except ScoringError as error:
            row["error"] = str(error)
            raise
        finally:
            self._put(row)
        return scores

    def cancel(self, request_id: str, *, heard_tokens: int | None = None) -> None:
        """See `protocols.ModelSession.cancel`."""
        self.inner.cancel(request_id, heard_tokens=heard_tokens)

    def reprioritise(self, request_id: str, priority: Priority) -> None:
        """See `protocols.ModelSession.reprioritise`."""
        self.inner.reprioritise(request_id, priority)

    def warm(self, conversation: str, prompt_ids: Sequence[int]) -> None:
        """See `protocols.ModelSession.warm`."""
        self.inner.warm(conversation, prompt_ids)

    def fork(self, source: str, target: str) -> None:
        """See `protocols.ModelSession.fork`."""
        self.inner.fork(source, target)

    def forget(self, conversation: str) -> None:
        """See `protocols.ModelSession.forget`."""
        self.inner.forget(conversation)

    def stats(self) -> Mapping[str, float]:
        """See `protocols.ModelSession.stats`."""
        return self.inner.stats()

    def close(self) -> None:
        """See `protocols.ModelSession.close`."""
        self.inner.close()


class _RecordedStream:
    """The events of one request; one row of them is put when the last has come."""

    def __init__(self, events: Iterator[ModelEvent], request: GenerationRequest, put: Put) -> None:
        self._events = events
        self._request = request
        self._put = put
        self._ids: list[int] = []
        self._texts: list[str] = []
        self._is_put = False

    def __iter__(self) -> Iterator[ModelEvent]:
        return self

    def __next__(self) -> ModelEvent:
        try:
            event = next(self._events)
        except StopIteration:
            self._end(None)
            raise
        if isinstance(event, TokenDelta):
            self._ids.append(event.token_id)
            self._texts.append(event.text)
        else:
            self._end(event)
        return event

    def close(self) -> None:
        """Leave early."""
        close = getattr(self._events, "close", None)
        if close is not None:
            close()
        self._end(None)

    def _end(self, end: GenerationEnd | None) -> None:
        if self._is_put:
            return
        self._is_put = True
        request = self._request
        self._put(
            {
                "k": "reply",
                "id": request.request_id,
                "prompt": ids_digest(request.prompt_ids),
                "seed": request.seed,
                "max_tokens": request.max_tokens,
                "sampling": asdict(request.sampling),
                "ids": self._ids,
                "texts": self._texts,
                "reason": "" if end is None else end.reason,
                "tail": "" if end is None else end.tail,
                "error": "" if end is None else end.error,
                "usage": None if end is None else asdict(end.usage),
            }
        )
