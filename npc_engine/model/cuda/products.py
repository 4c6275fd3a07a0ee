"""Matrix products on a GPU, with weights as they are or packed. Imports torch."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import linear

from npc_engine.model.cuda.kernels import Kernels
from npc_engine.model.cuda.packing import (
    SMALLEST_GROUP,
    PackedWeights,
    pack_int4,
    pack_int8,
    sliced,
    unpacked_product,
)
from npc_engine.model.weight_forms import Form

_FEW_ROWS = 32
"""Rows up to which packed weights are multiplied as they lie; for more they are unpacked first."""
_PIECE = 1 << 15
"""Outputs unpacked at once."""


class Product(Protocol):
    """`x @ weight.T` for x of (rows, in), contiguous, in the type of the weights."""

    def __call__(self, x: Tensor) -> Tensor:
        """The product, (rows, out)."""
        ...

    def add_to(self, total: Tensor, x: Tensor) -> None:
        """Add the product to `total`, (rows, out), in place."""
        ...

    @property
    def num_bytes(self) -> int:
        """Memory of the weights."""
        ...


class PlainProduct:
    """Weights as they are."""

    def __init__(self, weight: Tensor) -> None:
        """Take weights, (out, in)."""
        self.weight = weight
        self._own: dict[int, Callable[..., Tensor]] = {}

    def use(self, rows: frozenset[int], kernel: Callable[..., Tensor]) -> None:
        """From now on multiply exactly these numbers of rows by this kernel."""
        self._own = dict.fromkeys(rows, kernel)

    def __call__(self, x: Tensor) -> Tensor:
        """The product, (rows, out)."""
        kernel = self._own.get(x.shape[0])
        return linear(x, self.weight) if kernel is None else kernel(x, self.weight)

    def add_to(self, total: Tensor, x: Tensor) -> None:
        """Add the product to `total` in place; the sum is rounded once."""
        kernel = self._own.get(x.shape[0])
        if kernel is None:
            total.addmm_(x, self.weight.T)
        else:
            kernel(x, self.weight, total)

    @property
    def num_bytes(self) -> int:
        """Memory of the weights."""
        return self.weight.numel() * self.weight.element_size()


class PackedProduct:
    """Weights in one byte or half a byte."""

    def __init__(self, weights: PackedWeights, kernels: Kernels) -> None:
        """Take packed weights and the kernels of their device."""
        self.weights = weights
        self._kernels = kernels

    def __call__(self, x: Tensor) -> Tensor:
        """The product, (rows, out)."""
        if x.shape[0] <= _FEW_ROWS and self._kernels.recordable:
            return self._kernels.product(x, self.weights)
        outs = self.weights.shape[0]
        pieces = [
            unpacked_product(x, sliced(self.weights, at, min(outs, at + _PIECE)))
            for at in range(0, outs, _PIECE)
        ]
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim=1)

    def add_to(self, total: Tensor, x: Tensor) -> None:
        """Add the product to `total` in place."""
        if x.shape[0] <= _FEW_ROWS and self._kernels.recordable:
            self._kernels.product(x, self.weights, total)
        else:
            total.add_(self(x))

    @property
    def num_bytes(self) -> int:
        """Memory of the weights and their scales."""
        return self.weights.num_bytes


def product_of(weight: Tensor, form: Form, kernels: Kernels, device: torch.device) -> Product:
    """A product with these weights in a form, on a device; only one matrix is there unpacked.

    Weights whose inputs fill no group of half bytes get a byte each.
    """
    moved = weight.to(device)
    if form == "plain":
        return PlainProduct(moved)
    fills_groups = weight.shape[1] % SMALLEST_GROUP == 0
    pack = pack_int4 if form == "int4" and fills_groups else pack_int8
    return PackedProduct(pack(moved), kernels)
