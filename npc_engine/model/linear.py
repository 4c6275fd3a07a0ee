"""Matrix products with weights kept in several forms, the quickest one chosen by number of rows.

Measured on one core of an AMD EPYC with AVX512-VNNI, the products of all layers of SmolLM2-135M,
milliseconds for 1, 8, 16, 64 rows: bfloat16 15, 17, 20, 43; int8 5, 7, 11, 31; int4 4, 11, 22.
Imports torch.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from npc_engine.model.weight_forms import Form

_GROUP = 32
"""Weights that share an int4 scale; the group of the Q4 formats, so that these are kept exactly."""
MAX_INT8_ROWS = 64
"""Rows up to which int8 buffers are kept ready; more rows are cut into pieces."""
_SINK_ROWS = 8
"""Positions at the beginning of a text that `watch` leaves out."""
_TINY = 1e-30
_PIECE = 1 << 16
"""Weights rounded at once, so that what lies between stays in the processor's cache."""
_SMOOTHING = 0.7
"""Share of the rounding moved to the weights.

Perplexity of SmolLM2-135M on 632 tokens of our texts, all products in int8, smoothed behind the
norms alone: 51.9 without, 50.1 at 0.3, 49.2 at 0.5, 48.9 at 0.7, 50.0 at 0.85; bfloat16 48.3.
"""


@dataclass(frozen=True, slots=True)
class Kernels:
    """Which forms of the weights are kept, and up to how many rows each is used.

    The smallest limit that holds wins; above all limits the weights are used as they are.
    """

    int4_rows: int = 0
    int8_rows: int = 0
    compiled: bool = False
    """Whether single tokens run in kernels compiled for this processor, where a model allows it."""


