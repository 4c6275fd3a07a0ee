"""Sixty-four float32 side by side inside compiled kernels, in as many registers as it takes.

Written as vectors of LLVM, which splits them into what the processor has, so that sums stay in
registers over a whole loop. Places count elements as an array lies in memory. Imports numba and
llvmlite.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic, models, register_model

WIDTH = 64
LINE_BYTES = 64
"""What memory gives at once."""
AHEAD_BYTES = 4096
"""How far behind what is read to `fetch`: a page, where the processor's own guesses end.

Measured on one core of an AMD EPYC, attention of eight rows of 1,500 positions: 13.0 ms without,
12.8, 11.2 and 11.6 ms with 2,048, 4,096 and 8,192 bytes.
"""

Lanes = Any
"""Of type `lanes` inside kernels; nothing outside them can hold one."""

_intrinsic: Any = intrinsic
_models: Any = models
_Typed = tuple[Any, Callable[..., Any]]
_Combine = Callable[[Any, Any, Any], Any]
_BYTE = ir.IntType(8)
_INDEX = ir.IntType(32)
_FLOATS = ir.VectorType(ir.FloatType(), WIDTH)
_WORDS = ir.VectorType(ir.IntType(32), WIDTH)
_SHORTS = ir.VectorType(ir.IntType(16), WIDTH)
_BYTES = ir.VectorType(_BYTE, WIDTH)
_FUSED = ("contract",)
"""Products may be fused with sums; nothing else, so that the order of sums is always the same."""
_JOINED_LANES = 16
"""Of vectors that are combined with each other: a register of the widest processors."""


class _LanesType(types.Type):
    """The numba type."""


lanes = _LanesType(name="Lanes")


@register_model(_LanesType)
def _in_llvm(manager: Any, held: Any) -> Any:  # noqa: ANN401 - types of numba
    """How LLVM holds it."""
    return _models.PrimitiveModel(manager, held, _FLOATS)


@_intrinsic
def zeros(_: Any) -> _Typed:  # noqa: ANN401 - types of numba
    """Nothing but zeros."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        return ir.Constant(_FLOATS, [0.0] * WIDTH)

    return lanes(), generate


@_intrinsic
def load(_: Any, array: Any, place: Any) -> _Typed:  # noqa: ANN401 - types of numba
    """What lies at a place of an array of float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        return builder.load(_pointer(context, builder, signature, arguments, _FLOATS), align=4)

    return lanes(_checked(array), types.intp), generate


@_intrinsic
def store(_: Any, array: Any, place: Any, value: Any) -> _Typed:  # noqa: ANN401 - types of numba
    """Write to a place of an array of float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        pointer = _pointer(context, builder, signature, arguments, _FLOATS)
        builder.store(arguments[2], pointer, align=4)
        return context.get_dummy_value()

    return types.void(_checked(array), types.intp, lanes), generate


@_intrinsic
def load_bfloat16(_: Any, array: Any, place: Any) -> _Typed:  # noqa: ANN401 - types of numba
    """What lies at a place of an array of the bits of bfloat16, in float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        pointer = _pointer(context, builder, signature, arguments, _SHORTS)
        words = builder.zext(builder.load(pointer, align=2), _WORDS)
        return builder.bitcast(builder.shl(words, ir.Constant(_WORDS, [16] * WIDTH)), _FLOATS)

    return lanes(_checked(array), types.intp), generate


@_intrinsic
def load_bytes(_: Any, array: Any, place: Any) -> _Typed:  # noqa: ANN401 - types of numba
    """What lies at a place of an array of int8, in float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        pointer = _pointer(context, builder, signature, arguments, _BYTES)
        return builder.sitofp(builder.load(pointer, align=1), _FLOATS)

    return lanes(_checked(array), types.intp), generate


@_intrinsic
def fetch(_: Any, array: Any, place: Any) -> _Typed:  # noqa: ANN401 - types of numba
    """Ask for the memory at a place, which may lie outside, and do not wait for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        pointer = _pointer(context, builder, signature, arguments, _BYTE)
        shape = ir.FunctionType(ir.VoidType(), [pointer.type, _INDEX, _INDEX, _INDEX])
        ask = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], shape)
        to_read, soon, data = _INDEX(0), _INDEX(3), _INDEX(1)
        builder.call(ask, [pointer, to_read, soon, data])
        return context.get_dummy_value()

    return types.void(_checked(array), types.intp), generate


@_intrinsic
def product(_: Any, first: Any, second: Any) -> _Typed:  # noqa: ANN401 - types of numba
    """Lane by lane."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        return builder.fmul(*arguments, flags=_FUSED)

    return lanes(lanes, lanes), generate


