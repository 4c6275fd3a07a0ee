"""The session beside `transformers.generate` and llama.cpp, in one run, taking turns.

Every side has a process of its own, the same threads and the same token ids; replies are greedy and
none ends early. What is compared is the ratio of two sides in the same round.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.peers.opening import PEERS, core_arguments, open_peers
from benchmarks.peers.protocol import PeerError, PeerProcess
from benchmarks.report import show, write_json
from benchmarks.session_figures import Measured, session_figures
from benchmarks.side_by_side import Series, Values, alternate
from npc_engine.authoring.bench_memory import resident_bytes
from npc_engine.authoring.bench_prompts import BenchStage
from npc_engine.model import open_tokenizer

ROOT = Path(__file__).parent.parent
NEW_TOKENS = 40
"""What a warm turn adds."""
TOGETHER = 8
_COLD_S = 120.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    talk_tokens: int = 3500
    short_tokens: int = 700
    together_tokens: tuple[int, ...] = (300, 700, 1500)
    reply_tokens: int = 33
    cold_tokens: int = 728
    rounds: int = 5
    warmups: int = 2


QUICK = Sizes(
    talk_tokens=1000,
    short_tokens=400,
    together_tokens=(300,),
    reply_tokens=13,
    rounds=1,
    warmups=0,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.session")
    parser.add_argument("--quick", action="store_true", help="small, one round, no targets")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--peers", default=",".join(PEERS), help="besides ours; none: empty")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pin", action="store_true", help="everything on one core")
    parser.add_argument("--strict", action="store_true", help="measure noisy rounds again")
    parser.add_argument("--llama-python", default=sys.executable)
    parser.add_argument("--llama-gguf", type=Path, help="by default the embedded model's")
    options = parser.parse_args(arguments)
    sizes = QUICK if options.quick else Sizes()
    load_before = load_average()
    try:
        with contextlib.ExitStack() as stack:
            opened = open_peers(options, stack)
            stage = BenchStage.shipped(open_tokenizer(options.model))
            measured = Run(options, sizes, opened.peers, stage, Console(stderr=True)).all()
    except PeerError as error:
        raise SystemExit(str(error)) from error
    figures = session_figures(measured, has_targets=not options.quick)
    settings = {
        "model": options.model,
        "threads": options.threads,
        "pinned": options.pin,
        "rounds": options.rounds or sizes.rounds,
        "warmups": sizes.warmups,
        "load before": load_before,
        "load after": load_average(),
        **opened.settings(),
        **measured.problems(),
    }
    show(figures, settings)
    if options.json:
        write_json(options.json, figures, settings, measured.rows())


def load_average() -> str:
    """Of the last minute; how busy the machine was with other things."""
    return f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"


class Run:
    """One run over all sides; a side that fails leaves the series, and the others go on."""

    def __init__(
        self,
        options: argparse.Namespace,
        sizes: Sizes,
        peers: Mapping[str, PeerProcess],
        stage: BenchStage,
        console: Console,
    ) -> None:
        self._options = options
        self._sizes = sizes
        self._peers = peers
        self._console = console
        self._stage = stage
        self._rounds = options.rounds or sizes.rounds

    def all(self) -> Measured:
        """Every series, one after the other."""
        sizes = self._sizes
        warm = self.turns(f"warm turn at {sizes.talk_tokens:,}", sizes.talk_tokens, self._peers)
        singles = [name for name in self._peers if name != "worker"]
        short = self.turns(f"turn at {sizes.short_tokens:,}", sizes.short_tokens, singles)
        together = [self.together(tokens) for tokens in sizes.together_tokens]
        memory = {
            **self._peers["ours"].ask("memory"),
            "resident_bytes": resident_bytes(self._peers["ours"].process_id) or 0,
        }
        cold = self.cold()
        return Measured(warm, short, together, cold, memory, sizes.talk_tokens, sizes.short_tokens)

    def turns(self, name: str, tokens: int, sides: Iterable[str]) -> Series:
        """Warm turns of one talk; each side gets the same ids in the same round."""
        prompts = self._prompts(0, tokens)
        talk = f"talk of {tokens}"
        beginning = prompts[-1][:-NEW_TOKENS]

        def turn(side: str, number: int) -> Values:
            if number == 0:
                self._peers[side].ask("read", ids=beginning, talk=talk)
            return self._turn(side, prompts, talk, number)

        runs = {side: partial(turn, side) for side in sides}
        return self._alternate(name, runs)

    def together(self, tokens: int) -> Series:
        """Eight talks at once of ours, beside one of llama.cpp at the same length."""
        talks = [self._prompts(number, tokens) for number in range(TOGETHER)]
        key = f"together {tokens}"
        ours = self._peers["ours"]
        reads = [prompts[-1][:-NEW_TOKENS] for prompts in talks]
        ours.ask("together", prompts=reads, talk=key, tokens=1)

        def eight(number: int) -> Values:
            prompts = [talk[number] for talk in talks]
            return _numbers(
                ours.ask("together", prompts=prompts, talk=key, tokens=self._sizes.reply_tokens)
            )

        runs: dict[str, Callable[[int], Values]] = {"ours": eight}
        if "llama" in self._peers:
            runs["llama"] = partial(self._turn, "llama", talks[0], key)
        return self._alternate(f"eight at once at {tokens:,}", runs)

    def cold(self) -> Series:
        """A fresh process to its first token, in the process and through the worker."""
        with tempfile.TemporaryDirectory() as folder:
            ids = Path(folder) / "ids.json"
            ids.write_text(
                json.dumps(self._stage.talk_prompt(0, self._sizes.cold_tokens)), encoding="utf-8"
            )
            runs: dict[str, Callable[[int], Values]] = {
                kind: partial(self._cold_start, kind, ids) for kind in ("local", "worker")
            }
            return self._alternate("cold process to first token", runs)

    # -- one side, once -----------------------------------------------------------------------

    def _turn(self, side: str, prompts: Sequence[Sequence[int]], talk: str, number: int) -> Values:
        ids = prompts[number]
        tokens = self._sizes.reply_tokens
        return _numbers(self._peers[side].ask("turn", ids=ids, talk=talk, tokens=tokens))

    def _cold_start(self, kind: str, ids: Path, number: int) -> Values:
        started = time.time()
        command = [sys.executable, "-m", "benchmarks.peers.cold", "--process", kind]
        command += ["--ids", str(ids), "--model", self._options.model]
        command += ["--threads", str(self._options.threads), "--started-at", str(started)]
        try:
            done = subprocess.run(
                [*command, *core_arguments(self._options)],
                capture_output=True,
                text=True,
                encoding="utf-8",
                timeout=_COLD_S,
                check=True,
            )
        except subprocess.SubprocessError as error:
            said = getattr(error, "stderr", "") or ""
            raise PeerError(f"cold start: {error}: {said[-500:]}") from error
        steps = json.loads(done.stdout.splitlines()[-1])
        return {"first_s": steps[-1][1], **{f"until {name}": at for name, at in steps[:-1]}}

    # -- rounds -------------------------------------------------------------------------------

    def _prompts(self, number: int, tokens: int) -> list[tuple[int, ...]]:
        """Enough turns of one talk for all rounds, and one more to read its beginning from."""
        extra = 2 * self._rounds if self._options.strict else 0
        count = self._sizes.warmups + self._rounds + extra + 1
        return self._stage.warm_turns(number, tokens, NEW_TOKENS, count)

    def _alternate(self, name: str, runs: Mapping[str, Callable[[int], Values]]) -> Series:
        return alternate(
            name,
            runs,
            rounds=self._rounds,
            warmups=self._sizes.warmups,
            strict=self._options.strict,
            failures=PeerError,
            on_round=lambda step: self._console.print(step, style="dim"),
        )


def _numbers(answer: Mapping[str, Any]) -> Values:
    return {key: float(value) for key, value in answer.items()}


if __name__ == "__main__":
    main()
