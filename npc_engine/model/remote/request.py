"""A request as the body that OpenAI-compatible servers read. Plain data in, plain data out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from npc_engine.messages import Message, Sampling
from npc_engine.protocols import GenerationRequest

MAX_STOPS = 4
"""More are refused by OpenAI's own service; all of them are matched here as well."""
_ALL_CANDIDATES = 64
_MERGED_ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class Dialect:
    """Which optional fields a server takes. Learned from what it refuses."""

    usage: bool = True
    """`stream_options`, which asks for token counts at the end."""
    extras: bool = True
    """Sampling fields beyond OpenAI's own."""


def request_body(
    request: GenerationRequest,
    model: str,
    dialect: Dialect,
    tools: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The body of POST /chat/completions.

    Args:
        request: What to ask; its `messages` are sent, never its ids.
        model: Name of the model; empty leaves the choice to the server.
        dialect: Which optional fields to send.
        tools: OpenAI-style function objects.
    """
    sampling = request.sampling
    body: dict[str, Any] = {
        "messages": chat_messages(request.messages),
        "stream": True,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": request.max_tokens,
        "seed": request.seed,
    }
    if model:
        body["model"] = model
    if stops := [stop for stop in request.stop if stop][:MAX_STOPS]:
        body["stop"] = stops
    if tools:
        body["tools"] = [dict(tool) for tool in tools]
    if dialect.usage:
        body["stream_options"] = {"include_usage": True}
    if dialect.extras:
        body |= _extras(sampling)
    return body


def chat_messages(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Messages as servers want them: neighbours of one role are one message.

    Many templates raise an error unless user and assistant alternate.
    """
    merged: list[dict[str, str]] = []
    for message in messages:
        last = merged[-1] if merged else None
        if last is not None and last["role"] == message.role and message.role in _MERGED_ROLES:
            last["content"] += "\n" + message.text
        else:
            merged.append({"role": message.role, "content": message.text})
    return merged


def simpler(dialect: Dialect, complaint: str) -> Dialect | None:
    """What to try after a server refused a request; None when nothing is left to leave out.

    Args:
        dialect: What was sent.
        complaint: The server's words.
    """
    if dialect.usage and "stream_options" in complaint:
        return replace(dialect, usage=False)
    if dialect.extras:
        return replace(dialect, extras=False)
    return replace(dialect, usage=False) if dialect.usage else None


def _extras(sampling: Sampling) -> dict[str, Any]:
    """Fields of vLLM, SGLang and llama.cpp, which ignore each other's."""
    extras: dict[str, Any] = {
        "top_k": sampling.top_k or _ALL_CANDIDATES,
        "min_p": sampling.min_p,
    }
    if sampling.repetition_penalty != 1:
        extras |= {
            "repetition_penalty": sampling.repetition_penalty,
            "repeat_penalty": sampling.repetition_penalty,
            "repeat_last_n": sampling.repetition_window_tokens,
        }
    return extras
