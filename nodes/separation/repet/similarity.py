"""What repeats: the median over those frames that are most like a frame (REPET-SIM, Rafii and Pardo 2012)."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d

from pipelines.value import Array

FRAMES = 256
"""Frames whose likeness to others is computed at a time."""

GATHERED = 2**20
"""Magnitudes that medians are taken over at a time."""


def alike(magnitudes: Array, first: int, last: int, reach: int, distance: int, most: int) -> Array:
    """Return for each frame those that are most like it.

    Likeness is the cosine between magnitude spectra. Only its peaks over time count, which are the highest within
    `distance` at either side. The frame itself is always one. An odd number is taken, so that their median is one
    of them.

    Parameters
    ----------
    magnitudes
        frames × bins, float32.
    first, last
        Which frames are asked for, `last` not included.
    reach
        How many frames before and behind a frame are looked at.
    distance
        Least distance of two peaks, in frames.
    most
        How many are taken at most, an odd number.

    Returns
    -------
    frames × `most`: places in `magnitudes`. Where there are too few, half of the rest is `len(magnitudes)` and half
    is `len(magnitudes) + 1`: `repeating` puts nothing and infinity there, which leave the median as it is.
    """
    norms = np.linalg.norm(magnitudes, axis=1, keepdims=True)
    shapes = magnitudes / np.maximum(norms, np.finfo(np.float32).tiny)
    found = np.empty((last - first, most), np.intp)
    for start in range(first, last, FRAMES):
        stop = min(start + FRAMES, last)
        low, high = max(0, start - reach), min(len(shapes), stop + reach)
        places, count = _peaks(shapes[start:stop], shapes[low:high], start - low, reach, distance, most)
        spare = np.arange(most) - count[:, None]
        found[start - first : stop - first] = np.where(spare < 0, places + low, len(shapes) + spare % 2)
    return found


def _peaks(frames: Array, others: Array, offset: int, reach: int, distance: int, most: int) -> tuple[Array, Array]:
    """Return the places of the highest peaks among the others, the highest first, and how many there are (odd)."""
    likeness = frames @ others.T
    apart = np.arange(len(others)) - (offset + np.arange(len(frames)))[:, None]
    likeness[np.abs(apart) > reach] = -1
    likeness[apart == 0] = 2
    highest = maximum_filter1d(likeness, 2 * distance + 1, axis=1, mode="constant", cval=-1.0)
    likeness[(likeness < highest) | (likeness < 0)] = -1
    kept = min(most, len(others))
    places = np.argpartition(-likeness, kept - 1, axis=1)[:, :kept]
    heights = np.take_along_axis(likeness, places, axis=1)
    order = np.argsort(-heights, axis=1, kind="stable")
    count = np.sum(heights >= 0, axis=1)
    padded = np.zeros((len(frames), most), np.intp)
    padded[:, :kept] = np.take_along_axis(places, order, axis=1)
    return padded, count - 1 + count % 2


def repeating(magnitudes: Array, neighbours: Array) -> Array:
    """Return the median over each frame's neighbours, from `alike`: frames × bins."""
    bins, most = magnitudes.shape[1], neighbours.shape[1]
    ends = np.zeros((bins, 2), np.float32)
    ends[:, 1] = np.inf
    table = np.concatenate([magnitudes.T, ends], axis=1)
    found = np.empty((len(neighbours), bins), np.float32)
    size = max(1, GATHERED // (bins * most))
    for start in range(0, len(neighbours), size):
        gathered = np.take(table, neighbours[start : start + size], axis=1)
        gathered.partition(most // 2, axis=-1)
        found[start : start + size] = gathered[..., most // 2].T
    return found
