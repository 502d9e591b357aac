"""Drawing from a pool: which segment, and which iterate at weights that drift."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nodes.takes.pool import Pool
from nodes.takes.slots import Slot, line_up
from pipelines.quantities import Envelope
from pipelines.value import Array

Order = Literal["random", "shuffled", "in_order"]
NARROWEST = 1e-6
"""Spread below which only the nearest iterate is drawn."""


def weights(count: int, centre: float, spread: float) -> Array:
    """Return the probability of each of `count` iterates: a normal curve, exp(-((x - c) / σ)² / 2), to sum 1.

    Parameters
    ----------
    count
        Number of iterates; they lie evenly from 0, the first, to 1, the last.
    centre
        c, 0 … 1.
    spread
        σ, as a fraction of the whole row of iterates; 0 leaves the nearest one only (two at the middle between
        them).
    """
    distance = np.linspace(0.0, 1.0, count) - centre
    exponent = np.square(distance / max(spread, NARROWEST)) / 2
    likely = np.exp(exponent.min() - exponent)
    return np.asarray(likely / likely.sum())


def segment_order(order: Order, count: int, generator: np.random.Generator) -> Iterator[int]:
    """Yield segments without end: each drawn from all, each once before any comes again, or one after another."""
    while True:
        if order == "random":
            yield int(generator.integers(count))
        elif order == "shuffled":
            yield from (int(segment) for segment in generator.permutation(count))
        else:
            yield from range(count)


def drawn_iterate(count: int, time: float, centre: Envelope, spread: Envelope, generator: np.random.Generator) -> int:
    """Return an iterate, from 0, drawn with the weights at a time in seconds.

    One uniform number is used for each, through the inverse of the cumulated weights: another centre moves the
    same draws to later or earlier iterates.
    """
    cumulated = np.cumsum(weights(count, float(centre.at(time)), float(spread.at(time))))
    return min(int(np.searchsorted(cumulated, generator.random(), side="right")), count - 1)


def streams(seed: int, channel: int) -> tuple[np.random.Generator, np.random.Generator]:
    """Return the generators for the segments and the iterates of a channel, unrelated to all others."""
    first, second = (np.random.SeedSequence(seed, spawn_key=(channel, part)) for part in range(2))
    return np.random.default_rng(first), np.random.default_rng(second)


@dataclass(frozen=True)
class Drift:
    """How a piece draws: centre and spread of the iterates over seconds, and the order of segments."""

    centre: Envelope
    spread: Envelope
    order: Order


def drawn_slots(
    pool: Pool, chosen: Sequence[int], channel: int, length: int, crossfade: int, drift: Drift, seed: int
) -> list[Slot]:
    """Return the slots of one channel, drawn from the `chosen` iterates of a pool; lengths are in samples."""
    for_segments, for_iterates = streams(seed, channel)
    segments = segment_order(drift.order, pool.segments, for_segments)
    found = []
    for start, segment in line_up(segments, pool.lengths, length, crossfade):
        time = start / pool.sample_rate
        drawn = drawn_iterate(len(chosen), time, drift.centre, drift.spread, for_iterates)
        found.append(Slot(channel, start, segment, chosen[drawn]))
    return found
