"""Blocks of 16 bins at once: what numba does not vectorise by itself, as LLVM's vectors.

Coefficients lie frame by frame, in a frame block by block, in a block channel by channel, there 16 real parts and then
16 imaginary ones. Places are not checked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16
"""Bins of a block."""

STRIDE = 2 * LANES
"""Numbers of a channel in a block."""

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_FAST = ("fast",)
_inlined = cast(Callable[[Any], Callable[..., Any]], intrinsic)


@_inlined
def update_block(
    typing: Any, block: Any, at: Any, real: Any, imaginary: Any, row: Any, turned: Any, channels: Any
) -> Any:
    """Subtract weight × kernel from a block in all channels; return the greatest Σ |c|² over channels of its bins.

    `block` are all coefficients and `at` where this one begins, `real`, `imaginary` and `row` the same of the kernel;
    `turned` holds the real parts of the weights of all channels, then the imaginary ones.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block, at, real, imaginary, row, turned, channels = arguments
        start = _data(context, builder, signature.args[0], block, at)
        kernel_real = _load(builder, _data(context, builder, signature.args[2], real, row))
        kernel_imaginary = _load(builder, _data(context, builder, signature.args[3], imaginary, row))
        sums = _sums(builder)
        with cgutils.for_range(builder, channels) as loop:
            real_at = builder.gep(start, [builder.mul(loop.index, _whole(STRIDE))])
            imaginary_at = builder.gep(real_at, [_whole(LANES)])
            weight_at = _data(context, builder, signature.args[5], turned, loop.index)
            b = _spread(builder, builder.load(weight_at))
            d = _spread(builder, builder.load(builder.gep(weight_at, [channels])))
            x, y = _load(builder, real_at), _load(builder, imaginary_at)
            x = _add(builder, _less(builder, x, b, kernel_real), _times(builder, d, kernel_imaginary))
            y = _less(builder, _less(builder, y, b, kernel_imaginary), d, kernel_real)
            _store(builder, x, real_at)
            _store(builder, y, imaginary_at)
            _sum_energy(builder, sums, x, y)
        return _greatest(builder, builder.load(sums))

    return types.float32(block, types.intp, real, imaginary, types.intp, turned, types.intp), generate


@_inlined
def loudest_of(typing: Any, block: Any, at: Any, channels: Any) -> Any:
    """Return the greatest Σ |c|² over channels of the bins of a block."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start = _data(context, builder, signature.args[0], arguments[0], arguments[1])
        sums = _sums(builder)
        with cgutils.for_range(builder, arguments[2]) as loop:
            real_at = builder.gep(start, [builder.mul(loop.index, _whole(STRIDE))])
            imaginary_at = builder.gep(real_at, [_whole(LANES)])
            _sum_energy(builder, sums, _load(builder, real_at), _load(builder, imaginary_at))
        return _greatest(builder, builder.load(sums))

    return types.float32(block, types.intp, types.intp), generate


@_inlined
def loudest_at_edge(typing: Any, block: Any, at: Any, channels: Any, factors: Any, row: Any) -> Any:
    """Return the greatest Σ (p x² + q y² + s x y) over channels of the bins of a block, c = x + iy.

    `factors` holds p of all bins, then q, then s, each a third; `row` is the place of p.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start = _data(context, builder, signature.args[0], arguments[0], arguments[1])
        kind = signature.args[3]
        third = builder.sdiv(context.make_array(kind)(context, builder, arguments[3]).nitems, _whole(3))
        at_p = _data(context, builder, kind, arguments[3], arguments[4])
        at_q = builder.gep(at_p, [third])
        p, q, s = (_load(builder, each) for each in (at_p, at_q, builder.gep(at_q, [third])))
        sums = _sums(builder)
        with cgutils.for_range(builder, arguments[2]) as loop:
            real_at = builder.gep(start, [builder.mul(loop.index, _whole(STRIDE))])
            x, y = _load(builder, real_at), _load(builder, builder.gep(real_at, [_whole(LANES)]))
            squares = _add(
                builder, _times(builder, p, _times(builder, x, x)), _times(builder, q, _times(builder, y, y))
            )
            mixed = _add(builder, squares, _times(builder, s, _times(builder, x, y)))
            builder.store(_add(builder, builder.load(sums), mixed), sums)
        return _greatest(builder, builder.load(sums))

    return types.float32(block, types.intp, types.intp, factors, types.intp), generate


