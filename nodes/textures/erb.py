"""The scale of equivalent rectangular bandwidths (Glasberg and Moore 1990), on which the ear's bands are as wide."""

from __future__ import annotations

import numpy as np

from pipelines.value import Array

EAR_Q, LEAST_WIDTH = 9.265, 24.7
"""Constants of the equivalent rectangular bandwidth."""


def erb_number(hertz: Array | float) -> Array:
    """Return the place of frequencies in Hz on the scale."""
    return np.asarray(EAR_Q * np.log1p(np.asarray(hertz) / (EAR_Q * LEAST_WIDTH)))


def erb_hertz(number: Array) -> Array:
    """Return the frequency in Hz of places on the scale."""
    return np.asarray(EAR_Q * LEAST_WIDTH * np.expm1(number / EAR_Q))


def smoothed(powers: Array, sample_rate: int, width: float) -> Array:
    """Return power spectra (… × bins from 0 Hz to half the sample rate) averaged around each bin.

    Parameters
    ----------
    width
        In equivalent rectangular bandwidths; a bin is the least.
    """
    places = erb_number(np.linspace(0, sample_rate / 2, powers.shape[-1]))
    first, last = np.searchsorted(places, [places - width / 2, places + width / 2])
    last = np.maximum(last, first + 1)
    sums = np.cumsum(powers, axis=-1, dtype=np.float64)
    below = np.concatenate([np.zeros((*powers.shape[:-1], 1)), sums], axis=-1)
    return np.asarray((below[..., last] - below[..., first]) / (last - first))
