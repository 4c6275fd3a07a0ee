"""Bits of numbers inside compiled kernels: bfloat16, and an exponential that runs in vectors.

Imports numba and llvmlite.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, njit, types

OPTIONS: dict[str, Any] = {
    "nogil": True,
    "fastmath": True,
    "boundscheck": False,
    "error_model": "numpy",
    "cache": True,
}
"""How every kernel is compiled: off the interpreter's lock, kept on disk for the next start."""

_intrinsic: Any = extending.intrinsic
_Typed = tuple[Any, Callable[..., Any]]


@_intrinsic
def float_of_bits(_: Any, bits: Any) -> _Typed:  # noqa: ANN401 - types of numba
    """The float32 that has these 32 bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.uint32), generate


@_intrinsic
def bits_of_float(_: Any, value: Any) -> _Typed:  # noqa: ANN401 - types of numba
    """The 32 bits of a float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.uint32(types.float32), generate


@njit(inline="always", **OPTIONS)
def from_bfloat16(bits: np.uint16) -> np.float32:
    """A bfloat16, given as its 16 bits, in float32."""
    return float_of_bits(np.uint32(bits) << np.uint32(16))


@njit(inline="always", **OPTIONS)
def to_bfloat16(value: np.float32) -> np.uint16:
    """The bits of the nearest bfloat16; ties go to the even one."""
    bits = bits_of_float(value)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    return np.uint16((bits + np.uint32(0x7FFF) + odd) >> np.uint32(16))


@njit(inline="always", **OPTIONS)
def exponential(x: np.float32) -> np.float32:
    """Power of e, for x up to 88, with a relative error under 4e-6; 0 far below zero.

    Two to the whole part is written into the exponent's bits. The rest, in -0.5..0.5, goes through
    the Taylor series of two to the x.
    """
    power = max(x * np.float32(1.4426950408889634), np.float32(-126.0))
    whole = math.floor(power + np.float32(0.5))
    part = (power - np.float32(whole)) * np.float32(0.6931471805599453)
    series = np.float32(1 / 720) * part + np.float32(1 / 120)
    series = series * part + np.float32(1 / 24)
    series = series * part + np.float32(1 / 6)
    series = series * part + np.float32(0.5)
    series = series * part + np.float32(1.0)
    series = series * part + np.float32(1.0)
    return series * float_of_bits(np.uint32(np.int32(whole) + np.int32(127)) << np.uint32(23))
