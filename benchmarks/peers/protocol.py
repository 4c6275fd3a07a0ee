"""Questions to a peer and its answers: one JSON object a line, over the peer's stdin and stdout.

Standard library only: a peer may run in an interpreter that has nothing else of ours. Questions:

- `info`: what runs, as texts.
- `read`, `ids`, `talk`: read a beginning, so that the next turn of this talk is a warm one.
- `turn`, `ids`, `talk`, `tokens`: one reply; answers with `first_ms`, `tokens_per_s` of the tokens
  after the first, `reused_tokens` and `first_id`.
- `together`, `prompts`, `talk`, `tokens`: all at once; answers with `total_tokens_per_s`,
  `longest_wait_steps`, `longest_gap_ms` and `last_first_ms`.
- `memory`: `weights_bytes`, `budget_bytes` and `held_bytes`.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Answer = Mapping[str, Any]
_LAST_CHARS = 2000
_CLOSE_S = 10.0


class PeerError(Exception):
    """A peer is not installed, has ended, or cannot answer."""


def serve(open_peer: Callable[[], Mapping[str, Callable[..., Answer]]]) -> None:
    """A peer's main: open it, then answer until stdin ends.

    Args:
        open_peer: Opens the peer; gives a function for each question it can answer.
    """
    # Libraries print to stdout; what they say must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(answer: Answer) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        questions = open_peer()
    except Exception as error:  # noqa: BLE001 - whatever keeps it from opening is the answer
        say({"error": f"{type(error).__name__}: {error}"})
        return
    say({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        answer = questions.get(request.pop("do"))
        if answer is None:
            say({"error": "this peer does not know that question"})
            continue
        try:
            say(answer(**request))
        except Exception as error:  # noqa: BLE001 - the other peers go on without this one
            say({"error": f"{type(error).__name__}: {error}"})


def pin(core: int | None) -> None:
    """Keep this process, and what it starts from now on, on one core, where the system can."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def timed(tokens: Iterator[int], count: int, start: float) -> dict[str, Any]:
    """Take so many tokens from an iterator: time of the first, speed of the others."""
    first_id, times = -1, []
    for _ in range(count):
        token_id = next(tokens, None)
        if token_id is None:
            break
        times.append(time.perf_counter())
        first_id = token_id if len(times) == 1 else first_id
    if not times:
        raise PeerError("no token came")
    rest = times[-1] - times[0]
    return {
        "first_ms": (times[0] - start) * 1000,
        "tokens_per_s": (len(times) - 1) / rest if rest > 0 else 0.0,
        "reply_tokens": len(times),
        "first_id": first_id,
    }


class PeerProcess:
    """A peer that was started; close it, also after an error."""

    def __init__(self, name: str, command: Sequence[str], *, threads: int = 1) -> None:
        """Start the process; `wait_until_open` comes before the first question.

        Args:
            name: What it is called in the tables.
            command: What to run; it answers by this protocol.
            threads: For the libraries that read OMP_NUM_THREADS when they are loaded.

        Raises:
            PeerError: It cannot be started.
        """
        self.name = name
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                encoding="utf-8",
                env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            )
        except OSError as error:
            self._errors.close()
            raise PeerError(f"{name}: cannot be started: {error}") from error

    @property
    def process_id(self) -> int:
        """For its memory."""
        return self._process.pid

    def wait_until_open(self) -> None:
        """Wait for the peer's own start.

        Raises:
            PeerError: It cannot be opened.
        """
        self._answer()

    def ask(self, do: str, **request: object) -> dict[str, Any]:
        """Put a question and wait for the answer.

        Raises:
            PeerError: It cannot answer, or has ended.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise self._ended() from error
        return self._answer()

    def close(self) -> None:
        """Let it end, or end it; may be called twice."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue
        try:
            self._process.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._ended()
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerError(f"{self.name}: {answer['error']}")
        return answer

    def _ended(self) -> PeerError:
        """The process is gone: with which code, and what it said last."""
        code = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode("utf-8", "replace").strip()[-_LAST_CHARS:]
        return PeerError(f"{self.name}: ended with code {code}: {said or 'it said nothing'}")
