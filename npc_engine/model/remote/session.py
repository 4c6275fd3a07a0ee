"""A model on another machine: `RemoteSession` implements `protocols.ModelSession`.

A thin front for any OpenAI-compatible server: requests become jobs of one event loop, events come
back through a queue. The server renders the chat and keeps the caches.
"""

import itertools
import weakref
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from npc_engine.messages import ModelInfo, Priority
from npc_engine.model.admission import refusal
from npc_engine.model.event_stream import EventStream
from npc_engine.model.remote.job import RemoteJob
from npc_engine.model.remote.loop import DEFAULT_OPEN_REQUESTS, RequestLoop
from npc_engine.model.remote.server import RemoteServer
from npc_engine.model.scripted import EncodingTokenizer
from npc_engine.protocols import GenerationRequest, ModelEvent


class RemoteSession:
    """A server and the connections to it. Close it, or let it go: both end its thread.

    A request needs its `messages`; the ids are counted and not sent. A reply's tokens are those of
    the local tokenizer, which may split the text in other places than the server's model did.
    """

    def __init__(
        self,
        server: RemoteServer,
        tokenizer: EncodingTokenizer,
        info: ModelInfo,
        *,
        open_requests: int = DEFAULT_OPEN_REQUESTS,
    ) -> None:
        """Take over a server; see `remote_opening.open_remote` for the usual way.

        Args:
            server: Nobody else may use it from now on.
            tokenizer: Counts prompts and splits replies.
            info: What to show; its window is the limit of prompt and reply together.
            open_requests: How many may be open at the same time; the rest waits.
        """
        self._server = server
        self._tokenizer = tokenizer
        self._info = info
        self._loop = RequestLoop(server.serve, server.shut, open_requests=open_requests)
        self._order = itertools.count()
        weakref.finalize(self, self._loop.close)

    def __repr__(self) -> str:
        """Where it leads; no secrets."""
        return f"RemoteSession({self._info.extra.get('url', '')!r}, model={self._info.name!r})"

    @property
    def info(self) -> ModelInfo:
        """What runs, and where."""
        return self._info

    @property
    def tokenizer(self) -> EncodingTokenizer:
        """What counts here; an estimate unless a tokenizer was named."""
        return self._tokenizer

    def stream(self, request: GenerationRequest) -> Iterator[ModelEvent]:
        """See `protocols.ModelSession.stream`."""
        job = RemoteJob(request, next(self._order))
        problem = refusal(request, self._info.window_tokens)
        if problem:
            job.ending, job.error = "failed", problem
            job.end()
        else:
            self._loop.submit(job)
        return EventStream(self, job.events, partial(self._loop.cancel_job, job))

    def cancel(self, request_id: str, *, heard_tokens: int | None = None) -> None:
        """End a request by closing its connection; unknown ids are ignored.

        What was heard makes no difference: the caches are the server's.
        """
        self._loop.cancel(request_id)

    def reprioritise(self, request_id: str, priority: Priority) -> None:
        """Send a waiting request sooner or later; unknown ids are ignored."""
        self._loop.reprioritise(request_id, priority)

    def warm(self, conversation: str, prompt_ids: Sequence[int]) -> None:
        """Nothing to do: what to keep of a prompt is the server's choice."""

    def fork(self, source: str, target: str) -> None:
        """Nothing to do: a server finds what two prompts share by itself."""

    def forget(self, conversation: str) -> None:
        """Nothing to do: nothing is kept here."""

    def stats(self) -> Mapping[str, float]:
        """Counters since start."""
        return {**self._loop.stats(), "retries": float(self._server.num_retries)}

    def close(self) -> None:
        """End all requests as cancelled, close the connections and join the thread."""
        self._loop.close()
