"""Whose turn it is: a stretch is swept as soon as its neighbours have got far enough, and none waits for all others.

Stretches lie one after another in time. Those of odd places go first in each sweep, and those of even places, which
overlap both neighbours, after them. So what a stretch finds depends on its neighbours alone, and not on who sweeps it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nodes.dictionaries.pursuit.atomics import load, store, swap
from nodes.dictionaries.pursuit.compiling import inlined
from pipelines.value import Array
from pipelines.workers import spread

AHEAD = 4
"""Sweeps that may be under way at once; what they find is kept until they are complete."""

PAUSE = 5e-5
"""Seconds after which a thread for which there is no stretch asks again."""


class Schedule(NamedTuple):
    """How far stretches have got; threads read and write it at the same time.

    Parameters
    ----------
    begun, done
        Sweeps of each stretch that have begun, and that are done.
    limits
        Sweeps that may begin, 0 for an end at once; complete sweeps of which a thread was told.
    """

    begun: Array
    done: Array
    limits: Array


def schedule_of(stretches: int) -> Schedule:
    """Return a schedule by which nothing may begin."""
    return Schedule(np.zeros(stretches, np.int64), np.zeros(stretches, np.int64), np.zeros(2, np.int64))


@inlined
def begin(schedule: Schedule) -> Any:
    """Begin with the stretch that is furthest behind of those that may be swept, and return it.

    Return -1 - n instead where n sweeps are complete and no thread was told, and -1 where there is no stretch now.
    """
    begun, done, limits = schedule
    while True:
        best, chosen = load(limits, 0), -1
        complete = best
        for stretch in range(len(done)):
            sweep = load(done, stretch)
            complete = min(complete, sweep)
            if sweep < best and load(begun, stretch) == sweep and _free(done, stretch, sweep + 1 - stretch % 2):
                best, chosen = sweep, stretch
        told = load(limits, 1)
        if complete > told and swap(limits, 1, told, complete):
            return -1 - complete
        if chosen < 0 or swap(begun, chosen, best, best + 1):
            return chosen


@inlined
def _free(done: Array, stretch: int, sweeps: int) -> Any:
    """Return whether both neighbours of a stretch are done with so many sweeps."""
    before = stretch == 0 or load(done, stretch - 1) >= sweeps
    return before and (stretch + 1 == len(done) or load(done, stretch + 1) >= sweeps)


@inlined
def wanted(schedule: Schedule, sweep: int) -> Any:
    """Return whether a sweep is still wanted."""
    return load(schedule.limits, 0) > sweep


@inlined
def end(schedule: Schedule, stretch: int) -> None:
    """End what was begun with a stretch: others see all that was written before."""
    store(schedule.done, stretch, schedule.done[stretch] + 1)


def run(
    schedule: Schedule, work: Callable[[int], int], complete: Callable[[int], bool], threads: int, sweeps: int
) -> None:
    """Have threads sweep until it is enough.

    Parameters
    ----------
    work
        Sweeps for a thread until there is no stretch for it, and returns 0, or until sweeps are complete of which no
        thread was told, and returns how many are.
    complete
        Told of each complete sweep, in order; returns whether it is enough: what later ones find is not asked for.
    sweeps
        How many there are at most.
    """
    schedule.begun[:], schedule.done[:], schedule.limits[:] = 0, 0, (min(AHEAD, sweeps), 0)
    lock, told, over = threading.Lock(), 0, False

    def tell(count: int) -> None:
        nonlocal told
        with lock:
            while told < count and schedule.limits[0]:
                enough = True  # also where an error ends it
                try:
                    enough = complete(told)
                finally:
                    told += 1
                    schedule.limits[0] = 0 if enough or told == sweeps else min(told + AHEAD, sweeps)
                    if over:  # meanwhile another thread has ended all
                        schedule.limits[0] = 0

    def stop() -> None:
        nonlocal over
        over = True
        schedule.limits[0] = 0

    def swept(thread: int) -> None:
        try:
            while schedule.limits[0]:
                count = work(thread)
                if count:
                    tell(count)
                elif schedule.limits[0]:
                    time.sleep(PAUSE)
        finally:
            stop()

    try:
        spread(swept, range(min(threads, -(-len(schedule.done) // 2))))  # neighbours are never swept at once
    finally:
        stop()  # threads end within an atom where this one is interrupted
