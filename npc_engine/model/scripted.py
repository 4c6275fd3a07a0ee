"""A session that replays texts, delays and faults instead of running a model.

Ships with the package because games and writers need it in their own tests. It obeys the same
contract as a real session: one final event, stop texts, `max_tokens`, cancel, cache reuse counts.
Imports no torch.
"""

import math
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from npc_engine.errors import ScoringError
from npc_engine.messages import ModelInfo, Priority, Usage
from npc_engine.model.admission import refusal
from npc_engine.model.plain_tokenizer import PlainTokenizer
from npc_engine.model.prefixes import common_prefix
from npc_engine.model.scoring import CANNOT_SCORE, score_refusal, scores_of
from npc_engine.model.stopping import StopText
from npc_engine.protocols import (
    FinalReason,
    GenerationEnd,
    GenerationRequest,
    ModelEvent,
    Score,
    ScoreRequest,
    TokenDelta,
    Tokenizer,
)

Fault = Literal["", "raise", "hang", "endless"]


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply to replay, token by token.

    `raise` ends it as failed, `hang` waits until somebody cancels, `endless` says the text again
    and again until `max_tokens`.
    """

    text: str
    delay_s: float = 0.0
    """Waited before every token."""
    fault: Fault = ""
    fault_after_tokens: int | None = None
    """Where `raise` and `hang` strike; None is after the last token."""
    reason: FinalReason = "done"
    """How the reply ends when nothing else ends it first."""
    error: str = "scripted fault"
    """The error text of `raise`, and of the reason `failed`."""


class EncodingTokenizer(Tokenizer, Protocol):
    """A tokenizer that can also split a bare text, as all tokenizers of this package can."""

    def encode(self, text: str) -> tuple[int, ...]:
        """The ids of a text on its own."""
        ...


Scorer = Callable[[ScoreRequest], Sequence[float]]
Script = Sequence[Reply | str] | Callable[[GenerationRequest], Reply | str]


class ScriptedSession:
    """Implements `protocols.ModelSession` from a script.

    A sequence is replayed in order and begins again at its end; a function is asked for every
    request, and is the way to make the reply depend on the prompt or the seed. Requests that are
    refused or cancelled before they begin use up no reply.
    """

    def __init__(
        self,
        replies: Script,
        *,
        tokenizer: EncodingTokenizer | None = None,
        window_tokens: int = 4096,
        name: str = "scripted",
        scorer: Scorer | None = None,
    ) -> None:
        """Take the script; the default tokenizer is a `PlainTokenizer` of the same window.

        Args:
            replies: What to say.
            tokenizer: What splits it.
            window_tokens: Prompt and reply together.
            name: Shown as the model's.
            scorer: Gives the log-probability of each continuation; without one nothing is scored.
        """
        if not callable(replies) and not replies:
            raise ValueError("a script needs at least one reply")
        self._scorer = scorer
        self._replies = replies if callable(replies) else tuple(replies)
        self._tokenizer: EncodingTokenizer = tokenizer or PlainTokenizer(
            window_tokens=window_tokens
        )
        self._info = ModelInfo(
            name=name,
            family=self._tokenizer.family,
            window_tokens=window_tokens,
            device="none",
            dtype="none",
        )
        self._lock = threading.Lock()
        self._streams: dict[str, _Stream] = {}
        self._cache: dict[str, tuple[int, ...]] = {}
        self._counters: dict[str, float] = {
            "requests": 0.0,
            "prompt_tokens": 0.0,
            "prefilled_tokens": 0.0,
            "reused_tokens": 0.0,
            "reply_tokens": 0.0,
        }
        self._next_reply = 0
        self._closed = False
        self.requests: list[GenerationRequest] = []
        """Every request that came, in order."""
        self.warmed: list[tuple[str, tuple[int, ...]]] = []
        """Every `warm` that came: conversation and ids."""
        self.scored: list[ScoreRequest] = []
        """Every `score` that came, in order."""

    @property
    def info(self) -> ModelInfo:
        """What it pretends to be."""
        return self._info

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer the script is split with."""
        return self._tokenizer

    def stream(self, request: GenerationRequest) -> Iterator[ModelEvent]:
        """Replay the next reply; see `protocols.ModelSession.stream`."""
        stream = _Stream(self, request)
        with self._lock:
            self.requests.append(request)
            self._counters["requests"] += 1
            if self._closed:
                stream.cancelled.set()
            else:
                self._streams[request.request_id] = stream
        return stream

    @property
    def can_score(self) -> bool:
        """Whether there is a function for it."""
        return self._scorer is not None

    def score(self, request: ScoreRequest) -> tuple[Score, ...] | None:
        """Ask the scripted function; see `protocols.ScoringSession.score`."""
        with self._lock:
            self.scored.append(request)
            if self._closed:
                return None
        problem = score_refusal(request, self._info.window_tokens)
        if problem or self._scorer is None:
            raise ScoringError(problem or CANNOT_SCORE)
        try:
            log_probs = tuple(self._scorer(request))
        except Exception as error:  # a script is a stranger's code
            raise ScoringError(str(error) or type(error).__name__) from error
        return scores_of(request, log_probs)

    def cancel(self, request_id: str, *, heard_tokens: int | None = None) -> None:
        """End a request before its next token; unknown ids are ignored."""
        with self._lock:
            stream = self._streams.get(request_id)
        if stream is not None:
            stream.heard_tokens = heard_tokens
            stream.cancelled.set()

    def reprioritise(self, request_id: str, priority: Priority) -> None:
        """Nothing to do: no reply waits for another."""

    def warm(self, conversation: str, prompt_ids: Sequence[int]) -> None:
        """Note the ids as read."""
        with self._lock:
            self.warmed.append((conversation, tuple(prompt_ids)))
            if conversation and not self._closed:
                self._cache[conversation] = tuple(prompt_ids)

    def fork(self, source: str, target: str) -> None:
        """Let one conversation reuse what another has read."""
        with self._lock:
            if source in self._cache and target:
                self._cache[target] = self._cache[source]

    def forget(self, conversation: str) -> None:
        """Drop what the conversation would have reused."""
        with self._lock:
            self._cache.pop(conversation, None)

    def stats(self) -> Mapping[str, float]:
        """Counters since start."""
        with self._lock:
            return dict(self._counters)

    def close(self) -> None:
        """End all requests as cancelled."""
        with self._lock:
            self._closed = True
            streams = tuple(self._streams.values())
        for stream in streams:
            stream.cancelled.set()

    def _take_reply(self, request: GenerationRequest) -> Reply:
        """The reply for a request that begins now."""
        if callable(self._replies):
            chosen = self._replies(request)
        else:
            with self._lock:
                chosen = self._replies[self._next_reply % len(self._replies)]
                self._next_reply += 1
        return Reply(chosen) if isinstance(chosen, str) else chosen

    def _reused(self, request: GenerationRequest) -> int:
        """How much of a prompt a real session would not read again."""
        with self._lock:
            kept = self._cache.get(request.conversation, ()) if request.conversation else ()
        return min(common_prefix(kept, request.prompt_ids), len(request.prompt_ids) - 1)

    def _finished(self, request: GenerationRequest, usage: Usage, ids: tuple[int, ...]) -> None:
        """Count a request that ended, and keep what its cache would hold."""
        with self._lock:
            self._streams.pop(request.request_id, None)
            self._counters["prompt_tokens"] += usage.prompt_tokens
            self._counters["prefilled_tokens"] += usage.prefilled_tokens
            self._counters["reused_tokens"] += usage.reused_tokens
            self._counters["reply_tokens"] += usage.reply_tokens
            if request.conversation and ids and not self._closed:
                self._cache[request.conversation] = ids


