"""What a first call after installation has to wait for, told to the composer."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.context import Context


def compile_first(context: Context, at_hand: Callable[[], bool], compile_all: Callable[[], None]) -> None:
    """Compile what is not at hand, and show that this is what takes so long."""
    if at_hand():
        return
    compiling = context.tally("compiling (once)")
    compiling(0, 1)
    compile_all()
    compiling(1, 1)
