"""A session for tests: fixed replies where a step has one, else the model, else a stock line."""

from collections.abc import Iterator, Mapping, Sequence

from npc_engine.messages import ModelInfo, Priority
from npc_engine.model.scripted import EncodingTokenizer, ScriptedSession
from npc_engine.protocols import GenerationRequest, ModelEvent, ModelSession, Tokenizer

STOCK_REPLY = "Hm."
"""What the character says where no model answers and the step fixes nothing."""


class StepSession:
    """Implements `protocols.ModelSession` over a model that others share, or over none.

    Closing it leaves the model open.
    """

    def __init__(self, model: ModelSession | None, tokenizer: EncodingTokenizer) -> None:
        """Wrap a model; without one, every reply is fixed or the stock line.

        Args:
            model: A ready session, or None.
            tokenizer: The model's own tokenizer, or the one to plan prompts with.
        """
        self.fixed: str | None = None
        """The next replies to the player, until it is changed; None asks the model."""
        self._model = model
        self._fixed = ScriptedSession(
            lambda request: self.fixed or STOCK_REPLY,
            tokenizer=tokenizer,
            window_tokens=tokenizer.window_tokens,
        )

    @property
    def model(self) -> ModelSession | None:
        """What answers where nothing is fixed."""
        return self._model

    @property
    def info(self) -> ModelInfo:
        """Of the model, if there is one."""
        return (self._model or self._fixed).info

    @property
    def tokenizer(self) -> Tokenizer:
        """Of the model, if there is one."""
        return (self._model or self._fixed).tokenizer

    def stream(self, request: GenerationRequest) -> Iterator[ModelEvent]:
        """The fixed reply, or what the model says."""
        is_fixed = self.fixed is not None and request.priority == "player"
        return self._fixed.stream(request) if is_fixed else self._speaker.stream(request)

    def cancel(self, request_id: str, *, heard_tokens: int | None = None) -> None:
        """End a request of either."""
        self._fixed.cancel(request_id, heard_tokens=heard_tokens)
        self._speaker.cancel(request_id, heard_tokens=heard_tokens)

    def reprioritise(self, request_id: str, priority: Priority) -> None:
        """Pass on to the model."""
        self._speaker.reprioritise(request_id, priority)

    def warm(self, conversation: str, prompt_ids: Sequence[int]) -> None:
        """Pass on to the model."""
        self._speaker.warm(conversation, prompt_ids)

    def fork(self, source: str, target: str) -> None:
        """Pass on to the model."""
        self._speaker.fork(source, target)

    def forget(self, conversation: str) -> None:
        """Pass on to the model."""
        self._speaker.forget(conversation)

    def stats(self) -> Mapping[str, float]:
        """Counters of the model."""
        return self._speaker.stats()

    def close(self) -> None:
        """End what is fixed; the model stays open."""
        self._fixed.close()

    @property
    def _speaker(self) -> ModelSession:
        return self._model or self._fixed
