"""`transformers.generate` as a peer: it reads every prompt from its beginning."""

import argparse
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from queue import SimpleQueue
from typing import Any

from benchmarks.peers.protocol import Answer, pin, serve, timed


def main(arguments: Sequence[str] | None = None) -> None:
    """Load the model and answer."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.generate")
    parser.add_argument("--folder", required=True, help="config.json and safetensors")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--static", action="store_true", help="static cache, compiled")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--core", type=int)
    options = parser.parse_args(arguments)
    pin(options.core)
    serve(lambda: Generate(options).questions)


class Generate:
    """Answers with `generate`; `static` lets transformers compile the model for it."""

    def __init__(self, options: argparse.Namespace) -> None:
        import torch
        from transformers import AutoModelForCausalLM

        torch.set_num_threads(options.threads)
        self._options = options
        model: Any = AutoModelForCausalLM.from_pretrained(
            options.folder,
            dtype=getattr(torch, options.dtype),
            local_files_only=True,
            attn_implementation="sdpa",
        )
        self._model = model.to(options.device).eval()
        self._cache = "static" if options.static else "dynamic"

    @property
    def questions(self) -> Mapping[str, Callable[..., Answer]]:
        """What can be asked."""
        return {"info": self.info, "read": self.read, "turn": self.turn}

    def info(self) -> Answer:
        """Precision, threads and kind of cache."""
        return {
            "dtype": self._options.dtype,
            "device": self._options.device,
            "threads": str(self._options.threads),
            "cache": self._cache,
        }

    def read(self, ids: Sequence[int], talk: str) -> Answer:
        """Nothing to do: nothing is kept between two calls."""
        return {}

    def turn(self, ids: Sequence[int], talk: str, tokens: int) -> Answer:
        """One reply to the whole prompt."""
        arrived: SimpleQueue[int | None] = SimpleQueue()
        start = time.perf_counter()
        writing = threading.Thread(target=self._write, args=(ids, tokens, arrived))
        writing.start()
        answer = timed(_until_none(arrived), tokens, start)
        writing.join()
        return {**answer, "reused_tokens": 0}

    def _write(self, ids: Sequence[int], tokens: int, arrived: "SimpleQueue[int | None]") -> None:
        import torch

        prompt = torch.tensor([list(ids)], device=self._model.device)
        try:
            self._model.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=tokens,
                do_sample=False,
                eos_token_id=None,
                pad_token_id=0,
                cache_implementation=self._cache,
                streamer=_Streamer(arrived),
            )
        finally:
            arrived.put(None)


class _Streamer:
    """Passes on every id of a reply; the first call of `generate` is the prompt."""

    def __init__(self, arrived: "SimpleQueue[int | None]") -> None:
        self._arrived = arrived
        self._has_prompt = False

    def put(self, value: Any) -> None:  # noqa: ANN401 - a tensor
        if self._has_prompt:
            self._arrived.put(int(value.reshape(-1)[-1]))
        self._has_prompt = True

    def end(self) -> None:
        """Nothing to do."""


def _until_none(arrived: "SimpleQueue[int | None]") -> Iterator[int]:
    while (token_id := arrived.get()) is not None:
        yield token_id


if __name__ == "__main__":
    main()
