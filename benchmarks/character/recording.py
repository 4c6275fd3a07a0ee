"""A session that notes what is asked of a model, and says written lines where nobody asks it."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from npc_engine.messages import ModelInfo, Priority, Usage
from npc_engine.model.scripted import EncodingTokenizer, ScriptedSession
from npc_engine.protocols import (
    FinalReason,
    GenerationRequest,
    ModelEvent,
    ModelSession,
    ScoreRequest,
    TokenDelta,
    Tokenizer,
)

NO_SUMMARY = "none"
"""What whoever asks for a summary gets: folds are digests, so that arms differ in nothing else."""


@dataclass(slots=True)
class Asked:
    """One request that the model answered."""

    request: GenerationRequest
    prompt: str
    """Every text of the prompt, as messages and as the model reads it."""
    text: str = ""
    begun_s: float = field(default_factory=time.perf_counter)
    first_at_s: float | None = None
    """When its first token came that brought text."""
    ended_s: float | None = None
    usage: Usage = field(default_factory=Usage)
    error: str = ""
    reason: FinalReason | None = None
    """How it ended; None while it runs."""

    @property
    def system(self) -> str:
        """Its system text; empty if it has none."""
        return "\n".join(m.text for m in self.request.messages if m.role == "system")


class RecordingSession:
    """Implements `protocols.ModelSession` over a model that others use at the same time.

    Requests and conversations get names of their own, because every engine counts from one.
    Closing it closes nothing: the model belongs to whoever opened it.
    """

    def __init__(self, model: ModelSession, tokenizer: EncodingTokenizer, name: str) -> None:
        """Wrap a model.

        Args:
            model: A ready session.
            tokenizer: The model's own.
            name: Sets its requests and conversations apart from those of the others.
        """
        self.fixed: str | None = None
        """The next replies to the player, until it is changed; None asks the model."""
        self.asked: list[Asked] = []
        """What the model was asked, in order; whoever reads it clears it."""
        self._model = model
        self._name = name
        self._lock = threading.Lock()
        self._running: set[str] = set()
        self._conversations: set[str] = set()
        self.is_stopped = False
        """Whether the model is asked nothing more."""
        self._script = ScriptedSession(
            lambda request: NO_SUMMARY if request.priority == "background" else self.fixed or "",
            tokenizer=tokenizer,
            window_tokens=tokenizer.window_tokens,
        )

    @property
    def info(self) -> ModelInfo:
        """Of the model."""
        return self._model.info

    @property
    def tokenizer(self) -> Tokenizer:
        """Of the model."""
        return self._model.tokenizer

    def stream(self, request: GenerationRequest) -> Iterator[ModelEvent]:
        """The written reply, or what the model says."""
        with self._lock:
            is_written = self.fixed is not None or self.is_stopped
            if not is_written and request.priority != "background":
                self._running.add(request.request_id)
        if is_written or request.priority == "background":
            return self._script.stream(request)
        texts = [message.text for message in request.messages]
        asked = Asked(request, "\n".join([*texts, self.tokenizer.decode(request.prompt_ids)]))
        self.asked.append(asked)
        return self._noted(asked, self._model.stream(self._own(request)))

    def read_ahead(self, conversation: str, prompt_ids: Sequence[int]) -> None:
        """Let the model read what the next prompt begins with, as it would between two turns."""
        if self._model.info.device == "remote" or not prompt_ids:
            return
        request = GenerationRequest(
            request_id=f"ahead-{self._name}-{conversation}-{time.monotonic_ns()}",
            prompt_ids=tuple(prompt_ids),
            max_tokens=1,
            conversation=conversation,
        )
        for _ in self._model.stream(self._own(request)):
            pass

    def cancel(self, request_id: str, *, heard_tokens: int | None = None) -> None:
        """End a request of either."""
        self._script.cancel(request_id, heard_tokens=heard_tokens)
        self._model.cancel(self._key(request_id), heard_tokens=heard_tokens)

    def stop(self) -> None:
        """End what is under way and ask the model nothing more."""
        with self._lock:
            self.is_stopped = True
            running = tuple(self._running)
        for request_id in running:
            self.cancel(request_id)

    def forget_all(self) -> None:
        """Give back what the model keeps of these conversations."""
        with self._lock:
            conversations = tuple(self._conversations)
            self._conversations.clear()
        for conversation in conversations:
            self._model.forget(conversation)

    def reprioritise(self, request_id: str, priority: Priority) -> None:
        """Pass on to the model."""
        self._model.reprioritise(self._key(request_id), priority)

    def warm(self, conversation: str, prompt_ids: Sequence[int]) -> None:
        """Pass on to the model."""
        self._model.warm(self._key_of_talk(conversation), prompt_ids)

    def fork(self, source: str, target: str) -> None:
        """Pass on to the model."""
        self._model.fork(self._key(source), self._key_of_talk(target))

    def forget(self, conversation: str) -> None:
        """Pass on to the model."""
        self._model.forget(self._key(conversation))

    def stats(self) -> Mapping[str, float]:
        """Counters of the model, over all arms."""
        return self._model.stats()

    def close(self) -> None:
        """Nothing to do; see the class."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the model has
        """What else a model can do is asked of it directly."""
        found = getattr(self._model, name)
        if name != "score":
            return found
        return lambda request: found(self._own_score(request))

    def _own(self, request: GenerationRequest) -> GenerationRequest:
        return replace(
            request,
            request_id=self._key(request.request_id),
            conversation=self._key_of_talk(request.conversation),
        )

    def _own_score(self, request: ScoreRequest) -> ScoreRequest:
        return replace(request, request_id=self._key(request.request_id))

    def _key(self, name: str) -> str:
        return f"{self._name}/{name}" if name else ""

    def _key_of_talk(self, conversation: str) -> str:
        key = self._key(conversation)
        if key:
            with self._lock:
                self._conversations.add(key)
        return key

    def _noted(self, asked: Asked, events: Iterator[ModelEvent]) -> Iterator[ModelEvent]:
        for event in events:
            if isinstance(event, TokenDelta):
                asked.text += event.text
                if event.text and asked.first_at_s is None:
                    asked.first_at_s = time.perf_counter()
            else:
                asked.text += event.tail
                asked.usage, asked.error = event.usage, event.error
                asked.reason = event.reason
                asked.ended_s = time.perf_counter()
                with self._lock:
                    self._running.discard(asked.request.request_id)
            yield event
