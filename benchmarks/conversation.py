"""A scripted talk on the embedded model, and the same turns through plain `generate`.

Prints for each turn what was sent, what was reused, how soon the first word came, how fast the
rest, and whether turns were folded. The peer reads the same prompt ids from the beginning each
time, as `transformers.generate` does without a cache, greedily and for the same number of tokens.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import track

from benchmarks.report import Figure, show, write_json
from npc_engine.authoring.bench_prompts import player_lines
from npc_engine.engine import Engine, Npc
from npc_engine.events import FoldEnded
from npc_engine.model import open_session
from npc_engine.prompt.plan import Plan
from npc_engine.protocols import ModelSession

ROOT = Path(__file__).parent.parent
TURNS = 80
QUICK_TURNS = 8


@dataclass(frozen=True, slots=True)
class TurnRow:
    """One turn of ours beside the same turn of the peer."""

    turn: int
    prompt_tokens: int
    reused_tokens: int
    reply_tokens: int
    first_ms: float
    tokens_per_s: float
    fold: str
    """How the turns before this one were folded, if they just were."""
    peer_first_ms: float
    peer_tokens_per_s: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the talk and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.conversation")
    parser.add_argument("--quick", action="store_true", help="8 turns")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--npc", default="mira")
    parser.add_argument("--no-peer", action="store_true", help="leave out transformers.generate")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    turns = QUICK_TURNS if options.quick else options.turns
    session = open_session(options.model)
    peer = None if options.no_peer else Peer(session)
    rows = talk(session, options.npc, turns, peer)
    figures = summary(rows, window_tokens=4096)
    settings = {
        "model": session.info.name,
        "dtype": session.info.dtype,
        "device": session.info.device,
        "threads": session.info.extra.get("threads", ""),
        "turns": turns,
        "npc": options.npc,
    }
    show(figures, settings)
    if options.json:
        write_json(options.json, figures, settings, [row_data(row) for row in rows])


def talk(session: ModelSession, npc_id: str, turns: int, peer: "Peer | None") -> list[TurnRow]:
    """The talk itself; checks on every turn that the plan fits the window."""
    rows: list[TurnRow] = []
    world = ROOT / "worlds" / "oakhollow.yaml"
    with Engine.open(world, ROOT / "characters", None, session) as engine:
        folds: list[FoldEnded] = []
        engine.subscribe(
            lambda event: folds.append(event) if isinstance(event, FoldEnded) else None
        )
        npc = engine.new_chat(npc_id)
        source = player_lines()
        for turn in track(range(1, turns + 1), description="talking"):
            text = next(source)
            plan = npc.plan(text)  # waits for the fold that may follow the last reply
            engine.tick(budget_ms=None)
            fold = folds.pop().kind if folds else ""
            rows.append(one_turn(npc, turn, text, plan, fold, peer))
    return rows


def one_turn(npc: Npc, turn: int, text: str, plan: Plan, fold: str, peer: "Peer | None") -> TurnRow:
    """One turn of ours, then the same prompt through the peer."""
    if plan.total_tokens + plan.reply_tokens + plan.margin_tokens > plan.window_tokens:
        raise AssertionError(f"turn {turn}: the plan does not fit the window")
    line = npc.ask(text)
    plan = npc.talk.last_plan or plan  # a second try has a reminder in its prompt
    usage = line.usage
    if usage.prompt_tokens != plan.total_tokens:
        raise AssertionError(
            f"turn {turn}: sent {usage.prompt_tokens}, planned {plan.total_tokens}"
        )
    first_ms, speed = peer.run(plan.prompt_ids, usage.reply_tokens) if peer else (0.0, 0.0)
    row = TurnRow(
        turn,
        usage.prompt_tokens,
        usage.reused_tokens,
        usage.reply_tokens,
        usage.first_token_ms,
        usage.tokens_per_s,
        fold,
        first_ms,
        speed,
    )
    print(
        f"{turn:>4} prompt {row.prompt_tokens:>5} reused {row.reused_tokens:>5} "
        f"first {row.first_ms:>7.0f} ms {row.tokens_per_s:>6.1f} tok/s "
        f"| generate first {row.peer_first_ms:>7.0f} ms {row.peer_tokens_per_s:>6.1f} tok/s"
        f"{f' | folded ({fold})' if fold else ''}"
    )
    return row


class Peer:
    """Plain `transformers.generate` on the same weights, dtype and threads."""

    def __init__(self, session: ModelSession) -> None:
        """Load the weights of a local session a second time, unchanged."""
        import torch
        from transformers import AutoModelForCausalLM

        info = session.info
        dtype = getattr(torch, info.dtype)
        self._model: Any = AutoModelForCausalLM.from_pretrained(info.extra["folder"], dtype=dtype)
        self._model.eval()
        torch.set_num_threads(int(info.extra["threads"]))

    def run(self, prompt_ids: Sequence[int], tokens: int) -> tuple[float, float]:
        """Milliseconds to the first token, and tokens a second after it."""
        import torch

        watch = _Watch()
        ids = torch.tensor([list(prompt_ids)])
        self._model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=max(1, tokens),
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
            streamer=watch,
        )
        first = watch.token_times[0] - watch.start
        rest = watch.token_times[-1] - watch.token_times[0]
        speed = (len(watch.token_times) - 1) / rest if rest > 0 else 0.0
        return first * 1000, speed


class _Watch:
    """A streamer of `generate` that only notes when tokens came; the first call is the prompt."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.token_times: list[float] = []
        self._calls = 0

    def put(self, value: object) -> None:
        self._calls += 1
        if self._calls > 1:
            self.token_times.append(time.perf_counter())

    def end(self) -> None:
        """Nothing to do."""


def summary(rows: Sequence[TurnRow], window_tokens: int) -> list[Figure]:
    """The figures of the closing table; warm turns are those after the first."""
    warm = rows[1:] or rows
    late = warm[len(warm) // 2 :]
    median = statistics.median
    figures = [
        Figure("largest prompt", max(row.prompt_tokens for row in rows), "tokens",
               window_tokens - 256 - 80, at_most=True, runs=len(rows)),
        Figure("folds", sum(1 for row in rows if row.fold), "", 3 if len(rows) >= 80 else None),
        Figure("reused share of a warm prompt",
               median(row.reused_tokens / row.prompt_tokens for row in warm), "", 0.64,
               runs=len(warm)),
        Figure("first token, warm turn, median", median(row.first_ms for row in warm), "ms",
               runs=len(warm)),
        Figure("decode, median", median(row.tokens_per_s for row in warm), "tok/s", runs=len(warm)),
    ]  # fmt: skip
    if any(row.peer_first_ms for row in rows):
        speed = [r for r in warm if r.peer_tokens_per_s > 0 and r.tokens_per_s > 0]
        figures += [
            Figure("first token, generate, median", median(row.peer_first_ms for row in warm), "ms",
                   runs=len(warm)),
            Figure("first token, generate / ours, second half",
                   median(row.peer_first_ms / row.first_ms for row in late), "x", 5,
                   runs=len(late)),
            Figure("decode, ours / generate",
                   median(r.tokens_per_s / r.peer_tokens_per_s for r in speed), "x", 1,
                   runs=len(speed)),
        ]  # fmt: skip
    return figures


def row_data(row: TurnRow) -> dict[str, object]:
    """A row as JSON data."""
    return {name: getattr(row, name) for name in TurnRow.__slots__}


if __name__ == "__main__":
    main()