class _Stream:
    """The events of one request, computed as they are asked for."""

    def __init__(self, session: ScriptedSession, request: GenerationRequest) -> None:
        self.cancelled = threading.Event()
        self.heard_tokens: int | None = None
        self._session = session
        self._request = request
        self._asked_at = time.monotonic()
        self._events = self._run()

    def __iter__(self) -> Iterator[ModelEvent]:
        return self

    def __next__(self) -> ModelEvent:
        return next(self._events)

    def close(self) -> None:
        """Leave early."""
        self.cancelled.set()
        self._events.close()
        self._session._streams.pop(self._request.request_id, None)

    def __del__(self) -> None:
        self.close()

    def _run(self) -> Generator[ModelEvent, None, None]:
        """All events of the request, the final one last."""
        request, session = self._request, self._session
        problem = refusal(request, session.info.window_tokens)
        if problem or self.cancelled.is_set():
            session._finished(request, Usage(), ())
            reason: FinalReason = "failed" if problem else "cancelled"
            yield GenerationEnd(request.request_id, reason, Usage(), error=problem)
            return
        reused = session._reused(request)
        stops = StopText(request.stop)
        spoken: list[int] = []
        times: list[float] = []
        final: tuple[FinalReason, str]
        try:
            steps = _Steps(
                session._take_reply(request), session._tokenizer, self.cancelled, self._late_at()
            )
            room = min(request.max_tokens, session.info.window_tokens - len(request.prompt_ids))
            while (step := steps.next(len(spoken), room)) is not None:
                token_id, text = step
                spoken.append(token_id)
                times.append(time.monotonic())
                yield TokenDelta(request.request_id, token_id, stops.feed(text))
                if stops.matched:
                    break
            final = ("stopped", "") if stops.matched else steps.ending
        except Exception as error:  # noqa: BLE001 - a script is a stranger's code
            final = ("failed", str(error) or type(error).__name__)
        usage = self._usage(reused, times)
        heard = spoken[: self.heard_tokens] if final[0] == "cancelled" else spoken
        session._finished(request, usage, request.prompt_ids + tuple(heard[: len(spoken) - 1]))
        yield GenerationEnd(request.request_id, final[0], usage, tail=stops.held, error=final[1])

    def _late_at(self) -> float:
        """When nobody waits any more."""
        after = self._request.deadline_s
        return math.inf if after is None else self._asked_at + after

    def _usage(self, reused: int, times: Sequence[float]) -> Usage:
        size = len(self._request.prompt_ids)
        return Usage(
            prompt_tokens=size,
            reused_tokens=reused,
            prefilled_tokens=size - reused,
            reply_tokens=len(times),
            first_token_ms=(times[0] - self._asked_at) * 1000 if times else 0.0,
            decode_ms=(times[-1] - times[0]) * 1000 if times else 0.0,
        )


