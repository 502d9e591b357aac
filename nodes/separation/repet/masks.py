"""Masks over time and frequency, from 0 to 1."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from pipelines.value import Array

TINY = float(np.finfo(np.float32).tiny)

WINDOWED = 2**20
"""Values in the windows of which medians are taken at a time."""


def share(wanted: Array, other: Array) -> Array:
    """Return how much of the power of both is that of what is wanted; nothing where there is silence."""
    power = np.square(wanted)
    return np.asarray(power / (power + np.square(other) + TINY))


def central(left: Array, right: Array, focus: float) -> Array:
    """Return how much of each bin lies in the middle of two channels.

    With M and S the sum and the difference of the channels it is (|M|² - |S|²) / (|M|² + |S|²), which is likeness of
    level (Avendano 2003) times the cosine of the difference of phase; nothing where the phases are opposite.

    Parameters
    ----------
    left, right
        Complex spectra of one shape.
    focus
        Exponent: larger takes less of what is off the middle.
    """
    both = left.real * right.real + left.imag * right.imag
    power = left.real**2 + left.imag**2 + right.real**2 + right.imag**2
    return np.asarray(np.clip(2 * both / (power + TINY), 0, 1) ** np.float32(focus))


def tonal(magnitudes: Array, before: int, behind: int, steady: int, broad: int) -> Array:
    """Return how much of each bin is a tone and no stroke (median filters, FitzGerald 2010).

    Parameters
    ----------
    magnitudes
        frames × bins.
    before, behind
        How many frames at the beginning and at the end are there only for the median.
    steady, broad
        Frames and bins at either side of a median's middle. At the ends what is there is mirrored.

    Returns
    -------
    frames × bins, without the frames before and behind.
    """
    last = len(magnitudes) - behind
    missing = (steady - before, steady - behind)
    along = np.pad(magnitudes, (missing, (0, 0)), mode="symmetric").T
    across = np.pad(magnitudes[before:last], ((0, 0), (broad, broad)), mode="symmetric")
    return share(_medians(along, 2 * steady + 1).T, _medians(across, 2 * broad + 1))


def _medians(rows: Array, size: int) -> Array:
    """Return the median of every window of `size`, an odd number, along the rows."""
    windows = sliding_window_view(np.ascontiguousarray(rows), size, axis=1)
    found = np.empty(windows.shape[:2], np.float32)
    step = max(1, WINDOWED // (windows.shape[1] * size))
    for start in range(0, len(rows), step):
        found[start : start + step] = np.partition(windows[start : start + step], size // 2, axis=-1)[..., size // 2]
    return found
