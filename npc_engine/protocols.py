"""What the layers ask of each other: Clock, Tokenizer, ModelSession.

Structural types only. `prompt` and `memory` know these and never a concrete model.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from npc_engine.messages import Message, ModelInfo, Priority, Sampling, Usage

FinalReason = Literal["done", "stopped", "length", "cancelled", "failed"]


class Clock(Protocol):
    """Wall time, passed in so that tests and replays decide what time it is."""

    def now(self) -> float:
        """Unix seconds, for stamps that people read."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for durations and deadlines."""
        ...


@dataclass(frozen=True, slots=True)
class Rendering:
    """A chat as the model will read it."""

    text: str
    """The rendered template."""
    token_ids: tuple[int, ...]
    starts: tuple[int, ...]
    """For each token, the index in `text` of the character it begins at; never decreasing.

    Tokens that came from `Message.token_ids` all carry the index their message begins at or
    an index inside it.
    """
    message_spans: tuple[tuple[int, int], ...] = ()
    """For each message given, where its text stands in `text`: (start, end).

    Found by rendering unique placeholders, never by searching for the words themselves: a reply
    that reads "User" must not be taken for the header. A message whose text the template does not
    print as it stands has the span (0, 0).
    """
    context_spans: tuple[tuple[int, int], ...] = ()
    """The same for each context given."""
    tool_spans: tuple[tuple[int, int], ...] = ()
    """For each tool given, where the template prints it; (0, 0) where that cannot be told."""


class Tokenizer(Protocol):
    """Text and chats to ids, and back, for one model. Loads no weights."""

    @property
    def family(self) -> str:
        """Template family: `nemotron`, `chatml` or `other`."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever ids made by another tokenizer or template must not be reused."""
        ...

    @property
    def takes_contexts(self) -> bool:
        """Whether the template has a place of its own for `contexts`."""
        ...

    @property
    def takes_tools(self) -> bool:
        """Whether the template has a place of its own for `tools`."""
        ...

    @property
    def takes_opening(self) -> bool:
        """Whether the first words of a reply may be given.

        Not where a server renders, nor where the template must be followed to the letter.
        """
        ...

    @property
    def window_tokens(self) -> int:
        """Positions the model was trained for; prompt and reply together."""
        ...

    def count(self, text: str) -> int:
        """Tokens of a text on its own, without any template."""
        ...

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of ids, special tokens left out."""
        ...

    def neutralise(self, text: str) -> str:
        """The same text with every marker of this template broken, so that it stays plain text."""
        ...

    def render(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        contexts: Sequence[str] = (),
        open_reply: bool = True,
        opening: str = "",
    ) -> Rendering:
        """The chat in the model's own template.

        Args:
            messages: At most one system message, and it comes first. Neighbours of one role are
                allowed; texts must already be neutralised.
            tools: OpenAI-style function objects, in a fixed order, every text in them neutralised;
                refused with `ValueError` when `takes_tools` is false.
            contexts: Passages the template marks as given context; refused with `ValueError` when
                `takes_contexts` is false.
            open_reply: Whether the rendering ends with the opening of an assistant turn.
            opening: First words of that turn, neutralised; refused with `ValueError` when
                `takes_opening` is false.
        """
        ...


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One reply to be written."""

    request_id: str
    prompt_ids: tuple[int, ...]
    sampling: Sampling = Sampling()
    seed: int = 0
    """Equal requests with equal seeds give equal tokens on one device, one request at a time."""
    max_tokens: int = 256
    stop: tuple[str, ...] = ()
    """Texts that end the reply; the text itself is not delivered."""
    priority: Priority = "player"
    deadline_s: float | None = None
    """Seconds from hand-in after which nobody waits for the reply any more.

    Among requests of one priority the earliest is served first; one that is past it ends as
    `cancelled`, with what was written so far. None sorts behind every deadline.
    """
    conversation: str = ""
    """Whose cache to continue from; empty leaves no cache behind."""
    messages: tuple[Message, ...] = ()
    """What `prompt_ids` were rendered from, for servers that render themselves. A local model
    reads the ids alone."""


