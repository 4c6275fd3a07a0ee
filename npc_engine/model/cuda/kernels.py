"""Which kernels a device gets: Triton on an NVIDIA GPU that has it, plain torch elsewhere."""

import importlib.util
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Protocol

import torch
from torch import Tensor

from npc_engine.model.cuda.packing import PackedWeights
from npc_engine.model.cuda.tiles import Tiles


class Kernels(Protocol):
    """The operations of the decoder that torch has no single kernel for; see `plain_kernels`."""

    recordable: bool
    """Whether they can be recorded in a graph: fixed shapes, no question to the device."""

    def attend(
        self,
        query: Tensor,
        keys: Tensor,
        values: Tensor,
        tiles: Tiles,
        scale: float,
        out: Tensor,
    ) -> None:
        """Attention of the positions in `tiles`, written to `out`."""
        ...

    def turn_and_write(
        self,
        mixed: Tensor,
        turns: Tensor,
        keys: Tensor,
        values: Tensor,
        slots: Tensor,
        positions: Tensor,
    ) -> Tensor:
        """Rotate queries and keys, put keys and values into their rows, give the queries."""
        ...

    def squared(self, x: Tensor) -> Tensor:
        """The square of what is above zero."""
        ...

    def gated(self, x: Tensor) -> Tensor:
        """SwiGLU."""
        ...

    def product(self, x: Tensor, weights: PackedWeights, total: Tensor | None = None) -> Tensor:
        """A product with packed weights, for few rows."""
        ...

    def plain_product(self, x: Tensor, weight: Tensor, total: Tensor | None = None) -> Tensor:
        """A product with weights as they are, for few rows."""
        ...


def kernels_for(device: torch.device) -> Kernels:
    """The quickest kernels that work there."""
    if device.type == "cuda" and _has_triton():
        from npc_engine.model.cuda import triton_kernels

        return triton_kernels
    from npc_engine.model.cuda import plain_kernels

    return plain_kernels


def on(device: torch.device) -> AbstractContextManager[object]:
    """Triton starts programs on the current GPU, which every thread has to be told."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


@cache
def _has_triton() -> bool:
    return importlib.util.find_spec("triton") is not None
