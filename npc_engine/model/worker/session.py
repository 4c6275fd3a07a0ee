"""A model in a child process: `WorkerSession` implements `protocols.ModelSession`.

A crash, a hang or a lack of memory in the model ends the child, not the game. Imports no torch.
"""

import queue
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from npc_engine.errors import LoadError, ScoringError
from npc_engine.messages import ModelInfo, Priority
from npc_engine.model.event_stream import EventStream
from npc_engine.model.plain_tokenizer import PlainTokenizer
from npc_engine.model.scoring import carrier, size_refusal, wait_for_scores
from npc_engine.model.tokenizer import ChatTokenizer
from npc_engine.model.worker.messages import Open, Ready, TokenizerSource
from npc_engine.model.worker.patience import Patience
from npc_engine.model.worker.watch import Watch
from npc_engine.protocols import GenerationRequest, ModelEvent, Score, ScoreRequest

OPEN_LOCAL = "npc_engine.model.opening:open_local"
_LOOK_UP_S = 0.5
"""A wait without an end would not see Ctrl+C on Windows."""


class WorkerSession:
    """A model in a child process, which is started again when it dies.

    Requests may be handed in at once, also while the model loads. A request that has not brought a
    token when the child dies is asked once more; one that has ends as `failed`. Close the session,
    or let it go: both end the child.
    """

    def __init__(
        self,
        opener: str = OPEN_LOCAL,
        options: Mapping[str, Any] | None = None,
        *,
        lower_priority: bool = True,
        patience: Patience | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        """Start the child; it loads the model while the caller goes on.

        Args:
            opener: What opens the model in the child, `module:function`. The model must have a
                `ChatTokenizer` and its folder in `info.extra["folder"]`, or a `PlainTokenizer`.
            options: Keyword arguments of it; JSON values. `on_progress` is added if it takes one.
            lower_priority: Let the system serve the game before the child.
            patience: When the child counts as hung, and how often it is started again.
            command: What to start instead of this Python's `-m npc_engine.model.worker`.
        """
        opening = Open(opener, dict(options or {}), lower_priority)
        self._watch = Watch(opening, patience or Patience(), command=command)
        self._tokenizer_lock = threading.Lock()
        self._tokenizer: ChatTokenizer | PlainTokenizer | None = None
        weakref.finalize(self, self._watch.close_later)

    def wait_ready(self, on_progress: Callable[[str, float | None], None] | None = None) -> None:
        """Wait until the model is loaded.

        Args:
            on_progress: Told on this thread what takes time, with a share of 0..1 where known.

        Raises:
            LoadError: It cannot be loaded, or the session was closed meanwhile.
        """
        while True:
            try:
                news = self._watch.news.get(timeout=_LOOK_UP_S)
            except queue.Empty:
                continue
            if news is None:
                break
            if on_progress is not None:
                on_progress(news.step, news.share)
        self._watch.news.put(None)  # for whoever else waits
        self._ready()

    @property
    def info(self) -> ModelInfo:
        """What runs, and where; waits until the model is loaded.

        Raises:
            LoadError: It cannot be loaded.
        """
        return self._ready().info

    @property
    def tokenizer(self) -> ChatTokenizer | PlainTokenizer:
        """The tokenizer of the model, in this process; waits until the model is loaded.

        Raises:
            LoadError: It cannot be loaded.
        """
        source = self._ready().tokenizer
        with self._tokenizer_lock:
            if self._tokenizer is None:
                self._tokenizer = _build(source)
            return self._tokenizer

    @property
    def pid(self) -> int | None:
        """Process id of the child; None while there is none."""
        return self._watch.pid

    def stream(self, request: GenerationRequest) -> Iterator[ModelEvent]:
        """See `protocols.ModelSession.stream`. Never waits for the child."""
        requests = self._watch.requests
        entry = requests.submit(request)
        leave, dropped = partial(requests.leave, entry), partial(requests.leave_later, entry)
        return EventStream(self, entry.events, leave, dropped)

    @property
    def can_score(self) -> bool:
        """Whether the child's model gives log-probabilities; waits until it is loaded.

        Raises:
            LoadError: It cannot be loaded.
        """
        return self._ready().can_score

    def score(self, request: ScoreRequest) -> tuple[Score, ...] | None:
        """See `protocols.ScoringSession.score`. Asked once more where the child dies."""
        problem = size_refusal(request)
        if problem:
            raise ScoringError(problem)
        requests = self._watch.requests
        entry = requests.submit(carrier(request), request.continuations)
        leave, dropped = partial(requests.leave, entry), partial(requests.leave_later, entry)
        return wait_for_scores(request, EventStream(self, entry.events, leave, dropped))

    def cancel(self, request_id: str, *, heard_tokens: int | None = None) -> None:
        """End a request; unknown ids are ignored."""
        self._watch.requests.cancel(request_id, heard_tokens)

    def reprioritise(self, request_id: str, priority: Priority) -> None:
        """Serve a request sooner or later; unknown ids are ignored."""
        self._watch.requests.reprioritise(request_id, priority)

    def warm(self, conversation: str, prompt_ids: Sequence[int]) -> None:
        """Read ids into the conversation's cache in spare time."""
        if conversation and len(prompt_ids):
            self._watch.requests.warm(conversation, prompt_ids)

    def fork(self, source: str, target: str) -> None:
        """Let a conversation continue from a copy of what another has read."""
        self._watch.requests.fork(source, target)

    def forget(self, conversation: str) -> None:
        """Drop the conversation's cache."""
        self._watch.requests.forget(conversation)

    def stats(self) -> Mapping[str, float]:
        """The child's counters as last heard, at most a few tenths of a second ago.

        `restarts` is how often a new child was started; counters go on over restarts.
        """
        return self._watch.stats()

    def close(self) -> None:
        """End all requests as cancelled and the child with them; waits for it, by force if slow."""
        self._watch.close()

    def _ready(self) -> Ready:
        self._watch.opened.wait()
        if self._watch.ready is None:
            raise LoadError(self._watch.load_error)
        return self._watch.ready


def open_worker(
    options: Mapping[str, Any],
    *,
    on_progress: Callable[[str, float | None], None] | None = None,
) -> WorkerSession:
    """A worker session whose model is loaded.

    Args:
        options: Arguments of `opening.open_local`; paths as text.
        on_progress: Told on this thread what takes time.

    Raises:
        LoadError: The model cannot be loaded.
    """
    session = WorkerSession(OPEN_LOCAL, options)
    try:
        session.wait_ready(on_progress)
        session.tokenizer  # noqa: B018 - read now, so that the first prompt need not wait
    except BaseException:
        session.close()
        raise
    return session


def _build(source: TokenizerSource) -> ChatTokenizer | PlainTokenizer:
    """The tokenizer that the worker's model has."""
    if source.folder:
        return ChatTokenizer.from_folder(Path(source.folder), window_tokens=source.window_tokens)
    return PlainTokenizer(window_tokens=source.window_tokens, takes_contexts=source.takes_contexts)
