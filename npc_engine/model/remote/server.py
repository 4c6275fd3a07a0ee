"""The HTTP side of a remote session: one request and its answer, with retries and time-outs.

Imports httpx2, so it is itself imported only when a remote session is opened.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx2

from npc_engine.model.remote.address import Address, authorization
from npc_engine.model.remote.answer import Answer
from npc_engine.model.remote.faults import (
    REFUSED_FIELDS_STATUS,
    ServerFault,
    status_fault,
    without_secrets,
)
from npc_engine.model.remote.job import RemoteJob
from npc_engine.model.remote.reply import ReplyText
from npc_engine.model.remote.request import Dialect, request_body, simpler
from npc_engine.model.scripted import EncodingTokenizer

_MAX_ERROR_BYTES = 64 << 10
_SECRETS_SHOWN_AT_LEAST = 4


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a server, and how often to ask again."""

    connect_s: float = 5.0
    first_token_s: float = 60.0
    between_tokens_s: float = 30.0
    counts_s: float = 1.0
    """After the reply has ended, for the server's token counts."""
    tries: int = 3
    """Only before the first token."""
    pause_s: float = 0.5
    """Before the second try; doubled for each further one, then jittered downwards."""
    max_pause_s: float = 8.0
    max_retry_after_s: float = 10.0
    """At most this much of what a server asks for in Retry-After."""


