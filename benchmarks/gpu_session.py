"""What a caller of a session waits for on a GPU, and the same through `transformers.generate`."""

import time
from typing import Any

import torch

from benchmarks.gpu_clock import share_of, synchronise
from benchmarks.gpu_model import StubTokenizer, info_of, random_ids
from benchmarks.gpu_passes import Place, Sizes, timed
from benchmarks.gpu_report import Findings
from npc_engine.messages import Sampling
from npc_engine.model.linear import Kernels
from npc_engine.model.local import LocalSession
from npc_engine.model.runner import Packing
from npc_engine.protocols import GenerationRequest, TokenDelta

_GREEDY = Sampling(temperature=0, repetition_penalty=1)


def open_session(place: Place, sizes: Sizes, model: Any) -> LocalSession:  # noqa: ANN401
    """A session on the model, with the pieces a GPU is given by default."""
    tokenizer: Any = StubTokenizer()
    on_cpu = None if place.device.startswith("cuda") else Packing(Kernels())
    return LocalSession(
        model,
        tokenizer,
        info_of(place.shape, place.device, place.dtype),
        num_rows=max(sizes.rows) + 1,
        cache_bytes=1 << 40,
        prefill_chunk_tokens=sizes.chunk_tokens,
        beside_tokens=128,
        packing=on_cpu,
    )


def measure_first_token(session: LocalSession, place: Place, sizes: Sizes, found: Findings) -> None:
    """From handing in a request to its first token: cold, and in a talk read but for a few ids."""
    head = random_ids(place.shape, sizes.long_tokens - sizes.new_tokens, 11)
    cold: list[float] = []
    warm: list[float] = []
    for turn in range(sizes.rounds):
        other = random_ids(place.shape, sizes.long_tokens, 1000 + turn)
        cold.append(_first_token_s(session, f"cold{turn}", other, ""))
    _first_token_s(session, "head", head, "mira")
    for turn in range(3 * sizes.rounds + 2):
        ids = (*head, *random_ids(place.shape, sizes.new_tokens, 100 + turn))
        seconds = _first_token_s(session, f"warm{turn}", ids, "mira")
        if turn >= 2:
            warm.append(seconds)
    name = f"first token, {sizes.long_tokens:,} tokens"
    found.rows.append({"what": "first token", "cold_s": cold, "warm_s": warm})
    found.add(f"{name}, none read before", share_of(cold, 0.5) * 1000, "ms", runs=len(cold))
    found.add(
        f"{name}, {sizes.new_tokens} of them new, median",
        share_of(warm, 0.5) * 1000,
        "ms",
        target=15.0,
        at_most=True,
        runs=len(warm),
    )
    found.add("the same, 95 of 100", share_of(warm, 0.95) * 1000, "ms", runs=len(warm))


def measure_speaking(session: LocalSession, place: Place, sizes: Sizes, found: Findings) -> None:
    """Tokens a second of all speakers together, as their callers get them."""
    for rows in sizes.rows:
        context = sizes.contexts[0]
        prompts = [random_ids(place.shape, context, 2000 + at) for at in range(rows)]
        for at, ids in enumerate(prompts):  # read before, so that only writing is timed
            _first_token_s(session, f"read{rows}-{at}", ids, f"npc{at}")
        begun = time.perf_counter()
        streams = [
            session.stream(_request(f"say{rows}-{at}", ids, f"npc{at}", sizes.steps))
            for at, ids in enumerate(prompts)
        ]
        count = sum(isinstance(event, TokenDelta) for stream in streams for event in stream)
        seconds = time.perf_counter() - begun
        found.add(f"{rows} speakers at {context:,} through the session", count / seconds, "tok/s")


