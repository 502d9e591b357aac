"""Whole numbers that several threads read and write at the same time, in compiled loops.

Who reads a number sees all that was written before it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from numba import types
from numba.extending import intrinsic

_inlined = cast(Callable[[Any], Callable[..., Any]], intrinsic)
_BYTES = 8


@_inlined
def load(typing: Any, values: Any, at: Any) -> Any:
    """Return a number of an array, int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_place(context, builder, signature, arguments), "acquire", _BYTES)

    return types.int64(values, types.intp), generate


@_inlined
def store(typing: Any, values: Any, at: Any, number: Any) -> Any:
    """Write a number into an array, int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store_atomic(arguments[2], _place(context, builder, signature, arguments), "release", _BYTES)
        return context.get_dummy_value()

    return types.void(values, types.intp, types.int64), generate


@_inlined
def swap(typing: Any, values: Any, at: Any, old: Any, new: Any) -> Any:
    """Write a new number into an array, int64, if the old one is there; return whether it was."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature, arguments)
        return builder.extract_value(builder.cmpxchg(place, *arguments[2:], "acq_rel", "acquire"), 1)

    return types.boolean(values, types.intp, types.int64, types.int64), generate


def _place(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return builder.gep(context.make_array(signature.args[0])(context, builder, arguments[0]).data, [arguments[1]])
