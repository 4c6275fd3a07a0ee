"""What packed weights cost: perplexity and agreement with bfloat16 on a fixed text.

Passages of the shipped world and lore are read token by token, side by side, as replies are
written, so every product runs in the form that is measured. The text is what the model is asked to
speak about; nothing is drawn, so a run differs from another only by the form of the weights.
"""

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from rich.progress import Progress

from benchmarks.report import Figure, show, write_json
from npc_engine.model.catalogue import find_source
from npc_engine.model.fetching import ready_folder
from npc_engine.model.linear import Kernels
from npc_engine.model.loading import load_model, sample_ids
from npc_engine.model.opening import open_tokenizer
from npc_engine.model.runner import Packing, Runner
from npc_engine.model.scripted import EncodingTokenizer
from npc_engine.model.step import Segment
from npc_engine.model.weights_cache import WeightsCache

ROOT = Path(__file__).parent.parent
ROWS = 8
TOKENS = 512
QUICK_TOKENS = 96
WARM_UP = 16
"""Tokens at the beginning of a passage that are read but not counted."""

FORMS: dict[str, tuple[str, Kernels | None]] = {
    "float32": ("float32", None),
    "bfloat16": ("bfloat16", None),
    "bfloat16, own decoder": ("bfloat16", Kernels()),
    "int8": ("bfloat16", Kernels(int8_rows=ROWS)),
    "int4, int8 head": ("bfloat16", Kernels(int4_rows=ROWS)),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What one form made of the text."""

    mean_loss: float
    """Nats a token."""
    best: tuple[int, ...]
    """The likeliest next token at every place."""

    @property
    def perplexity(self) -> float:
        """Of the text under this form."""
        return math.exp(self.mean_loss)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all forms and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_TOKENS} tokens a passage")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    tokens = QUICK_TOKENS if options.quick else TOKENS
    tokenizer = open_tokenizer(options.model)
    passages = passages_of(tokenizer, tokens)
    folder = ready_folder(find_source(options.model), WeightsCache(), lambda step, share: None)
    readings: dict[str, Reading] = {}
    with Progress() as progress:
        for name, (dtype, kernels) in FORMS.items():
            task = progress.add_task(name, total=tokens - 1)
            model = load_model(folder, device="cpu", dtype=dtype, threads=options.threads)
            packing = None if kernels is None else Packing(kernels, sample_ids(tokenizer))
            runner = Runner(model, num_slots=ROWS, window_tokens=tokens, packing=packing)
            readings[name] = read(runner, passages, partial(progress.advance, task))
    figures = figures_of(readings)
    settings = {"model": options.model, "passages": ROWS, "tokens each": tokens}
    show(figures, settings)
    if options.json:
        write_json(options.json, figures, settings)


def passages_of(tokenizer: EncodingTokenizer, tokens: int) -> list[tuple[int, ...]]:
    """Equal pieces of the shipped texts, as many as there are rows."""
    files = sorted([*(ROOT / "worlds").rglob("*.md"), *(ROOT / "characters").glob("*.yaml"),
                    *(ROOT / "worlds").rglob("*.yaml")])  # fmt: skip
    ids = tokenizer.encode("\n\n".join(file.read_text(encoding="utf-8") for file in files))
    if len(ids) < ROWS * tokens:
        raise SystemExit(f"the shipped texts have {len(ids):,} tokens; needed {ROWS * tokens:,}")
    stride = len(ids) // ROWS
    return [ids[row * stride : row * stride + tokens] for row in range(ROWS)]


def read(runner: Runner, passages: Sequence[Sequence[int]], advance: Callable[[], None]) -> Reading:
    """Feed all passages a token at a time, side by side."""
    losses: list[float] = []
    best: list[int] = []
    for at in range(len(passages[0]) - 1):
        segments = [
            Segment(slot, (ids[at],), wants_scores=True)
            for slot, ids in zip(runner.pool.slots, passages, strict=True)
        ]
        for segment, scores in runner.run(segments):
            if at >= WARM_UP:
                following = passages[segment.slot.index][at + 1]
                losses.append(-float(torch.log_softmax(scores, -1)[following]))
                best.append(int(scores.argmax()))
        advance()
    return Reading(math.fsum(losses) / len(losses), tuple(best))


def figures_of(readings: dict[str, Reading]) -> list[Figure]:
    """Perplexity of every form, and how often its best token is that of bfloat16."""
    reference = readings["bfloat16"]
    figures: list[Figure] = []
    for name, reading in readings.items():
        same = sum(a == b for a, b in zip(reading.best, reference.best, strict=True))
        count = len(reading.best)
        figures += [
            Figure(f"perplexity, {name}", reading.perplexity, "", runs=count),
            Figure(f"same best token as bfloat16, {name}", same / count, "", runs=count),
        ]
    return figures


if __name__ == "__main__":
    main()
