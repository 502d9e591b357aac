"""Inner products of atoms with each other, exact and then cut where they are small.

An atom g₁ of scale 1 (window w₁, N₁ bins) and one of scale 2 that begins τ samples later have ⟨g₁, g₂⟩ =
exp(2πi m₁τ/N₁) K(m₂/N₂ - m₁/N₁), where K(δ) = Σ w₁(t + τ) w₂(t) exp(-2πiδt). K depends on τ, and so on the place of the
first atom's frame among the frames of scale 2 (`phase`), and where scale 2 has fewer bins on that of its bin among
those (`part`). Fixing K in advance and cutting it where it is small is the method of Průša, Holighaus and Balazs,
Fast Matching Pursuit with Multi-Gabor Dictionaries (ACM TOMS 2021).
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import scipy.fft

from nodes.dictionaries.pursuit.simd import LANES
from pipelines.value import Array
from pipelines.workers import spread


class Kernels(NamedTuple):
    """Rows of K for all pairs of scales.

    Parameters
    ----------
    first_group
        scales × scales: number of the group of phase 0 and part 0; that of a phase and a part is this +
        phase × parts + part.
    group_starts
        First row of each group, and the number of rows.
    rows
        For each row: frames of scale 2 from that where the atom lies, τ, first bin of scale 2 from that where the atom
        lies, number of bins, and where its values begin.
    real, imaginary
        The values, float32; 16 zeros lie before and after those of each row.
    reaches
        For each scale by how many of its own bins the widest kernel reaches to either side.
    """

    first_group: Array
    group_starts: Array
    rows: Array
    real: Array
    imaginary: Array
    reaches: Array


def kernels_of(windows: list[Array], hops: list[int], threshold: float, oversampling: int = 1) -> Kernels:
    """Return K for all pairs of scales, cut where its magnitude stays below `threshold`; 1 is an atom with itself.

    A window has `oversampling` times as many bins as samples.
    """
    count = len(windows)
    pairs = [(one, other) for one in range(count) for other in range(count) if len(windows[one]) >= len(windows[other])]
    bins = max(len(window) for window in windows) * oversampling
    turns = np.exp(-2j * np.pi * np.arange(bins) / bins).astype(np.complex64)
    both = spread(partial(_both_ways, windows, hops, threshold, oversampling, turns), pairs)
    found = {pair[::-1]: back for pair, (_, back) in zip(pairs, both, strict=True)}
    found |= {pair: there for pair, (there, _) in zip(pairs, both, strict=True)}
    each = [found[pair] for pair in np.ndindex(count, count)]
    groups = np.cumsum([0, *(len(rows.sizes) for rows in each)])
    filled = LANES + np.cumsum([0, *(len(rows.values) for rows in each)])
    for rows, before in zip(each, filled[:-1], strict=True):
        rows.rows[:, 4] += before
    real, imaginary = np.zeros((2, int(filled[-1])), np.float32)
    for rows, (first, last) in zip(each, pairwise(filled), strict=True):
        real[first:last], imaginary[first:last] = rows.values.real, rows.values.imag
    return Kernels(
        groups[:-1].reshape(count, count),
        np.concatenate([[0], np.cumsum(np.concatenate([rows.sizes for rows in each]))]),
        np.concatenate([rows.rows for rows in each]),
        real,
        imaginary,
        np.array([rows.reach for rows in each]).reshape(count, count).max(1) + 2,
    )


class _Rows(NamedTuple):
    """What `Kernels` has of a pair: rows whose values begin at 0, rows in each group, values, and 1's bins reached."""

    rows: Array
    sizes: Array
    values: Array
    reach: int


