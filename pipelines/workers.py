"""Independent parts of one node's work, side by side in threads."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_inside = threading.local()
_limit = [0]


def set_workers(count: int) -> None:
    """Set how many parts run at once; 0 for as many as the process may use cores."""
    _limit[0] = count


def workers() -> int:
    """Return how many parts run at once: 1 inside of a part."""
    return 1 if getattr(_inside, "part", False) else _limit[0] or _cores()


def spread(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Apply `function` to every item and return the results in order; their number of threads changes no result.

    Numerical libraries release the interpreter while they work, so that threads suffice. A part that spreads its own
    work does it one after the other. The first error is raised once all parts have ended.
    """
    each = list(items)
    count = min(workers(), len(each))
    if count <= 1:
        return [function(item) for item in each]
    torch = sys.modules.get("torch")
    pool = _pool(count, torch.get_num_threads() if torch else 1)
    parts = [pool.submit(_part, function, item) for item in each]
    wait(parts)
    return [part.result() for part in parts]


def _part(function: Callable[[Item], Result], item: Item) -> Result:
    _inside.part = True
    return function(item)


@cache
def _pool(count: int, threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, "part", initializer=_hold_threads, initargs=(threads,))


def _hold_threads(threads: int) -> None:
    """Give a new thread as many threads of its own in PyTorch as the main one has: libraries count them apart."""
    torch = sys.modules.get("torch")
    if torch:
        torch.set_num_threads(threads)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
