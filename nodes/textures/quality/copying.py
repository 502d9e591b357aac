"""Whether a sound holds pieces of another one, or repeats itself: normalised cross-correlation of short snippets."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from nodes.values.smooth import smooth
from pipelines.value import Array

BLOCK = 2**17
"""Samples of a sound that are compared at once, unless a snippet is too long for it."""

BATCH = 8
"""Snippets that are compared at once."""

QUIETEST = 1e-8
"""Energy of a place, relative to that of its block, below which rounding could pass for likeness."""


class Likeness(NamedTuple):
    """Mean and maximum of the scores of snippets, 0 to 1; NaN where no snippet sounds."""

    mean: float
    highest: float


def snippet_starts(length: int, size: int, most: int) -> Array:
    """Return the first sample of evenly spaced snippets that overlap by half, or by less where that would be too many.

    Parameters
    ----------
    length
        Samples of the sound.
    size
        Samples of a snippet, at most `length`.
    most
        Number of snippets at most.
    """
    count = min(most, 1 + math.ceil(2 * (length - size) / size))
    return np.linspace(0, length - size, count).round().astype(np.int64)


def likeness(sound: Array, source: Array, size: int, most: int, device: str = "cpu") -> Likeness:
    """Return how like some place of the source each snippet of a sound is; the parameters as in `snippet_starts`."""
    starts = snippet_starts(len(sound), size, most)
    return _summary(scores(_cut(sound, starts, size), source, device=device))


def repetition(sound: Array, size: int, most: int, device: str = "cpu") -> Likeness:
    """Return how like another place of the same sound, at least a snippet away, each of its snippets is."""
    starts = snippet_starts(len(sound), size, most)
    return _summary(scores(_cut(sound, starts, size), sound, starts, device=device))


def likeness_of_halves(sound: Array, size: int, most: int, device: str = "cpu") -> Likeness:
    """Return how like the other half each snippet of each half of a sound is: what is found without any copying."""
    halves = sound[: len(sound) // 2], sound[len(sound) // 2 :]
    most = max(1, most // 2)
    each = [
        scores(_cut(half, snippet_starts(len(half), size, most), size), other, device=device)
        for half, other in (halves, halves[::-1])
    ]
    return _summary(np.concatenate(each))


def scores(snippets: Array, sound: Array, own: Array | None = None, *, device: str = "cpu") -> Array:
    """Return for each snippet the largest normalised cross-correlation with a place of a sound.

    That is the absolute value of Pearson's correlation of the snippet with as many samples of the sound, at the lag
    where it is largest: 1 for a copy at whatever level and polarity. By overlap-save in blocks: memory does not grow
    with the length of the sound.

    Parameters
    ----------
    snippets
        count × size.
    sound
        Samples, `size` or more.
    own
        Where each snippet begins in this sound: places that overlap with it do not count.
    device
        'cpu' or 'cuda'.

    Returns
    -------
    One score for each snippet, 0 to 1; NaN where the snippet is constant.
    """
    size = snippets.shape[1]
    block = smooth(min(len(sound), max(4 * size, BLOCK)))
    places = block - size + 1
    centred = np.asarray(snippets, np.float64) - snippets.mean(1, keepdims=True, dtype=np.float64)
    norms = np.linalg.norm(centred, axis=1)
    sounding = np.ptp(snippets, axis=1) > 0
    unit = np.divide(centred, norms[:, None], out=np.zeros_like(centred), where=sounding[:, None])
    spectra = torch.fft.rfft(torch.tensor(unit, dtype=torch.float32, device=device), n=block).conj()
    best = np.zeros(len(snippets))
    for start in range(0, len(sound) - size + 1, places):
        part = np.asarray(sound[start : start + block], np.float64)
        part = part - part.mean()
        energy = float(np.square(part).sum())
        if energy == 0 or np.ptp(part) == 0:
            continue
        part /= math.sqrt(energy)
        deviation = torch.tensor(_local_deviation(part, size), dtype=torch.float32, device=device)
        spectrum = torch.fft.rfft(torch.tensor(part, dtype=torch.float32, device=device), n=block)
        for first in range(0, len(snippets), BATCH):
            found = torch.fft.irfft(spectrum * spectra[first : first + BATCH], n=block)[:, : len(deviation)].abs_()
            found /= deviation
            if own is not None:
                for row, place in zip(found, own[first : first + BATCH] - start, strict=True):
                    row[max(0, place - size + 1) : max(0, place + size)] = 0
            best[first : first + BATCH] = np.maximum(best[first : first + BATCH], found.amax(1).cpu().numpy())
    return np.where(sounding, np.minimum(best, 1.0), np.nan)


def _local_deviation(part: Array, size: int) -> Array:
    """Return the root of the summed squared deviation from the mean of each `size` samples."""
    sums, squares = (np.concatenate([[0.0], np.cumsum(values)]) for values in (part, np.square(part)))
    first, second = sums[size:] - sums[:-size], squares[size:] - squares[:-size]
    return np.asarray(np.sqrt(np.maximum(second - np.square(first) / size, QUIETEST)))


def _cut(sound: Array, starts: Array, size: int) -> Array:
    return np.stack([sound[start : start + size] for start in starts])


def _summary(found: Array) -> Likeness:
    sounding = found[np.isfinite(found)]
    return Likeness(float(sounding.mean()), float(sounding.max())) if len(sounding) else Likeness(math.nan, math.nan)
