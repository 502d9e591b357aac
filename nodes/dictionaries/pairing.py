"""Which atom of one book goes with which of another: optimal assignment among the nearest in time, frequency and scale.

The pairing is our own and follows no published method.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nodes.dictionaries.book import Book
from pipelines.value import Array

MOST = 30_000
"""Atoms of each book that are assigned at once."""

NEAREST = 8
"""Atoms of the other book that one may be paired with."""

LEAST = 1e-6
"""Cycles per sample that count as the least, so that frequencies have logarithms."""


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

    Atoms go together so that the sum of their squared distances is least, where the square of the reach counts for
    each that finds none; each may go with the 8 nearest of the other book and with those that it is among the 8
    nearest of. First this is sought among atoms of nearly one scale, to half an octave, then among all that are left.
    Time is cut in two where there are more than 30 000 atoms.
    """
    places = [distances.places(book) for book in (first, second)]
    found = [np.zeros((0, 2), np.int64)]
    left = [np.arange(first.count), np.arange(second.count)]
    scales = [np.rint(np.log2(book.lengths)).astype(np.int64) for book in (first, second)]
    for groups in (scales, [np.zeros_like(each) for each in scales]):
        for scale in np.intersect1d(groups[0][left[0]], groups[1][left[1]]):
            own = [each[group[each] == scale] for each, group in zip(left, groups, strict=True)]
            found += [_assigned(*part, places, distances.reach) for part in _parts(own[0], own[1], places)]
        paired = np.concatenate(found)
        left = [np.setdiff1d(each, paired[:, side]) for side, each in enumerate(left)]
    pairs = np.concatenate(found)
    return pairs[np.argsort(pairs[:, 0], kind="stable")]


def _parts(first: Array, second: Array, places: list[Array]) -> Iterator[tuple[Array, Array]]:
    """Yield atoms of both books that lie in one part of time, at most `MOST` of each."""
    if min(len(first), len(second)) == 0:
        return
    if max(len(first), len(second)) <= MOST:
        yield first, second
        return
    times = np.concatenate([places[0][first, 0], places[1][second, 0]])
    late = np.empty(len(times), bool)
    order = np.argsort(times, kind="stable")
    late[order] = np.arange(len(times)) >= len(times) // 2
    split = late[: len(first)], late[len(first) :]
    yield from _parts(first[~split[0]], second[~split[1]], places)
    yield from _parts(first[split[0]], second[split[1]], places)


def _assigned(first: Array, second: Array, places: list[Array], reach: float) -> Array:
    """Return the pairs of the assignment that costs least."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    rows, columns = _near(places[0][first], places[1][second], reach)
    costs = np.square(places[0][first[rows]] - places[1][second[columns]]).sum(1)
    alone = np.arange(len(first))  # each atom has a partner of its own for where it finds none
    graph = coo_array(
        (
            1 + np.concatenate([costs, np.full(len(first), reach**2)]),  # 0 would be no edge
            (np.concatenate([rows, alone]), np.concatenate([columns, len(second) + alone])),
        ),
        shape=(len(first), len(second) + len(first)),
    )
    matched, partners = min_weight_full_bipartite_matching(graph.tocsr())
    kept = partners < len(second)
    return np.stack([first[matched[kept]], second[partners[kept]]], 1)


def _near(first: Array, second: Array, reach: float) -> tuple[Array, Array]:
    """Return rows and columns of points that are among the nearest of each other, either way, and within reach."""
    from scipy.spatial import cKDTree

    def edges(own: Array, other: Array) -> tuple[Array, Array]:
        found = cKDTree(other).query(own, range(1, min(NEAREST, len(other)) + 1), distance_upper_bound=reach)
        near, place = np.nonzero(np.isfinite(found[0]))
        return near, found[1][near, place]

    (rows, columns), (other_columns, other_rows) = edges(first, second), edges(second, first)
    numbers = np.concatenate([rows * len(second) + columns, other_rows * len(second) + other_columns])
    return np.divmod(np.unique(numbers), len(second))