@_inlined
def greatest_of(typing: Any, values: Any, at: Any) -> Any:
    """Return the greatest of 16 values."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start = _data(context, builder, signature.args[0], arguments[0], arguments[1])
        return _greatest(builder, _load(builder, start))

    return types.float32(values, types.intp), generate


@_inlined
def separate(typing: Any, turns: Any, place: Any, block: Any, at: Any) -> Any:
    """Write 16 complex numbers, of which real and imaginary parts lie by turns, as a block of one channel."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start = _data(context, builder, signature.args[0], *arguments[:2])
        target = _data(context, builder, signature.args[2], *arguments[2:])
        pair = _load(builder, start), _load(builder, builder.gep(start, [_whole(LANES)]))
        for part in range(2):
            lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), list(range(part, 2 * LANES, 2)))
            _store(builder, builder.shuffle_vector(*pair, lanes), builder.gep(target, [_whole(part * LANES)]))
        return context.get_dummy_value()

    return types.void(turns, types.intp, block, types.intp), generate


@_inlined
def fetch(typing: Any, block: Any, at: Any, channels: Any) -> Any:
    """Have a block of all channels brought into the processor's cache; it may lie outside of the array."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start = _data(context, builder, signature.args[0], *arguments[:2])
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")  # type: ignore[no-untyped-call]
        how = [ir.Constant(word, each) for each in (1, 3, 1)]  # to write, to keep, data
        with cgutils.for_range(builder, builder.mul(arguments[2], _whole(2))) as loop:
            place = builder.gep(start, [builder.mul(loop.index, _whole(LANES))])
            builder.call(prefetch, [builder.bitcast(place, byte), *how])
        return context.get_dummy_value()

    return types.void(block, types.intp, types.intp), generate


def _whole(number: int) -> Any:
    return ir.Constant(ir.IntType(64), number)


def _data(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    return builder.gep(context.make_array(kind)(context, builder, array).data, [at])


def _load(builder: Any, at: Any) -> Any:
    found = builder.load(builder.bitcast(at, _VECTOR.as_pointer()))
    found.align = 4
    return found


def _store(builder: Any, vector: Any, at: Any) -> None:
    builder.store(vector, builder.bitcast(at, _VECTOR.as_pointer())).align = 4


def _spread(builder: Any, number: Any) -> Any:
    """Return a vector of one number."""
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    one = builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def _times(builder: Any, first: Any, second: Any) -> Any:
    return builder.fmul(first, second, flags=_FAST)


def _add(builder: Any, first: Any, second: Any) -> Any:
    return builder.fadd(first, second, flags=_FAST)


def _less(builder: Any, value: Any, first: Any, second: Any) -> Any:
    return builder.fsub(value, _times(builder, first, second), flags=_FAST)


def _sums(builder: Any) -> Any:
    """Return room for the energies of 16 bins, which are 0."""
    room = cgutils.alloca_once(builder, _VECTOR)  # type: ignore[no-untyped-call]
    builder.store(ir.Constant(_VECTOR, [0.0] * LANES), room)
    return room


def _sum_energy(builder: Any, sums: Any, real: Any, imaginary: Any) -> None:
    energy = _add(builder, _times(builder, real, real), _times(builder, imaginary, imaginary))
    builder.store(_add(builder, builder.load(sums), energy), sums)


def _greatest(builder: Any, vector: Any) -> Any:
    name = f"llvm.vector.reduce.fmax.v{LANES}f32"
    reduce = builder.module.globals.get(name)
    if reduce is None:
        reduce = ir.Function(builder.module, ir.FunctionType(ir.FloatType(), [_VECTOR]), name)
    return builder.call(reduce, [vector], fastmath=("nnan", "nsz", "ninf"))