def measure_cancel(session: LocalSession, place: Place, sizes: Sizes, found: Findings) -> None:
    """Passes that begin between a cancel and the final event."""
    ids = random_ids(place.shape, sizes.contexts[0], 12)
    most = 0
    for turn in range(sizes.rounds):
        stream = session.stream(_request(f"c{turn}", ids, "mira", sizes.steps * 4))
        for _ in range(3):
            next(stream)
        before = session.stats()["forwards"]
        session.cancel(f"c{turn}")
        list(stream)
        while session.stats()["live_requests"]:
            time.sleep(0.001)
        most = max(most, int(session.stats()["forwards"] - before))
    found.add(
        "passes from a cancel to the final event, the one under way included",
        most,
        "",
        target=2.0,
        at_most=True,
        runs=sizes.rounds,
    )


def measure_generate(
    model: Any,  # noqa: ANN401 - a class of transformers
    place: Place,
    sizes: Sizes,
    found: Findings,
) -> None:
    """`transformers.generate` as it comes: one conversation, a cache that grows."""
    count, context = sizes.steps, sizes.contexts[0]
    each = _generate_step_s(model, place, context, count, {})
    found.add(f"generate, 1 row at {context:,}", 1 / each, "tok/s")
    whole = timed(lambda: _generate(model, place, sizes.long_tokens, 1, {}), place.device)
    found.add(f"generate, first token, {sizes.long_tokens:,} tokens", whole * 1000, "ms")
    ours = next((f for f in found.figures if f.name == f"decode, 1 rows at {context:,}"), None)
    if ours is not None:
        found.add("decode of 1 row, ours / generate", ours.value * each, "x", target=8.0)


def measure_generate_compiled(
    model: Any,  # noqa: ANN401 - a class of transformers
    place: Place,
    sizes: Sizes,
    found: Findings,
) -> None:
    """`generate` with a cache of fixed size, which transformers compiles on a GPU."""
    count, context = sizes.steps, sizes.contexts[0]
    options = {"cache_implementation": "static"}
    begun = time.perf_counter()
    for _ in range(2):
        _generate(model, place, context, count, options)
    synchronise(place.device)
    found.add("generate, static and compiled, first two calls", time.perf_counter() - begun, "s")
    each = _generate_step_s(model, place, context, count, options)
    found.add(f"generate, static and compiled, 1 row at {context:,}", 1 / each, "tok/s")


def _generate_step_s(
    model: Any,  # noqa: ANN401 - a class of transformers
    place: Place,
    context: int,
    count: int,
    options: dict[str, Any],
) -> float:
    """Seconds a token: a long reply less a short one; both of sizes that were run before."""
    for size in (2, count):
        _generate(model, place, context, size, options)
    short, long = (
        min(
            timed(lambda: _generate(model, place, context, size, options), place.device)  # noqa: B023
            for _ in range(3)
        )
        for size in (2, count)
    )
    if long <= short:
        raise RuntimeError(f"{count} tokens took no longer than 2; the machine is too busy")
    return (long - short) / (count - 2)


def _generate(
    model: Any,  # noqa: ANN401 - a class of transformers
    place: Place,
    context: int,
    count: int,
    options: dict[str, Any],
) -> None:
    ids = torch.tensor([random_ids(place.shape, context, 13)], device=place.device)
    with torch.inference_mode():
        model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            min_new_tokens=count,
            max_new_tokens=count,
            do_sample=False,
            pad_token_id=0,
            **options,
        )


def _request(name: str, ids: tuple[int, ...], conversation: str, count: int) -> GenerationRequest:
    return GenerationRequest(
        request_id=name,
        prompt_ids=ids,
        sampling=_GREEDY,
        max_tokens=count,
        conversation=conversation,
    )


def _first_token_s(
    session: LocalSession, name: str, ids: tuple[int, ...], conversation: str
) -> float:
    begun = time.perf_counter()
    stream = session.stream(_request(name, ids, conversation, 1))
    first = next(stream)
    seconds = time.perf_counter() - begun
    if not isinstance(first, TokenDelta):
        raise RuntimeError(f"{name}: no token came: {first}")
    list(stream)
    return seconds
