"""Which atom of one book goes with which of another: optimal assignment in neighbourhoods of time and scale.

The pairing is our own and follows no published method.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nodes.dictionaries.book import Book
from pipelines.value import Array

MOST = 400
"""Atoms of each book that are assigned at once."""

LEAST = 1e-6
"""Cycles per sample that count as the least, so that frequencies have logarithms."""

FORBIDDEN = 1e3
"""What a pair costs that is further apart than the reach, in squared reaches."""


class Distances(NamedTuple):
    """How far apart atoms are that are one unit apart, and how many units those of a pair may be.

    Parameters
    ----------
    time
        Seconds.
    frequency, scale
        Octaves.
    reach
        Units, of all three together.
    """

    time: float = 0.1
    frequency: float = 0.5
    scale: float = 1.0
    reach: float = 4.0

    def places(self, book: Book) -> Array:
        """Return atoms × 3, in units: where they are in time, frequency and scale."""
        octaves = np.log2(np.maximum(book.frequencies, LEAST)), np.log2(book.lengths)
        return np.stack([book.centres / self.time, octaves[0] / self.frequency, octaves[1] / self.scale], 1)


def pairs_of(first: Book, second: Book, distances: Distances) -> Array:
    """Return pairs × 2, int64: indices of atoms of the first and of the second book, no atom in two pairs.

    Atoms go together so that the sum of their squared distances is least. First this is sought among atoms of nearly
    one scale, to half an octave, then among all that are left. Time is cut in two as long as more than 400 atoms of a
    book lie in a part; where it is too short to be cut, the 400 strongest of each go together, then the next ones.
    """
    places, energies = [distances.places(book) for book in (first, second)], [first.energies, second.energies]
    found = [np.zeros((0, 2), np.int64)]
    left = [np.arange(first.count), np.arange(second.count)]
    scales = [np.rint(np.log2(book.lengths)).astype(np.int64) for book in (first, second)]
    for groups in (scales, [np.zeros_like(each) for each in scales]):
        for scale in np.intersect1d(groups[0][left[0]], groups[1][left[1]]):
            own = [each[group[each] == scale] for each, group in zip(left, groups, strict=True)]
            for part in _parts(own[0], own[1], places, energies):
                found.append(_assigned(part[0], part[1], places, distances.reach))
        paired = np.concatenate(found)
        left = [np.setdiff1d(each, paired[:, side]) for side, each in enumerate(left)]
    pairs = np.concatenate(found)
    return pairs[np.argsort(pairs[:, 0], kind="stable")]


def _parts(first: Array, second: Array, places: list[Array], energies: list[Array]) -> Iterator[tuple[Array, Array]]:
    """Yield atoms of both books that lie in one part of time, at most `MOST` of each."""
    waiting = [(first, second)]
    while waiting:
        part = waiting.pop()
        if min(map(len, part)) == 0:
            continue
        if max(map(len, part)) <= MOST:
            yield part
            continue
        times = [places[side][each, 0] for side, each in enumerate(part)]
        ends = [(float(each.min()), float(each.max())) for each in times]
        middle = float(np.median(np.concatenate(times)))
        before = [each < middle for each in times]
        wide = max(high for _, high in ends) - min(low for low, _ in ends) > 2
        if wide and any(each.any() for each in before):
            waiting += [(part[0][~before[0]], part[1][~before[1]]), (part[0][before[0]], part[1][before[1]])]
        else:
            yield from _by_strength(part, energies)


def _by_strength(part: tuple[Array, Array], energies: list[Array]) -> Iterator[tuple[Array, Array]]:
    ranked = [each[np.argsort(-energies[side][each], kind="stable")] for side, each in enumerate(part)]
    for at in range(0, min(map(len, ranked)), MOST):
        yield ranked[0][at : at + MOST], ranked[1][at : at + MOST]


def _assigned(first: Array, second: Array, places: list[Array], reach: float) -> Array:
    """Return the pairs within reach of the assignment that costs least."""
    from scipy.optimize import linear_sum_assignment

    apart = places[0][first][:, None] - places[1][second][None]
    cost = np.square(apart).sum(axis=2)
    near = cost <= reach**2
    rows, columns = linear_sum_assignment(np.where(near, cost, FORBIDDEN * reach**2))
    kept = near[rows, columns]
    return np.stack([first[rows[kept]], second[columns[kept]]], 1)
