"""The power spectrum of a sound, whole or as a mean over stretches."""

from __future__ import annotations

import numpy as np

from pipelines.value import Array

LONGEST_SPECTRUM = 2**19
"""Greatest number of samples whose spectrum is kept whole."""


def power_spectrum(samples: Array) -> Array:
    """Return the power spectrum of channels × samples: channels × bins, float32, 1 in every bin for white noise.

    Beyond about twelve seconds it is the mean over stretches of that length under a Hann window.
    """
    length = samples.shape[1]
    if length <= LONGEST_SPECTRUM:
        return np.stack([np.abs(np.fft.rfft(row)) ** 2 / max(length, 1) for row in samples]).astype(np.float32)
    window = np.sqrt(np.hanning(LONGEST_SPECTRUM + 1)[:-1])
    half, total = LONGEST_SPECTRUM // 2, np.zeros((len(samples), LONGEST_SPECTRUM // 2 + 1))
    for start in range(-half, length, half):
        for row, sums in zip(samples, total, strict=True):
            stretch = np.zeros(LONGEST_SPECTRUM, np.float32)
            inside = row[max(start, 0) : start + LONGEST_SPECTRUM]
            stretch[max(-start, 0) : max(-start, 0) + len(inside)] = inside
            sums += np.abs(np.fft.rfft(stretch * window)) ** 2
    return np.asarray(total / length, np.float32)