@dataclass(frozen=True, slots=True)
class Place:
    """A server, a model of it, and the right to use them."""

    address: Address
    model: str
    api_key: str

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that nobody may read."""
        header = authorization(self.address, self.api_key).get("Authorization", "")
        packed = header.partition(" ")[2]
        password = self.address.credentials.partition(":")[2]
        found = (self.api_key, self.address.credentials, packed, password)
        return tuple(text for text in found if len(text) >= _SECRETS_SHOWN_AT_LEAST)


class RemoteServer:
    """Serves jobs over one pool of connections. All of it runs on one event loop."""

    def __init__(
        self,
        place: Place,
        tokenizer: EncodingTokenizer,
        window_tokens: int,
        *,
        patience: Patience,
        jitter: random.Random,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        """Make the pool; nothing is sent yet."""
        self._place = place
        self._tokenizer = tokenizer
        self._window_tokens = window_tokens
        self._patience = patience
        self._jitter = jitter
        self._sleep = sleep
        self._dialect = Dialect()
        self.num_retries = 0
        self._client = httpx2.AsyncClient(
            headers={
                "Accept": "text/event-stream, application/json",
                "Accept-Encoding": "identity",
                **authorization(place.address, place.api_key),
            },
            # Time between tokens is watched here: a server may send comments for ever.
            timeout=httpx2.Timeout(
                connect=patience.connect_s, read=None, write=patience.first_token_s, pool=None
            ),
            limits=httpx2.Limits(),
            follow_redirects=False,
            # A proxy of the environment must not stand before a server on this machine.
            trust_env=not place.address.is_loopback,
        )

    async def shut(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def serve(self, job: RemoteJob) -> None:
        """Run one request; see `RequestLoop`.

        Raises:
            ServerFault: It failed; the text names the server and holds no secret.
        """
        job.begun_at = time.monotonic()
        try:
            await self._with_retries(job)
        except ServerFault as fault:
            text = without_secrets(str(fault), self._place.secrets)
            raise ServerFault(f"{self._place.address.url}: {text}") from None

    async def _with_retries(self, job: RemoteJob) -> None:
        if not job.request.messages:
            raise ServerFault(
                "the request has no messages; a server renders the chat itself; hand in "
                "messages as well as prompt_ids"
            )
        tries = self._patience.tries
        for number in range(1, tries + 1):
            try:
                return await self._in_its_dialect(job)
            except ServerFault as fault:
                if not fault.may_retry:
                    raise
                if number == tries:
                    raise ServerFault(f"{fault} (tried {tries} times)") from fault
                self.num_retries += 1
                await self._sleep(self._pause_s(number, fault.retry_after_s))

    def _pause_s(self, number: int, retry_after_s: float | None) -> float:
        """Seconds to wait after try `number`."""
        patience = self._patience
        if retry_after_s is not None:
            return min(retry_after_s, patience.max_retry_after_s)
        longest = min(patience.pause_s * 2.0 ** (number - 1), patience.max_pause_s)
        return longest * self._jitter.uniform(0.5, 1.0)

    async def _in_its_dialect(self, job: RemoteJob) -> None:
        """Ask, and ask again without the fields that the server refuses."""
        dialect = self._dialect
        while True:
            try:
                return await self._ask(job, dialect)
            except _FieldsRefusedError as refusal:
                less = simpler(dialect, refusal.words)
                if less is None:
                    raise
                dialect = less

    async def _ask(self, job: RemoteJob, dialect: Dialect) -> None:
        """One request and its answer, watched."""
        clock = asyncio.get_running_loop().time
        patience = self._patience
        reply = ReplyText(self._tokenizer, job.request.stop)
        room = min(job.request.max_tokens, self._window_tokens - len(job.request.prompt_ids))
        watch = asyncio.timeout(patience.first_token_s)
        answer = Answer(
            job,
            reply,
            room,
            on_progress=lambda: watch.reschedule(clock() + patience.between_tokens_s),
            on_end=lambda: watch.reschedule(clock() + patience.counts_s),
        )
        try:
            async with watch:
                await self._send(job, dialect, answer)
        except TimeoutError as error:
            if not answer.is_finished:
                raise ServerFault(self._too_slow(job)) from error
        except httpx2.HTTPError as error:
            if not answer.is_finished:
                raise _connection_fault(error, job) from error
        finally:
            job.tail = reply.tail

    async def _send(self, job: RemoteJob, dialect: Dialect, answer: Answer) -> None:
        url = f"{self._place.address.url}/chat/completions"
        body = request_body(job.request, self._place.model, dialect)
        async with self._client.stream("POST", url, json=body) as response:
            if response.status_code != 200:
                raise await _refusal(response)
            self._dialect = _both(self._dialect, dialect)
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind == "text/html":
                raise ServerFault(
                    "found an HTML page; expected a chat reply; check the address, which mostly "
                    "ends in /v1"
                )
            data = response.aiter_bytes()
            if kind == "application/json":
                await answer.read_whole(data)
            else:
                await answer.read_stream(data)

    def _too_slow(self, job: RemoteJob) -> str:
        if job.num_tokens:
            return f"no token for {self._patience.between_tokens_s:g} s; look at the server's log"
        return (
            f"no first token in {self._patience.first_token_s:g} s; the server may still be "
            "loading the model or have too much to do"
        )


class _FieldsRefusedError(ServerFault):
    """The server did not take the request as it was."""

    def __init__(self, text: str, words: str) -> None:
        self.words = words
        super().__init__(text)


async def _refusal(response: httpx2.Response) -> ServerFault:
    """The fault of an answer that is not 200."""
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) >= _MAX_ERROR_BYTES:
            break
    start = bytes(body[:_MAX_ERROR_BYTES])
    retry_after = response.headers.get("retry-after", "")
    fault = status_fault(response.status_code, start, retry_after, time.time())
    if response.status_code in REFUSED_FIELDS_STATUS:
        return _FieldsRefusedError(str(fault), start.decode("utf-8", "replace"))
    return fault


def _connection_fault(error: httpx2.HTTPError, job: RemoteJob) -> ServerFault:
    """The fault of a connection that could not be made, or broke."""
    if isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout)):
        return ServerFault(
            f"could not be reached ({type(error).__name__}); check that the server runs and that "
            "the address is right",
            may_retry=True,
        )
    if job.was_read:
        return ServerFault("the reply was cut off in the middle; look at the server's log")
    return ServerFault(
        f"the server closed the connection without a reply ({type(error).__name__}); look at the "
        "server's log",
        may_retry=isinstance(error, (httpx2.NetworkError, httpx2.RemoteProtocolError)),
    )


def _both(first: Dialect, second: Dialect) -> Dialect:
    """What neither of two experiences speaks against."""
    return Dialect(usage=first.usage and second.usage, extras=first.extras and second.extras)
