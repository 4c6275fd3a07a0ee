"""The next token of every conversation in a pass, from the model's scores.

Candidates are gathered before anything is normalised, so a vocabulary of 256,000 entries is never
sorted. Every draw depends on its own request alone. Imports torch; knows no model.
"""

import hashlib
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from npc_engine.messages import Sampling

_DEFAULT_CANDIDATES = 64


@dataclass(frozen=True, slots=True)
class Draw:
    """One token to be drawn."""

    sampling: Sampling
    """`temperature=0` takes the best candidate and draws nothing."""
    recent: Sequence[int]
    """Prompt and reply so far; only the end inside the penalty window is looked at."""
    seed: int
    position: int
    """How many tokens of the reply there are; with the seed it decides the random number."""


def chance(seed: int, position: int) -> float:
    """A number in 0..1 that depends on its arguments alone, whoever else is served."""
    digest = hashlib.blake2b(f"{seed}:{position}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


@torch.inference_mode()
def sample(scores: Tensor, draws: Sequence[Draw]) -> list[int | None]:
    """Draw one token for each row: penalty, then temperature, top-k, top-p and min-p.

    Top-p: Holtzman et al., https://arxiv.org/abs/1904.09751. Min-p: Nguyen et al.,
    https://arxiv.org/abs/2407.01082.

    Args:
        scores: (rows, vocab) float32; may be changed.
        draws: One for each row.

    Returns:
        A token for each row; None where the scores are not numbers.
    """
    _penalise(scores, draws)
    sizes = [_num_candidates(draw.sampling) for draw in draws]
    top, ids = _candidates(scores, max(sizes))  # (rows, k), largest first
    # One list, so that a GPU is waited for once; ids are exact in 64 bits.
    best, best_ids = torch.stack((top.double(), ids.double())).tolist()
    chosen: list[int | None] = []
    for size, draw, values, tokens in zip(sizes, draws, best, best_ids, strict=True):
        if not math.isfinite(values[0]):
            chosen.append(None)
        elif size == 1:
            chosen.append(int(tokens[0]))
        else:
            chosen.append(int(tokens[_pick(values[:size], draw)]))
    return chosen


def _candidates(scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The best scores of each row and their ids, equal ones by id.

    Always so many that the limit of one row does not change the order of equal scores in another.
    """
    top, ids = scores.topk(min(max(count, _DEFAULT_CANDIDATES), scores.shape[-1]))
    ids, by_id = ids.sort()
    top, by_score = top.gather(-1, by_id).sort(descending=True, stable=True)
    return top, ids.gather(-1, by_score)


def _num_candidates(sampling: Sampling) -> int:
    return 1 if sampling.temperature <= 0 else sampling.top_k or _DEFAULT_CANDIDATES


def _pick(values: Sequence[float], draw: Draw) -> int:
    """Which candidate is drawn; `values` are the scores, largest first."""
    sampling = draw.sampling
    weights = [math.exp((value - values[0]) / sampling.temperature) for value in values]
    total = math.fsum(weights)
    kept: list[float] = []
    before = 0.0
    for weight in weights:
        share = weight / total
        if kept and (before >= sampling.top_p or share < sampling.min_p * weights[0] / total):
            break
        kept.append(weight)
        before += share
    sums = list(accumulate(kept))
    return min(bisect_right(sums, chance(draw.seed, draw.position) * sums[-1]), len(kept) - 1)


def _penalise(scores: Tensor, draws: Sequence[Draw]) -> None:
    """Make tokens of each row's penalty window less likely, in place; all rows at once."""
    rows: list[int] = []
    ids: list[int] = []
    penalties: list[float] = []
    for row, draw in enumerate(draws):
        penalty, window = draw.sampling.repetition_penalty, draw.sampling.repetition_window_tokens
        if penalty == 1 or window <= 0:
            continue
        found = sorted(set(draw.recent[-window:]))
        rows += [row] * len(found)
        ids += found
        penalties += [penalty] * len(found)
    if not ids:
        return
    places = tuple(torch.tensor((rows, ids), device=scores.device))
    factors = torch.tensor(penalties, dtype=scores.dtype, device=scores.device)
    held = scores[places]
    scores[places] = torch.where(held > 0, held / factors, held * factors)
