"""Correlations that some sounds can have: entries of a Hermitian matrix without a negative eigenvalue.

A front end knows the correlations of some pairs of bands only. They are possible where the others can be chosen so that
the whole matrix is positive semidefinite (Grone, Johnson, Sá and Wolkowicz, Linear Algebra Appl. 1984). Such a matrix
is found by alternating projections, as Higham's nearest correlation matrix (IMA J. Numer. Anal. 2002) where only the
known entries count.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nodes.textures.domains import MOST_CORRELATION
from nodes.values.regions import Axes
from pipelines.value import Array

ROUNDS = 300
"""Number of projections at most."""

TOLERANCE = 2e-3
"""Change of a correlation that does not count: measured ones are as uncertain."""


class Pairs(NamedTuple):
    """Correlations of one matrix.

    Parameters
    ----------
    paths
        Their paths in the class.
    first, second
        Row and column of each: two bands, counted from 0 in order of frequency, or two channels.
    bands
        Number of rows.
    """

    paths: Array
    first: Array
    second: Array
    bands: int


def matrices_of(axes: Axes) -> list[Pairs]:
    """Return the matrices whose entries are the paths of a class: one for each rate, of lag 0; none without pairs."""
    if not {"frequency", "other"} <= axes.keys() <= {"frequency", "other", "rate", "lag"}:
        return []
    still = np.zeros(len(axes["frequency"]))
    rates, at_once = axes.get("rate", still), axes.get("lag", still) == 0
    groups = [np.flatnonzero((rates == rate) & at_once) for rate in np.unique(rates)]
    return [pairs for group in groups if (pairs := _pairs(axes, group)) is not None]


def _pairs(axes: Axes, paths: Array) -> Pairs | None:
    ends = np.stack([axes["frequency"][paths], axes["other"][paths]])
    if not np.isfinite(ends).all():
        return None
    places, which = np.unique(ends, return_inverse=True)
    first, second = which.reshape(ends.shape)
    if (first == second).any() or len({*zip(first, second, strict=True)}) < len(first):
        return None
    return Pairs(paths, first, second, len(places))


def cycle_of(channels: int) -> Pairs:
    """Return the pairs of each channel with the one before, the first with the last; of two channels there is one."""
    own = np.arange(1 if channels == 2 else 0, channels)
    return Pairs(own, own, (own - 1) % channels, channels)


def nearest_possible(values: Array, pairs: Pairs) -> Array:
    """Return the nearest correlations that are possible together.

    Parameters
    ----------
    values
        matrices × pairs: correlations of the pairs, in the order of `pairs.paths`; real, or complex coherences.
    pairs
        Where they stand.

    Returns
    -------
    The same shape, float64 or complex128. Those that are possible, within the tolerance, stay exactly as they are.
    """
    given = np.asarray(values, np.complex128 if np.iscomplexobj(values) else np.float64)
    found, left = given.copy(), np.arange(len(given))
    matrices = _completed(given, pairs)
    for _ in range(ROUNDS):
        matrices = _semidefinite(_imposed(matrices, given[left], pairs))
        roots = np.sqrt(np.maximum(np.diagonal(matrices, axis1=1, axis2=2).real, 1e-12))
        unit = matrices / (roots[:, :, None] * roots[:, None, :])
        now = unit[:, pairs.first, pairs.second]
        found[left] = now
        wrong = np.abs(now - given[left]).max(axis=1, initial=0.0) > TOLERANCE
        matrices, left = matrices[wrong], left[wrong]
        if not len(left):
            break
    possible = np.abs(found - given).max(axis=1, initial=0.0) <= TOLERANCE
    found /= np.maximum(np.abs(found) / MOST_CORRELATION, 1.0)
    return np.where(possible[:, None], given, found)


def _completed(given: Array, pairs: Pairs) -> Array:
    """Return matrices whose unknown entries have the mean of the known ones at their distance, or between those."""
    distances = np.abs(pairs.first - pairs.second)
    known = np.unique(distances)
    means = np.stack([given[:, distances == distance].mean(-1) for distance in known], -1)
    grid = np.abs(np.subtract.outer(np.arange(pairs.bands), np.arange(pairs.bands)))
    places = np.concatenate([[0], known])
    return np.stack([np.interp(grid, places, np.concatenate([[1.0], row])) for row in means])


def _imposed(matrices: Array, given: Array, pairs: Pairs) -> Array:
    matrices = matrices.copy()
    matrices[:, pairs.first, pairs.second] = given
    matrices[:, pairs.second, pairs.first] = given.conj()
    bands = np.arange(pairs.bands)
    matrices[:, bands, bands] = 1.0
    return matrices


def _semidefinite(matrices: Array) -> Array:
    """Return the nearest matrices without a negative eigenvalue."""
    values, vectors = np.linalg.eigh(matrices)
    return np.asarray((vectors * np.maximum(values, 0.0)[:, None, :]) @ vectors.conj().swapaxes(1, 2))