class _Products(NamedTuple):
    """K of a scale with another one.

    Parameters
    ----------
    spectra
        frames × K at 0, 1, 2 … bins of the longer scale.
    widths
        For each frame how many of them count, - 1.
    frames, lags
        Frames of scale 2 from that where the atom lies, and their τ.
    bins, parts
        Bins of scale 2, and of how many of its bins a bin of scale 2 is one.
    reach
        Bins of scale 1 that the widest reaches.
    """

    spectra: Array
    widths: Array
    frames: Array
    lags: Array
    bins: int
    parts: int
    reach: int


def _both_ways(
    windows: list[Array], hops: list[int], threshold: float, oversampling: int, turns: Array, pair: tuple[int, int]
) -> tuple[_Rows, _Rows]:
    """Return the rows of a scale to one not longer, and of that one to it.

    Both come of the same products, as K₂₁(-τ, δ) = exp(-2πiδτ) K₁₂(τ, δ).
    """
    (long, short), (far, near) = [windows[scale] for scale in pair], [hops[scale] for scale in pair]
    bins, fewer, phases = len(long) * oversampling, len(short) * oversampling, far // near
    steps = np.arange(1 - len(short) // near, (len(long) - 1) // near + 1)
    spectra = scipy.fft.rfft(_products(long, short, steps[0] * near, near, len(steps)), axis=1, n=bins)
    above = np.abs(spectra) > threshold
    reach = int(np.flatnonzero(above.any(0))[-1])
    widths = np.where(above.any(1), reach - np.argmax(above[:, reach::-1], axis=1), -1)
    spectra = spectra[:, : reach + 1].copy()  # what is left of the whole is given back
    turned = spectra * turns[:: len(turns) // bins][np.outer(steps * near, np.arange(reach + 1)) % bins]
    there = _Products(spectra, widths, steps, steps * near, fewer, bins // fewer, reach)
    back = _Products(turned, widths, -(steps // phases), -steps * near, bins, 1, reach * fewer // bins)
    part, lag = np.divmod(np.arange(there.parts * len(steps)), len(steps))
    order = np.lexsort((-steps, steps % phases))
    return _rows_of(there, part, lag, part), _rows_of(back, (steps % phases)[order], order, np.zeros_like(order))


def _rows_of(products: _Products, group: Array, lag: Array, part: Array) -> _Rows:
    """Return rows: of each its group, which place of `products` it is, and the atom's part of a bin of scale 2."""
    spectra, widths, frames, lags, bins, parts, reach = products
    low = np.maximum(-((widths[lag] - part) // parts), 1 - bins // 2)
    high = np.minimum((widths[lag] + part) // parts, bins // 2)  # what is further on is nearer from the other side
    kept = (widths[lag] >= 0) & (high >= low)
    sizes = np.bincount(group[kept], minlength=int(group.max()) + 1)
    lag, part, low, high = (each[kept] for each in (lag, part, low, high))
    lengths = high - low + 1
    places = np.concatenate([[0], np.cumsum(lengths + LANES)])
    rows = np.stack([frames[lag], lags[lag], low, lengths, places[:-1]], axis=1).astype(np.int64)
    every = np.arange(int(lengths.sum()))
    begun = np.cumsum(lengths) - lengths
    away = every * parts + np.repeat((low - begun) * parts - part, lengths)
    found = spectra.ravel()[np.repeat(lag * spectra.shape[1], lengths) + np.abs(away)]
    np.negative(found.imag, out=found.imag, where=away < 0)
    values = np.zeros(int(places[-1]), np.complex64)
    values[np.repeat(places[:-1] - begun, lengths) + every] = found
    return _Rows(rows, sizes, values, reach)


def _products(first: Array, second: Array, start: int, hop: int, count: int) -> Array:
    """Return w₁(t + τ) w₂(t) for `count` lags τ from `start` on, `hop` apart: lags × the samples of scale 2."""
    around = np.zeros(len(first) + 2 * len(second))
    around[len(second) : len(second) + len(first)] = first
    views = np.lib.stride_tricks.sliding_window_view(around, len(second))
    return np.asarray(views[start + len(second) :: hop][:count] * second, np.float32)