class _Steps:
    """The tokens of one reply, with its delays and faults."""

    def __init__(
        self,
        reply: Reply,
        tokenizer: EncodingTokenizer,
        cancelled: threading.Event,
        late_at: float,
    ) -> None:
        self._reply = reply
        self._tokens = _split(reply.text, tokenizer)
        self._cancelled = cancelled
        self._late_at = late_at
        self.ending: tuple[FinalReason, str] = ("done", "")

    def next(self, num_spoken: int, room: int) -> tuple[int, str] | None:
        """The next token and its text; None at the end, which `ending` then names."""
        reply = self._reply
        if reply.delay_s > 0:
            self._wait(reply.delay_s)
        if self._is_over():
            self.ending = ("cancelled", "")
            return None
        if num_spoken >= room:
            self.ending = ("length", "")
            return None
        if reply.fault in {"raise", "hang"} and num_spoken >= self._fault_at():
            if reply.fault == "raise":
                self.ending = ("failed", reply.error)
                return None
            self._wait(None)
            self.ending = ("cancelled", "")
            return None
        if num_spoken >= len(self._tokens) and (reply.fault != "endless" or not self._tokens):
            self.ending = (reply.reason, reply.error if reply.reason == "failed" else "")
            return None
        return self._tokens[num_spoken % len(self._tokens)]

    def _is_over(self) -> bool:
        """Whether somebody cancelled, or the deadline passed."""
        return self._cancelled.is_set() or time.monotonic() >= self._late_at

    def _wait(self, delay_s: float | None) -> None:
        """Wait, but no longer than anybody waits for the reply."""
        left = self._late_at - time.monotonic()
        limit = left if delay_s is None else min(delay_s, left)
        self._cancelled.wait(None if limit == math.inf else max(0.0, limit))

    def _fault_at(self) -> int:
        """Number of tokens said before the fault strikes."""
        after = self._reply.fault_after_tokens
        return len(self._tokens) if after is None else min(after, len(self._tokens))


def _split(text: str, tokenizer: EncodingTokenizer) -> list[tuple[int, str]]:
    """A text as tokens, each with the text it adds."""
    ids = tokenizer.encode(text)
    tokens: list[tuple[int, str]] = []
    shown = ""
    for index, token_id in enumerate(ids):
        whole = tokenizer.decode(ids[: index + 1])
        if whole.endswith("\N{REPLACEMENT CHARACTER}") and index + 1 < len(ids):
            tokens.append((token_id, ""))
            continue
        tokens.append((token_id, whole[len(shown) :]))
        shown = whole
    return tokens
