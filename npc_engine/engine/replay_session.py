"""A session that answers as was recorded, and may let a model write the same once more."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from npc_engine.engine.recording_file import Item
from npc_engine.engine.recording_header import ids_digest
from npc_engine.engine.recording_read import Recording
from npc_engine.errors import ScoringError
from npc_engine.messages import ModelInfo, Priority, Sampling, Usage
from npc_engine.protocols import (
    FinalReason,
    GenerationEnd,
    GenerationRequest,
    ModelEvent,
    ModelSession,
    Score,
    ScoreRequest,
    TokenDelta,
    Tokenizer,
)

Differ = Callable[[int, str, str, str], None]
"""Told of a difference: row of the recording, request id, kind, and what differs."""


def recorded_info(recording: Recording) -> ModelInfo:
    """What answered then."""
    if recording.model is None:
        return ModelInfo("none", "chatml", 4096, "none", "none")
    info = dict(recording.model["info"])
    return ModelInfo(**{**info, "sampling": Sampling(**info["sampling"])})


class ReplaySession:
    """Implements `ModelSession` and `ScoringSession` from a recording. Runs no model of its own."""

    def __init__(
        self,
        recording: Recording,
        tokenizer: Tokenizer,
        differ: Differ,
        again: ModelSession | None = None,
    ) -> None:
        """Answer from a recording.

        Args:
            recording: Its replies are taken, each once.
            tokenizer: Counts as the recorded one did.
            differ: Told where a request is another one than was recorded.
            again: Writes each reply to the player once more, to be compared; its words are not
                used.
        """
        self._recording = recording
        self._tokenizer = tokenizer
        self._differ = differ
        self._again = again
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()
        self._info = recorded_info(recording)

    @property
    def info(self) -> ModelInfo:
        """What answered then."""
        return self._info

    @property
    def tokenizer(self) -> Tokenizer:
        """As the recorded one."""
        return self._tokenizer

    def stream(self, request: GenerationRequest) -> Iterator[ModelEvent]:
        """Give what was recorded for a request of this id; whoever cancels is not heard."""
        request_id = request.request_id
        with self._lock:
            waiting = self._recording.replies.get(request_id)
            number, row = waiting.popleft() if waiting else (0, None)
        if row is None:
            if self._recording.is_whole:
                what = "the model is asked what it was not asked then"
                self._differ(0, request_id, "reply", what)
            reason: FinalReason = "failed"
            yield GenerationEnd(
                request_id, reason, Usage(), error="the recording has no such reply"
            )
            return
        if ids_digest(request.prompt_ids) != row["prompt"]:
            self._differ(number, request_id, "prompt", "another prompt than was recorded")
        elif request.seed != row["seed"]:
            what = f"recorded seed {row['seed']}, now {request.seed}"
            self._differ(number, request_id, "reply", what)
        elif request.max_tokens != row["max_tokens"]:
            what = f"recorded for {row['max_tokens']} tokens at most, now {request.max_tokens}"
            self._differ(number, request_id, "reply", what)
        if self._again is not None and request_id.startswith("line-"):
            self._write_again(number, row, request, self._again)
        for token_id, text in zip(row["ids"], row["texts"], strict=True):
            yield TokenDelta(request_id, token_id, text)
        if row["usage"] is not None:
            usage = Usage(**row["usage"])
            yield GenerationEnd(
                request_id, row["reason"], usage, tail=row["tail"], error=row["error"]
            )

    @property
    def can_score(self) -> bool:
        """Whether anything was scored then."""
        return bool(self._recording.scores)

    def score(self, request: ScoreRequest) -> tuple[Score, ...] | None:
        """Give the recorded scores."""
        with self._lock:
            waiting = self._recording.scores.get(request.request_id)
            number, row = waiting.popleft() if waiting else (0, None)
        if row is None:
            self._differ(0, request.request_id, "reply", "scores were not asked for then")
            raise ScoringError(f"{request.request_id}: the recording has no such scores")
        if ids_digest(request.prompt_ids) != row["prompt"]:
            self._differ(number, request.request_id, "prompt", "another prompt is scored")
        if row["error"]:
            raise ScoringError(row["error"])
        if row["scores"] is None:
            return None
        return tuple(Score(log_prob, num_tokens) for log_prob, num_tokens in row["scores"])

    def cancel(self, request_id: str, *, heard_tokens: int | None = None) -> None:
        """What ended early then ends early now."""

    def reprioritise(self, request_id: str, priority: Priority) -> None:
        """Nothing waits."""

    def warm(self, conversation: str, prompt_ids: Sequence[int]) -> None:
        """Nothing is read."""

    def fork(self, source: str, target: str) -> None:
        """Nothing is read."""

    def forget(self, conversation: str) -> None:
        """Nothing is read."""

    def stats(self) -> Mapping[str, float]:
        """Nothing is counted."""
        return {}

    def close(self) -> None:
        """Free the model that wrote again, if there was one."""
        if self._again is not None:
            self._again.close()

    def _write_again(
        self, number: int, row: Item, request: GenerationRequest, model: ModelSession
    ) -> None:
        """Let a model write as many tokens as were recorded, alone, and compare them."""
        recorded: list[Any] = row["ids"]
        if not recorded:
            return
        asked = replace(
            request, max_tokens=len(recorded), deadline_s=None, seed=row["seed"], stop=()
        )
        with self._one_at_a_time:
            written = [
                event.token_id for event in model.stream(asked) if isinstance(event, TokenDelta)
            ]
        if written != recorded:
            same = next(
                (
                    at
                    for at, pair in enumerate(zip(recorded, written, strict=False))
                    if len(set(pair)) > 1
                ),
                min(len(recorded), len(written)),
            )
            then = self._tokenizer.decode(recorded)
            now = self._tokenizer.decode(written)
            self._differ(
                number,
                request.request_id,
                "tokens",
                f'token {same + 1} differs: recorded "{then}", now "{now}"',
            )
