"""How large the tables of a dictionary become, known before any is made."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np

from nodes.dictionaries.windows import window_of
from pipelines.value import Array

THRESHOLD = 3e-4
"""Inner products of atoms below this do not count until the next refresh."""

ROW, VALUE, ZEROS = 40, 8, 16
"""Bytes of a row of inner products without its values, of a value, and values after each row that are 0."""

TRANSFORMED, GATHERED = 6, 48
"""Bytes of what is transformed for each of its bins, and for each value that is taken out of it; let go after."""


def kernel_bytes(scales: list[int], window: str, overlap: int, oversampling: int) -> int:
    """Return about how much memory it takes to make the inner products of atoms of all pairs of scales, in bytes.

    There is a row for each place of the shorter atom in the longer one and for each part of a bin, so that it grows
    with the square of the ratio of their lengths. A row is as wide as what counts of the shorter window's spectrum.
    """
    kept = greatest = 0
    for short, long in combinations_with_replacement(sorted(scales), 2):
        ratio = long // short
        widths = _widths(window, long, short, oversampling)
        steps, counts = overlap * (ratio + 1), float((widths > 0).mean())
        there, back = steps * ratio * counts, steps * counts
        values = 2 * steps * ratio * float(widths.mean())
        kept += round(VALUE * (values + ZEROS * (there + back)) + ROW * (there + back))
        greatest = max(greatest, TRANSFORMED * steps * long * oversampling, round(GATHERED * values / 2))
    return kept + greatest


def _widths(window: str, long: int, short: int, oversampling: int) -> Array:
    """Return how many bins of the shorter window count where it lies at places all along the longer one."""
    spectrum = np.abs(np.fft.rfft(window_of(window, short), 4 * short))
    falling = np.maximum.accumulate(spectrum[::-1])
    levels = window_of(window, long)[:: max(1, long // 64)]
    reaches = len(falling) - np.searchsorted(falling, THRESHOLD / np.maximum(levels, THRESHOLD**2), side="right")
    return np.asarray(np.where(reaches > 0, reaches * oversampling // 2 + 1, 0))
