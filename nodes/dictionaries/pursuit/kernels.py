"""Inner products of atoms with each other, exact and then cut where they are small.

An atom g₁ of scale 1 (window w₁, M₁ bins) and one of scale 2 that begins τ samples later have ⟨g₁, g₂⟩ =
exp(2πi m₁τ/M₁) K(m₂/M₂ - m₁/M₁), where K(δ) = Σ w₁(t + τ) w₂(t) exp(-2πiδt). K depends on τ, and so on the place of the
first atom's frame among the frames of scale 2 (`phase`), and where scale 2 has fewer bins on that of its bin among
those (`part`). Fixing K in advance and cutting it where it is small is the method of Průša, Holighaus and Balazs,
Fast Matching Pursuit with Multi-Gabor Dictionaries (ACM TOMS 2021).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.fft

from nodes.dictionaries.pursuit.simd import LANES
from pipelines.value import Array


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


def kernels_of(windows: list[Array], hops: list[int], threshold: float) -> Kernels:
    """Return K for all pairs of scales, cut where its magnitude stays below `threshold`; 1 is an atom with itself."""
    count = len(windows)
    first_group = np.zeros((count, count), np.int64)
    reaches = np.zeros(count, np.int64)
    rows: list[Array] = []
    sizes: list[Array] = []
    values: list[Array] = []
    groups, filled = 0, LANES
    for one in range(count):
        for other in range(count):
            first_group[one, other] = groups
            bins, least = len(windows[one]), min(hops[one], hops[other])
            for phase in range(hops[other] // least):
                found = _rows_of(windows[one], windows[other], hops[one] * phase, hops[other], threshold)
                found.rows[:, 4] += filled
                filled += len(found.values)
                rows.append(found.rows)
                values.append(found.values)
                sizes.append(found.sizes)
                groups += len(found.sizes)
                reaches[one] = max(reaches[one], found.widest * bins // max(bins, len(windows[other])) + 2)
    flat = np.concatenate([np.zeros(LANES, np.complex64), *values])
    starts = np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
    real, imaginary = np.ascontiguousarray(flat.real), np.ascontiguousarray(flat.imag)
    return Kernels(first_group, starts, np.concatenate(rows), real, imaginary, reaches)


class _Rows(NamedTuple):
    rows: Array
    sizes: Array
    values: Array
    widest: int


def _rows_of(first: Array, second: Array, start: int, hop: int, threshold: float) -> _Rows:
    """Return the rows of one phase, part by part, for an atom that begins at `start`; scale 2 has frames at n · hop."""
    bins = max(len(first), len(second))
    parts = bins // len(second)
    steps = np.arange((start - len(second)) // hop + 1, (start + len(first) - 1) // hop + 1)
    lags = steps * hop - start
    spectra = scipy.fft.rfft(_products(first, second, lags), bins, axis=1)
    above = np.abs(spectra) > threshold
    widths = np.where(above.any(1), above.shape[1] - 1 - np.argmax(above[:, ::-1], axis=1), -1)
    part, lag = (grid.ravel() for grid in np.meshgrid(np.arange(parts), np.arange(len(lags)), indexing="ij"))
    half = len(second) // 2  # once around the circle: what is further on is nearer from the other side
    low = np.maximum(-((widths[lag] - part) // parts), 1 - half)
    high = np.minimum((widths[lag] + part) // parts, half)
    kept = (widths[lag] >= 0) & (high >= low)
    part, lag, low, high = (each[kept] for each in (part, lag, low, high))
    lengths = high - low + 1
    places = np.concatenate([[0], np.cumsum(lengths + LANES)])
    rows = np.stack([steps[lag], lags[lag], low, lengths, places[:-1]], axis=1).astype(np.int64)
    values = np.zeros(int(places[-1]), np.complex64)
    inside = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    away = (np.repeat(low, lengths) + inside) * parts - np.repeat(part, lengths)
    found = spectra[np.repeat(lag, lengths), np.abs(away)]
    values[np.repeat(places[:-1], lengths) + inside] = np.where(away < 0, found.conj(), found)
    return _Rows(rows, np.bincount(part, minlength=parts), values, int(widths.max()))


def _products(first: Array, second: Array, lags: Array) -> Array:
    """Return w₁(t + τ) w₂(t), lags × the samples of scale 2."""
    around = np.zeros(len(first) + 2 * len(second))
    around[len(second) : len(second) + len(first)] = first
    views = np.lib.stride_tricks.sliding_window_view(around, len(second))
    return np.asarray(views[lags + len(second)] * second, np.float32)