class Linear:
    """`x @ weight.T + bias`, for x of (rows, in) in any float type."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        """Start with the weights, (out, in), as they are.

        Args:
            weight: (out, in).
            bias: (out,), added in float32; packed forms are without it.
        """
        self._weight = weight
        self._bias = None if bias is None else bias.float()
        self._forms: list[tuple[int, Callable[[Tensor], Tensor]]] = []
        self._largest: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """The product, in float32 or the type of the weights; with a bias in float32."""
        product = self._product(x)
        return product if self._bias is None else product + self._bias

    def _product(self, x: Tensor) -> Tensor:
        for limit, form in self._forms:
            if x.shape[0] <= limit:
                return form(x)
        if self._largest is not None and x.shape[0] > _SINK_ROWS:
            # The first positions draw everyone's attention and get values out of all proportion.
            later = x[_SINK_ROWS:].abs().amax(0).float()
            self._largest = torch.maximum(self._largest, later)
        return linear(x.to(self._weight.dtype), self._weight)

    @property
    def int8(self) -> "Int8 | None":
        """The form of one byte, if it is kept."""
        return next((form for _, form in self._forms if isinstance(form, Int8)), None)

    def watch(self) -> None:
        """From now on note how large inputs get, for `pack`; the rows must be one text in order."""
        self._largest = torch.zeros(self._weight.shape[1], device=self._weight.device)

    def pack(self, kernels: Kernels) -> None:
        """Keep packed forms beside the weights; a form that the shape does not allow is left out.

        What `watch` noted is used to share out the rounding between inputs and weights.
        """
        out_features, in_features = self._weight.shape
        if kernels.int4_rows and in_features % _GROUP == 0 and out_features % 16 == 0:
            self._forms.append((kernels.int4_rows, Int4(self._weight)))
        if kernels.int8_rows:
            self._forms.append((kernels.int8_rows, Int8(self._weight, self._largest)))
        self._forms.sort(key=lambda form: form[0])
        self._largest = None


class Int8:
    """Weights of one byte with a scale per output; inputs in one byte with a scale per row.

    Sums are of whole numbers, so a row's result is the same bits whoever else is in the batch.
    """

    def __init__(self, weight: Tensor, largest_inputs: Tensor | None = None) -> None:
        """Round to the nearest of 255 steps between minus and plus the largest weight of a row.

        Args:
            weight: (out, in).
            largest_inputs: (in,) the size inputs reach. Inputs that get large are made smaller and
                their weights larger by the same factor before rounding, as in SmoothQuant
                (https://arxiv.org/abs/2211.10438, equation 4).
        """
        weight = weight.detach().cpu()
        self.smooth = torch.ones(weight.shape[1])
        if largest_inputs is not None and bool((largest_inputs > 0).any()):
            self.smooth = _smoothing(weight, largest_inputs.cpu())
        rounded = torch.empty(weight.shape, dtype=torch.int8)
        scales = torch.empty(weight.shape[0])
        round_to_bytes(weight, rounded, scales, self.smooth)
        zeros = torch.zeros(len(scales), dtype=torch.int64)
        with warnings.catch_warnings():
            # Announced to go in some later torch; `available` asks before this is used.
            warnings.filterwarnings("ignore", message="torch.quantize_per_tensor")
            quantised = torch._make_per_channel_quantized_tensor(rounded, scales, zeros, 0)
        self._packed: Any = torch.ops.quantized.linear_prepack(quantised, None)
        # The operator takes the range of its input from the whole batch. A first row of plus and
        # minus one, and all others scaled to at most one, make that range the same for every batch.
        self._rows = torch.zeros(MAX_INT8_ROWS + 1, weight.shape[1])
        self._rows[0, 0], self._rows[0, 1] = 1, -1

    def __call__(self, x: Tensor) -> Tensor:
        """(rows, out) float32."""
        if x.shape[0] > MAX_INT8_ROWS:
            return torch.cat([self(piece) for piece in torch.split(x, MAX_INT8_ROWS)])
        values = x * self.smooth
        largest = values.abs().amax(-1, keepdim=True).float().clamp_(min=_TINY)
        torch.div(values, largest, out=self.rows(x.shape[0]))
        return self.product(x.shape[0]).mul_(largest)

    def rows(self, count: int) -> Tensor:
        """(count, in) float32 to be filled with smoothed inputs of at most one, for `product`."""
        return self._rows[1 : count + 1]

    def product(self, count: int) -> Tensor:
        """(count, out) float32 of the rows that were filled."""
        whole: Tensor = torch.ops.quantized.linear_dynamic(
            self._rows[: count + 1], self._packed, False
        )
        return whole[1:]


def round_to_bytes(
    weight: Tensor, rounded: Tensor, scales: Tensor, divisors: Tensor | None = None
) -> None:
    """Round weights to 255 steps between minus and plus the largest of an output.

    Args:
        weight: (out, in).
        rounded: (out, in) int8, written.
        scales: (out,) float32, written: the size of a step.
        divisors: (in,) what weights are divided by before.
    """
    outs = (_pieces(rounded), torch.split(scales, _rows_of_a_piece(weight)))
    for some, rounded_out, scales_out in zip(_pieces(weight), *outs, strict=True):
        values = some.float() if divisors is None else some / divisors
        torch.amax(values.abs(), 1, out=scales_out)
        scales_out.clamp_min_(_TINY).div_(127)
        rounded_out.copy_((values / scales_out[:, None]).round_())


def _pieces(weight: Tensor) -> tuple[Tensor, ...]:
    return torch.split(weight, _rows_of_a_piece(weight))


def _rows_of_a_piece(weight: Tensor) -> int:
    return max(1, _PIECE // weight.shape[1])


def _smoothing(weight: Tensor, largest_inputs: Tensor) -> Tensor:
    """(in,): factors on the inputs, around one."""
    inputs = largest_inputs.clamp_min(1e-4)
    weights = torch.full_like(inputs, 1e-6)
    for some in _pieces(weight):
        torch.maximum(weights, some.abs().amax(0).float(), out=weights)
    factors = weights ** (1 - _SMOOTHING) / inputs**_SMOOTHING
    return factors / factors.mean()


class Int4:
    """Weights of four bits in groups of 32 with a scale and a zero point; inputs in bfloat16."""

    def __init__(self, weight: Tensor) -> None:
        """Round to 16 steps between the smallest and largest weight of each group.

        Weights that come from a Q4_1 file lie on these steps already.
        """
        values = weight.detach().float().cpu()
        groups = values.view(values.shape[0], -1, _GROUP)
        low, high = groups.amin(-1), groups.amax(-1)
        scales = ((high - low) / 15).clamp_min(_TINY)
        codes = ((groups - low[..., None]) / scales[..., None]).round_().clamp_(0, 15)
        codes = codes.view(values.shape).to(torch.int32)
        self._packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(codes, 1)
        # The operator computes (code - 8) * scale + zero.
        pairs = torch.stack((scales, low + 8 * scales), dim=-1)  # (out, groups, 2)
        self._scales = pairs.transpose(0, 1).to(torch.bfloat16).contiguous()

    def __call__(self, x: Tensor) -> Tensor:
        """(rows, out) bfloat16."""
        rows = x.to(torch.bfloat16).contiguous()
        product: Tensor = torch.ops.aten._weight_int4pack_mm_for_cpu(
            rows, self._packed, _GROUP, self._scales
        )
        return product


def available() -> frozenset[Form]:
    """The forms this torch and this processor have operators for.

    The int8 operator of torch adds products of two bytes in 16 bits where the processor has no
    VNNI, which overflows; there it is left out.
    """
    found: set[Form] = {"plain"}
    capabilities = torch.backends.cpu.get_cpu_capability()
    if hasattr(torch.ops.aten, "_weight_int4pack_mm_for_cpu") and capabilities.startswith("AVX"):
        found.add("int4")
    has_operator = hasattr(torch.ops.quantized, "linear_dynamic")
    if has_operator and "x86" in torch.backends.quantized.supported_engines and has_vnni():
        found.add("int8")
    return frozenset(found)


def has_vnni() -> bool:
    """Whether the processor multiplies bytes in hardware, as far as torch tells."""
    told = getattr(torch.cpu, "get_capabilities", None)
    if told is None:
        return bool(torch.cpu._is_vnni_supported())
    capabilities = told()
    return any(capabilities.get(name) for name in ("avx512_vnni", "avx_vnni", "vnni"))
