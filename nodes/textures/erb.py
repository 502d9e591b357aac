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
