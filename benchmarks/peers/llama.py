"""llama.cpp as a peer, through llama-cpp-python, with its own prompt cache.

Imports nothing of the engine, so that it can run in another interpreter (`--llama-python`).
"""

import argparse
import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.peers.protocol import Answer, pin, serve, timed

WINDOW_TOKENS = 4096


def main(arguments: Sequence[str] | None = None) -> None:
    """Load the model and answer."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.llama")
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--core", type=int)
    options = parser.parse_args(arguments)
    pin(options.core)
    serve(lambda: Llama(options.gguf, options.threads).questions)


class Llama:
    """Answers with `Llama.generate`, which keeps the longest beginning it has read before."""

    def __init__(self, gguf: str, threads: int) -> None:
        self._package: Any = importlib.import_module("llama_cpp")
        self._threads = threads
        self._model = self._package.Llama(
            gguf,
            n_ctx=WINDOW_TOKENS,
            n_threads=threads,
            n_threads_batch=threads,
            verbose=False,
        )

    @property
    def questions(self) -> Mapping[str, Callable[..., Answer]]:
        """What can be asked."""
        return {"info": self.info, "read": self.read, "turn": self.turn}

    def info(self) -> Answer:
        """Version and threads."""
        return {
            "version": self._package.__version__,
            "threads": str(self._threads),
            "build": self._package.llama_print_system_info().decode("utf-8", "replace"),
        }

    def read(self, ids: Sequence[int], talk: str) -> Answer:
        """Read a beginning; there is one talk at a time."""
        self.turn(ids, talk, 1)
        return {}

    def turn(self, ids: Sequence[int], talk: str, tokens: int) -> Answer:
        """One reply; ids go in as they are, so that no begin token is put before them."""
        held = self._model.input_ids[: self._model.n_tokens].tolist()
        reused = min(_common_prefix(held, ids), len(ids) - 1)
        start = time.perf_counter()
        stream = self._model.generate(ids, temp=0.0, top_k=1, repeat_penalty=1.0)
        answer = timed(stream, tokens, start)
        stream.close()
        return {**answer, "reused_tokens": reused}


def _common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    pairs = zip(first, second, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))


if __name__ == "__main__":
    main()
