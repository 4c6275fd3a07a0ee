"""This engine as a peer: a session in this process, or through the worker."""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.peers.protocol import Answer, PeerError, pin, serve, timed
from benchmarks.side_by_side import longest_wait_steps
from npc_engine.authoring.bench_speaking import Spoken, speak, tokens_per_s
from npc_engine.messages import Sampling
from npc_engine.model import open_session
from npc_engine.model.tokenizer import ChatTokenizer
from npc_engine.protocols import GenerationEnd, GenerationRequest, ModelSession

GREEDY = Sampling(temperature=0.0, repetition_penalty=1.0)
BUDGET_BYTES = 1 << 30
"""Memory for conversations; the session's own default on a CPU."""
_DTYPE_BYTES = {"bfloat16": 2, "float16": 2, "float32": 4}


def main(arguments: Sequence[str] | None = None) -> None:
    """Open a session and answer."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.ours")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--process", choices=("local", "worker"), default="local")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--core", type=int)
    options = parser.parse_args(arguments)
    pin(options.core)
    serve(lambda: Ours(open_peer_session(options)).questions)


def open_peer_session(options: argparse.Namespace) -> ModelSession:
    """The session; in this process it also loses the ids that would end a reply."""
    settings = {"threads": options.threads, "cache_bytes": BUDGET_BYTES}
    if options.process == "worker":
        return open_session(options.model, process="worker", **settings)
    with mock.patch.object(ChatTokenizer, "from_folder", _endless(ChatTokenizer.from_folder)):
        return open_session(options.model, process="local", **settings)


def _endless(from_folder: Callable[..., ChatTokenizer]) -> Callable[..., ChatTokenizer]:
    def open_endless(folder: Path, **options: Any) -> ChatTokenizer:  # noqa: ANN401 - passed on
        tokenizer = from_folder(folder, **options)
        tokenizer.end_ids = frozenset()
        return tokenizer

    return open_endless


class Ours:
    """Answers with a session."""

    def __init__(self, session: ModelSession) -> None:
        self._session = session
        self._num_requests = 0

    @property
    def questions(self) -> Mapping[str, Callable[..., Answer]]:
        """What can be asked."""
        return {
            "info": self.info,
            "read": self.read,
            "turn": self.turn,
            "together": self.together,
            "memory": self.memory,
        }

    def info(self) -> Answer:
        """Model, device, precision and threads."""
        info = self._session.info
        return {
            "model": info.name,
            "device": info.device,
            "dtype": info.dtype,
            "threads": info.extra.get("threads", ""),
            "folder": info.extra.get("folder", ""),
        }

    def read(self, ids: Sequence[int], talk: str) -> Answer:
        """Read the beginning of a talk."""
        _check([*speak(self._session, [self._request(ids, talk, 1)])])
        return {}

    def turn(self, ids: Sequence[int], talk: str, tokens: int) -> Answer:
        """One reply alone."""
        start = time.perf_counter()
        stream = _Tokens(self._session, self._request(ids, talk, tokens))
        answer = timed(iter(stream), tokens, start)
        stream.finish()
        return {**answer, "reused_tokens": stream.reused_tokens}

    def together(self, prompts: Sequence[Sequence[int]], talk: str, tokens: int) -> Answer:
        """All prompts at once, each a conversation."""
        requests = [
            self._request(ids, f"{talk} {number}", tokens) for number, ids in enumerate(prompts)
        ]
        spoken = speak(self._session, requests)
        _check(spoken)
        return {
            "total_tokens_per_s": tokens_per_s(spoken),
            "longest_wait_steps": longest_wait_steps([one.token_times for one in spoken]),
            "last_first_ms": max(one.first_token_ms for one in spoken),
            "longest_gap_ms": max(one.longest_gap_ms for one in spoken),
            "reply_tokens": sum(len(one.token_times) for one in spoken),
        }

    def memory(self) -> Answer:
        """Weights as the model has them, the budget for conversations, and what is held of it."""
        info = self._session.info
        parameters = int(info.extra["parameters"].replace(",", ""))
        return {
            "weights_bytes": parameters * _DTYPE_BYTES[info.dtype],
            "budget_bytes": BUDGET_BYTES,
            "held_bytes": self._session.stats().get("cache_bytes", 0.0),
        }

    def _request(self, ids: Sequence[int], talk: str, tokens: int) -> GenerationRequest:
        self._num_requests += 1
        return GenerationRequest(
            request_id=f"peer {self._num_requests}",
            prompt_ids=tuple(ids),
            sampling=GREEDY,
            max_tokens=tokens,
            conversation=talk,
        )


class _Tokens:
    """The ids of one reply."""

    def __init__(self, session: ModelSession, request: GenerationRequest) -> None:
        self._events = session.stream(request)
        self.reused_tokens = 0

    def __iter__(self) -> Iterator[int]:
        for event in self._events:
            if isinstance(event, GenerationEnd):
                self.reused_tokens = event.usage.reused_tokens
                if event.reason == "failed":
                    raise PeerError(event.error)
            else:
                yield event.token_id

    def finish(self) -> None:
        """Take the final event, which tells what was reused."""
        for _ in self:
            continue


def _check(spoken: Sequence[Spoken]) -> None:
    for one in spoken:
        if one.problem:
            raise PeerError(one.problem)


if __name__ == "__main__":
    main()