@dataclass(frozen=True, slots=True)
class TokenDelta:
    """One token was written. `text` is empty while a character is still incomplete."""

    request_id: str
    token_id: int
    text: str


@dataclass(frozen=True, slots=True)
class GenerationEnd:
    """The one final event of every request."""

    request_id: str
    reason: FinalReason
    usage: Usage
    tail: str = ""
    """Text still held back by the decoder or a stop match; belongs after the last delta."""
    error: str = ""
    """What broke, when `reason` is `failed`."""
    log_probs: tuple[float, ...] = ()
    """Of the continuations of a `ScoreRequest`; sessions use it on the way, `stream` never does."""


ModelEvent = TokenDelta | GenerationEnd


class ModelSession(Protocol):
    """A model that is ready to write.

    Safe to call from any thread. Every request ends with exactly one `GenerationEnd`, also after a
    cancel, a fault or `close`.
    """

    @property
    def info(self) -> ModelInfo:
        """What runs, and where."""
        ...

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the loaded model."""
        ...

    def stream(self, request: GenerationRequest) -> Iterator[ModelEvent]:
        """Queue a request at once and yield its events; the last one is its `GenerationEnd`.

        A prompt that leaves no room for a single token in the window, or holds no token, ends
        `failed` with the reason in `error`; it does not raise. Leaving the iterator early cancels
        the request.
        """
        ...

    def cancel(self, request_id: str, *, heard_tokens: int | None = None) -> None:
        """End a request after the token that is being computed; unknown ids are ignored.

        Args:
            request_id: Which one.
            heard_tokens: How much of the reply was heard: the conversation's cache is cut behind
                it. None keeps everything that was delivered.
        """
        ...

    def reprioritise(self, request_id: str, priority: Priority) -> None:
        """Serve a request sooner or later than it asked for; unknown ids are ignored."""
        ...

    def warm(self, conversation: str, prompt_ids: Sequence[int]) -> None:
        """Read these ids into the conversation's cache in spare time; returns at once."""
        ...

    def fork(self, source: str, target: str) -> None:
        """Let `target` continue from a copy of what `source` has read; returns at once.

        Replaces the cache `target` had. Does nothing when `source` has none by then.
        """
        ...

    def forget(self, conversation: str) -> None:
        """Drop the conversation's cache."""
        ...

    def stats(self) -> Mapping[str, float]:
        """Counters since start, such as `requests`, `prefilled_tokens`, `reused_tokens`."""
        ...

    def close(self) -> None:
        """End all requests as `cancelled` and free the model; may be called twice."""
        ...


MAX_CONTINUATIONS = 32
MAX_CONTINUATION_TOKENS = 64


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """How likely some given continuations of a prompt are; nothing is written."""

    request_id: str
    prompt_ids: tuple[int, ...]
    continuations: tuple[tuple[int, ...], ...]
    """1 to `MAX_CONTINUATIONS` of 1 to `MAX_CONTINUATION_TOKENS` ids each."""
    priority: Priority = "player"
    deadline_s: float | None = None
    """As in `GenerationRequest`."""


@dataclass(frozen=True, slots=True)
class Score:
    """How likely one continuation is."""

    log_prob: float
    """Sum of the natural logarithms of its tokens' probabilities, before any sampling setting."""
    num_tokens: int

    @property
    def mean(self) -> float:
        """Of one token; lets continuations of different lengths be compared."""
        return self.log_prob / self.num_tokens


@runtime_checkable
class ScoringSession(Protocol):
    """What some sessions can do beyond `ModelSession`; everything works without."""

    @property
    def can_score(self) -> bool:
        """Whether the model behind it gives log-probabilities; may wait until it is loaded."""
        ...

    def score(self, request: ScoreRequest) -> tuple[Score, ...] | None:
        """Wait for the scores of all continuations, in their order.

        What any conversation has read of the prompt is reused, and their caches stay as they are.
        Safe to call from any thread; `ModelSession.cancel` and `reprioritise` know the request.

        Returns:
            None when it was cancelled, was late or the session is closed.

        Raises:
            ScoringError: It cannot be served, or the model broke or was lost on the way.
        """
        ...