@_intrinsic
def add_product(_: Any, held: Any, first: Any, second: Any) -> _Typed:  # noqa: ANN401 - types of numba
    """`held + first * second`, lane by lane."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        more = builder.fmul(arguments[1], arguments[2], flags=_FUSED)
        return builder.fadd(arguments[0], more, flags=_FUSED)

    return lanes(lanes, lanes, lanes), generate


@_intrinsic
def add_scaled(_: Any, held: Any, added: Any, factor: Any) -> _Typed:  # noqa: ANN401 - types of numba
    """`held + added * factor`, for one factor of all lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        one = builder.insert_element(ir.Constant(_FLOATS, ir.Undefined), arguments[2], _INDEX(0))
        everywhere = _picked(builder, one, one, [0] * WIDTH)
        scaled = builder.fmul(arguments[1], everywhere, flags=_FUSED)
        return builder.fadd(arguments[0], scaled, flags=_FUSED)

    return lanes(lanes, lanes, types.float32), generate


@_intrinsic
def larger(_: Any, first: Any, second: Any) -> _Typed:  # noqa: ANN401 - types of numba
    """The larger one, lane by lane."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        return _larger(builder, *arguments)

    return lanes(lanes, lanes), generate


@_intrinsic
def largest_of(_: Any, value: Any) -> _Typed:  # noqa: ANN401 - types of numba
    """The largest lane."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        return builder.extract_element(_gathered(builder, arguments, _larger), _INDEX(0))

    return types.float32(lanes), generate


@_intrinsic
def total_of(_: Any, value: Any) -> _Typed:  # noqa: ANN401 - types of numba
    """The sum of all lanes; the same bits as from `add_totals`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        return builder.extract_element(_gathered(builder, arguments, _sum), _INDEX(0))

    return types.float32(lanes), generate


@_intrinsic
def add_totals(
    _: Any,  # noqa: ANN401 - types of numba
    array: Any,  # noqa: ANN401
    place: Any,  # noqa: ANN401
    first: Any,  # noqa: ANN401
    second: Any,  # noqa: ANN401
    third: Any,  # noqa: ANN401
    fourth: Any,  # noqa: ANN401
) -> _Typed:
    """Add the sums of the lanes of four to four neighbours in an array of float32.

    Four summed up together take half of the operations of four times one.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        totals = _gathered(builder, arguments[2:], _sum)
        pointer = _pointer(context, builder, signature, arguments, totals.type)
        builder.store(_sum(builder, builder.load(pointer, align=4), totals), pointer, align=4)
        return context.get_dummy_value()

    return types.void(_checked(array), types.intp, lanes, lanes, lanes, lanes), generate


def _gathered(builder: Any, values: Sequence[Any], combine: _Combine) -> Any:  # noqa: ANN401
    """All lanes of each value combined into one; a vector with a lane for each value."""
    parts, groups = list(values), 1  # how many values lie in each part
    while parts[0].type.count > _JOINED_LANES:
        parts = [_halved(builder, [part], groups, combine) for part in parts]
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2], strict=True)
        parts = [_halved(builder, pair, groups, combine) for pair in pairs]
        groups *= 2
    whole = parts[0]
    count = whole.type.count
    size = half = count // groups
    while half > 1:  # lanes stay where they are: moving fewer of them costs more
        half //= 2
        whole = combine(builder, whole, _picked(builder, whole, whole, _swapped(count, half)))
    return _picked(builder, whole, whole, range(0, count, size))


def _halved(builder: Any, parts: Sequence[Any], groups: int, combine: _Combine) -> Any:  # noqa: ANN401
    """One or two vectors joined, the lower half of each group of lanes combined with the upper."""
    size = parts[0].type.count // groups
    half = size // 2
    lower = [group * size + lane for group in range(groups * len(parts)) for lane in range(half)]
    upper = [lane + half for lane in lower]
    first, second = parts[0], parts[-1]
    return combine(
        builder, _picked(builder, first, second, lower), _picked(builder, first, second, upper)
    )


def _swapped(count: int, half: int) -> list[int]:
    """The lower and the upper half of each group of lanes in each other's place."""
    return [lane ^ half for lane in range(count)]


def _picked(builder: Any, first: Any, second: Any, lanes_of_both: Sequence[int]) -> Any:  # noqa: ANN401
    order = ir.Constant(ir.VectorType(_INDEX, len(lanes_of_both)), list(lanes_of_both))
    return builder.shuffle_vector(first, second, order)


def _sum(builder: Any, first: Any, second: Any) -> Any:  # noqa: ANN401 - types of llvmlite
    return builder.fadd(first, second, flags=_FUSED)


def _larger(builder: Any, first: Any, second: Any) -> Any:  # noqa: ANN401 - types of llvmlite
    return builder.select(builder.fcmp_ordered(">", first, second), first, second)


def _pointer(
    context: Any,  # noqa: ANN401 - types of numba
    builder: Any,  # noqa: ANN401
    signature: Any,  # noqa: ANN401
    arguments: Any,  # noqa: ANN401
    pointed: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """To a place, the second argument, of the array that is the first."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.bitcast(builder.gep(array.data, [arguments[1]]), pointed.as_pointer())


def _checked(array: Any) -> Any:  # noqa: ANN401 - types of numba
    """An array type without gaps, as places need it."""
    if not isinstance(array, types.Array) or array.layout != "C":
        raise TypingError(f"found {array}; places are those of an array without gaps")
    return array
