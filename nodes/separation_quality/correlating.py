"""Correlations of sounds of any length over a few lags, block by block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.fft

from nodes.values.blocks import spans
from pipelines.context import release
from pipelines.value import Array

BLOCK = 2**17
"""Samples that are transformed at a time."""


def rows_of(sounds: Sequence[Array], start: int, stop: int) -> Array:
    """Return samples `start` to `stop` of every channel of every sound, zero outside: rows × samples, float64."""
    rows = sum(len(sound) for sound in sounds)
    found = np.zeros((rows, stop - start))
    low, high, row = max(0, start), min(stop, sounds[0].shape[1]), 0
    for sound in sounds:
        found[row : row + len(sound), low - start : max(low, high) - start] = sound[:, low : max(low, high)]
        row += len(sound)
        release(sound)
    return found


def correlations(ones: Sequence[Array], others: Sequence[Array], lags: int) -> Array:
    """Return Σₙ a(n) b(n + τ) for every channel a of the ones and b of the others.

    Parameters
    ----------
    ones, others
        Sounds of one length, each channels × samples.
    lags
        How many: τ runs from 1 - lags to lags - 1.

    Returns
    -------
    channels of the ones × channels of the others × (2 · lags - 1), float64.
    """
    length, reach = ones[0].shape[1], lags - 1
    size = scipy.fft.next_fast_len(min(BLOCK, length) + 2 * reach, real=True)
    total: Array | float = 0.0
    for start, stop in spans(length, BLOCK):
        a = scipy.fft.rfft(rows_of(ones, start, stop), size)
        b = scipy.fft.rfft(rows_of(others, start - reach, stop + reach), size)
        total = total + a.conj()[:, None] * b
    found: Array = scipy.fft.irfft(total, size)[..., : 2 * lags - 1]
    return found
