"""Weights in one byte or half a byte each, in a layout that is quick to read on a GPU.

Imports torch.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import linear

SMALLEST_GROUP = 32
_GROUPS = (128, 64, SMALLEST_GROUP)
_TINY = 1e-30


@dataclass(frozen=True, slots=True)
class PackedWeights:
    """Weights (out, in) as codes; a weight is `code * scale + low`."""

    codes: Tensor
    """(out, in) int8; or (out, in / 2) uint8, where the low half of byte j of a group holds weight
    j of the group, and the high half weight j + group / 2."""
    scales: Tensor
    """(out,) float32; or (out, groups) bfloat16."""
    lows: Tensor | None
    """(out, groups) bfloat16 for half bytes; None for bytes, where it is zero."""

    @property
    def shape(self) -> tuple[int, int]:
        """(out, in)."""
        out_features, width = self.codes.shape
        return out_features, width if self.lows is None else 2 * width

    @property
    def group(self) -> int:
        """Weights that share a scale."""
        return self.shape[1] if self.lows is None else self.shape[1] // self.scales.shape[1]

    @property
    def num_bytes(self) -> int:
        """Memory of everything."""
        parts = [self.codes, self.scales, *([] if self.lows is None else [self.lows])]
        return sum(part.numel() * part.element_size() for part in parts)


def pack_int8(weight: Tensor) -> PackedWeights:
    """Round to 255 steps between minus and plus the largest weight of an output."""
    values = weight.float()
    scales = values.abs().amax(1).clamp_min(_TINY) / 127
    codes = (values / scales[:, None]).round_().to(torch.int8)
    return PackedWeights(codes, scales, None)


def pack_int4(weight: Tensor) -> PackedWeights:
    """Round to 16 steps between the smallest and largest weight of a group.

    Groups are of 128 weights, or of 64 or 32 where the number of inputs wants it.

    Raises:
        ValueError: The number of inputs is not a multiple of 32.
    """
    outs, ins = weight.shape
    group = next((size for size in _GROUPS if ins % size == 0), 0)
    if not group:
        raise ValueError(f"found {ins} inputs; expected a multiple of {SMALLEST_GROUP}; use int8")
    values = weight.float().view(outs, ins // group, group)
    low, high = values.amin(-1), values.amax(-1)
    scales = ((high - low) / 15).clamp_min(_TINY).to(torch.bfloat16)
    lows = low.to(torch.bfloat16)
    steps = (values - lows.float()[..., None]) / scales.float()[..., None]
    codes = steps.round_().clamp_(0, 15).to(torch.uint8)
    first, second = codes.chunk(2, dim=-1)
    return PackedWeights((first | second << 4).view(outs, ins // 2), scales, lows)


def unpack(weights: PackedWeights, dtype: torch.dtype) -> Tensor:
    """The weights as numbers again, (out, in); each is rounded once."""
    if weights.lows is None:
        return (weights.codes * weights.scales[:, None]).to(dtype)
    outs, ins = weights.shape
    halves = weights.codes.view(outs, -1, weights.group // 2)
    codes = torch.cat((halves & 15, halves >> 4), dim=-1).to(dtype)
    scales, lows = weights.scales[..., None].to(dtype), weights.lows[..., None].to(dtype)
    return torch.addcmul(lows, codes, scales).view(outs, ins)


def unpacked_product(x: Tensor, weights: PackedWeights) -> Tensor:
    """`x @ weights.T` for many rows: the codes are exact in x's type, and scales come last."""
    if weights.lows is None:
        return linear(x, weights.codes.to(x.dtype)).mul_(weights.scales)
    return linear(x, unpack(weights, x.dtype))


def sliced(weights: PackedWeights, start: int, end: int) -> PackedWeights:
    """Some of the outputs; nothing is copied."""
    lows = None if weights.lows is None else weights.lows[start:end]
    return PackedWeights(weights.codes[start:end], weights.scales[start:end], lows)
