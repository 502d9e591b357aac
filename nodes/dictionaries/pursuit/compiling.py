"""Compiled functions: kept on disk by numba, and whether they are at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {
    "nogil": True,
    "fastmath": True,
    "error_model": "numpy",
    "_nrt": False,
    "no_cfunc_wrapper": True,
}
"""Without `_nrt` no references are counted, which took half of the time; so nothing may be made while they run."""

INLINED: dict[str, Any] = {**OPTIONS, "forceinline": True, "no_cpython_wrapper": True}
"""Only compiled functions call these: to make them ready for others took a third of the time to compile."""


def compiled(function: Function) -> Function:
    """Compile a function when it is first called, keep that on disk, and let other threads run while it does.

    Called from Python it must be of the same types each time: `at_hand` asks whether it was compiled, not for which.
    What is older than any source in this folder and its own is not used: numba itself compares each function with its
    own file only, not with those whose code it has taken in.
    """
    found = numba.njit(cache=True, **OPTIONS)(function)
    folders = {Path(__file__).parent, Path(function.__code__.co_filename).parent}
    newest = max(path.stat().st_mtime for folder in folders for path in folder.glob("*.py"))
    for path in _kept(found):
        if path.stat().st_mtime < newest:
            path.unlink(missing_ok=True)
    return cast(Function, found)


def inlined(function: Function) -> Function:
    """Let compiled functions take in a function wherever they call it, so that no arguments are passed."""
    found = numba.njit(**INLINED)(function)
    return cast(Function, found)


def at_hand(functions: Iterable[Callable[..., Any]]) -> bool:
    """Return whether functions need not be compiled."""
    return all(cast(Any, function).signatures or _kept(function) for function in functions)


def _kept(function: Any) -> list[Path]:
    """Return the files in which numba tells what it has kept of a function."""
    code = function.py_func.__code__
    name = f"{Path(code.co_filename).stem}.{code.co_qualname}-*.nbi"
    return list(Path(function.stats.cache_path).glob(name))
