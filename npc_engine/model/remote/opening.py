"""From the address of a server to a session: key, model, window, tokenizer.

Asks the server once which models it has. Imports httpx2 only in `open_remote`.
"""

import asyncio
import json
import os
import random
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from npc_engine.errors import LoadError
from npc_engine.messages import ModelInfo
from npc_engine.model.catalogue import find_source
from npc_engine.model.fetching import ready_folder
from npc_engine.model.remote.address import (
    API_KEY_VARIABLE,
    Address,
    authorization,
    check_secrecy,
    parse_address,
)
from npc_engine.model.remote.estimating_tokenizer import EstimatingTokenizer
from npc_engine.model.remote.faults import status_fault, without_secrets
from npc_engine.model.remote.tokenizer import RemoteTokenizer
from npc_engine.model.scripted import EncodingTokenizer
from npc_engine.model.tokenizer import DEFAULT_WINDOW_TOKENS, ChatTokenizer
from npc_engine.model.weights_cache import WeightsCache

if TYPE_CHECKING:
    from npc_engine.model.remote.server import Patience, Place
    from npc_engine.model.remote.session import RemoteSession

Progress = Callable[[str, float | None], None]

LOOK_S = 5.0
"""For the one question at opening, to connect and to answer each."""
_MAX_LIST_BYTES = 4 << 20
# `transformers serve` answers 500 where the hub's cache folder does not exist.
_NO_LIST_STATUS = frozenset({404, 405, 500, 501})
_WINDOW_FIELDS = (
    "max_model_len",
    "n_ctx",
    "context_length",
    "max_context_length",
    "context_window",
    "n_ctx_train",
)


def open_remote(
    name: str,
    *,
    on_progress: Progress | None = None,
    tokenizer: str | EncodingTokenizer | None = None,
    cache_dir: Path | None = None,
    window_tokens: int | None = None,
    api_key: str | None = None,
    allow_plain_http: bool = False,
    patience: "Patience | None" = None,
    open_requests: int | None = None,
    retry_seed: int = 0,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> "RemoteSession":
    """A session on an OpenAI-compatible server.

    Args:
        name: Its address, such as `http://127.0.0.1:8000/v1#model-name`. Without a model's name
            the first one the server lists is used.
        on_progress: Told what takes time.
        tokenizer: What counts prompts: a folder with tokenizer.json, a local model's name, or a
            tokenizer. None estimates on the safe side, so that less of the window is used.
        cache_dir: Where converted models are kept, for a tokenizer by name.
        window_tokens: Use at most this much of the server's window; by default 4,096.
        api_key: By default the environment variable `NPC_ENGINE_API_KEY`.
        allow_plain_http: Send the key over http to another machine.
        patience: Time-outs and retries.
        open_requests: Requests that may be open at the same time; by default 8.
        retry_seed: For the jitter of the pauses between tries.
        sleep: How to wait between tries.

    Raises:
        LoadError: The address or key is not usable, or the server is not there.
    """
    address = parse_address(name)
    key = os.environ.get(API_KEY_VARIABLE, "") if api_key is None else api_key
    key = key.strip()
    check_secrecy(address, has_key=bool(key), allow_plain_http=allow_plain_http)
    (on_progress or _ignore)(f"asking {address.url}", None)

    from npc_engine.model.remote.loop import DEFAULT_OPEN_REQUESTS
    from npc_engine.model.remote.server import Patience, Place, RemoteServer
    from npc_engine.model.remote.session import RemoteSession

    models = list_remote_models(Place(address, address.model, key))
    model = address.model or next(iter(models), "")
    window = min(
        window_tokens or DEFAULT_WINDOW_TOKENS,
        _window_of(models.get(model, {})) or DEFAULT_WINDOW_TOKENS,
    )
    counting = _counting(tokenizer, window, cache_dir)
    if counting.window_tokens < window:
        window = counting.window_tokens
    info = ModelInfo(
        name=model or address.url,
        family=counting.family,
        window_tokens=window,
        device="remote",
        dtype="unknown",
        extra={
            "url": address.url,
            "counting": "estimated" if tokenizer is None else "local tokenizer",
        },
    )
    server = RemoteServer(
        Place(address, model, key),
        counting,
        window,
        patience=patience or Patience(),
        jitter=random.Random(retry_seed),
        sleep=sleep,
    )
    (on_progress or _ignore)("ready", 1.0)
    return RemoteSession(
        server, counting, info, open_requests=open_requests or DEFAULT_OPEN_REQUESTS
    )


def list_remote_models(place: "Place") -> dict[str, Mapping[str, Any]]:
    """What a server says of its models, by name, in its order.

    A server without such a list gives an empty one, if a model was named.

    Raises:
        LoadError: It is not there, wants another key, or is no such server.
    """
    import httpx2

    address = place.address
    try:
        with (
            httpx2.Client(
                headers=authorization(address, place.api_key),
                timeout=LOOK_S,
                follow_redirects=False,
                trust_env=not address.is_loopback,
            ) as client,
            client.stream("GET", f"{address.url}/models") as response,
        ):
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                if len(body) > _MAX_LIST_BYTES:
                    break
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise LoadError(
            f"{address.url}: the server could not be reached ({type(error).__name__}); start it, "
            "check the address, or use a local model"
        ) from None
    if response.status_code in _NO_LIST_STATUS and address.model:
        return {}
    if response.status_code != 200:
        fault = status_fault(response.status_code, bytes(body), "", 0.0)
        raise LoadError(f"{address.url}/models: {without_secrets(str(fault), place.secrets)}")
    return _entries(address, bytes(body))


def estimating_tokenizer(window_tokens: int | None = None) -> EstimatingTokenizer:
    """What counts for servers when nothing better is known; asks nobody."""
    return EstimatingTokenizer(window_tokens=window_tokens or DEFAULT_WINDOW_TOKENS)


def _entries(address: Address, body: bytes) -> dict[str, Mapping[str, Any]]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    listed = value.get("data") if isinstance(value, dict) else None
    if not isinstance(listed, list):
        raise LoadError(
            f"{address.url}/models: found no list of models; expected an OpenAI-compatible server; "
            "check the address, which mostly ends in /v1"
        )
    return {
        entry["id"]: entry
        for entry in listed
        if isinstance(entry, dict) and isinstance(entry.get("id"), str)
    }


def _window_of(entry: Mapping[str, Any]) -> int | None:
    """The window a server tells of a model; None if it tells none."""
    meta = entry.get("meta")
    for source in (entry, meta if isinstance(meta, dict) else {}):
        for field in _WINDOW_FIELDS:
            value = source.get(field)
            if isinstance(value, int) and value > 0:
                return value
    return None


def _counting(
    tokenizer: str | EncodingTokenizer | None, window_tokens: int, cache_dir: Path | None
) -> EncodingTokenizer:
    """The tokenizer that counts."""
    if tokenizer is None:
        return estimating_tokenizer(window_tokens)
    if not isinstance(tokenizer, str):
        return tokenizer
    folder = Path(tokenizer).expanduser()
    if not (folder / "tokenizer.json").is_file():
        folder = ready_folder(find_source(tokenizer), WeightsCache(cache_dir), _ignore)
    return RemoteTokenizer(ChatTokenizer.from_folder(folder, window_tokens=window_tokens))


def _ignore(step: str, share: float | None) -> None:
    """Report to nobody."""
