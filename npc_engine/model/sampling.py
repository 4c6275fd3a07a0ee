"""The next token from the model's scores.

Candidates are gathered before anything is normalised, so a vocabulary of 256,000 entries is never
sorted. Imports torch; knows no model.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from npc_engine.errors import GenerationError
from npc_engine.messages import Sampling

_DEFAULT_CANDIDATES = 64
_SEED_BITS = (1 << 63) - 1


def generator_for(seed: int) -> torch.Generator:
    """A source of random numbers of its own, on the CPU whatever the model runs on."""
    return torch.Generator().manual_seed(seed & _SEED_BITS)


@torch.inference_mode()
def sample(
    logits: Tensor, sampling: Sampling, recent: Sequence[int], generator: torch.Generator
) -> int:
    """Draw one token: penalty, then temperature, top-k, top-p and min-p, in that order.

    Top-p: Holtzman et al., https://arxiv.org/abs/1904.09751. Min-p: Nguyen et al.,
    https://arxiv.org/abs/2407.01082.

    Args:
        logits: (vocab,) float32; may be changed.
        sampling: `temperature=0` takes the best candidate and draws nothing.
        recent: Prompt and reply so far; only the end inside the penalty window is looked at.
        generator: Advanced by one number per draw.

    Raises:
        GenerationError: The scores are not numbers.
    """
    _penalise(logits, sampling, recent)
    size = 1 if sampling.temperature <= 0 else sampling.top_k or _DEFAULT_CANDIDATES
    top, ids = logits.topk(min(size, logits.shape[-1]))  # (k,), (k,), largest first
    top, ids = top.cpu(), ids.cpu()
    if not torch.isfinite(top[0]):
        raise GenerationError("the model's scores are not numbers; its weights may be damaged")
    if size == 1:
        return int(ids[0])
    probabilities = torch.softmax(top / sampling.temperature, dim=-1)
    before = probabilities.cumsum(dim=-1) - probabilities
    kept = (before < sampling.top_p) & (probabilities >= sampling.min_p * probabilities[0])
    kept[0] = True
    weights = (probabilities * kept).cumsum(dim=-1)
    point = torch.rand((), generator=generator) * weights[-1]
    index = int(torch.searchsorted(weights, point, right=True))
    last_kept = int(kept.nonzero()[-1])
    return int(ids[min(index, last_kept)])


def _penalise(logits: Tensor, sampling: Sampling, recent: Sequence[int]) -> None:
    """Make tokens of the penalty window less likely, in place."""
    window = sampling.repetition_window_tokens
    if sampling.repetition_penalty == 1 or window <= 0 or not recent:
        return
    ids = torch.tensor(sorted(set(recent[-window:])), device=logits.device)
    scores = logits[ids]
    penalty = sampling.repetition_penalty
    logits[ids] = torch.where(scores > 0, scores / penalty, scores * penalty)
