"""Frequency bands as wide as the ear's, pooled from the bins of a short-time spectrum."""

from __future__ import annotations

import numpy as np

from nodes.textures.erb import erb_hertz, erb_number
from pipelines.value import Array


def band_edges(bands: int, n_fft: int, sample_rate: int) -> Array:
    """Return bands + 2 frequencies in Hz: band b rises from edge b to edge b + 1 and falls to edge b + 2.

    The edges are evenly spaced on the scale of equivalent rectangular bandwidths, from 0 Hz to half the sample
    rate, but never closer than the bins of the spectrum.
    """
    edges = erb_hertz(np.linspace(0, erb_number(sample_rate / 2), bands + 2))
    linear = np.arange(bands + 2) * sample_rate / n_fft
    return np.minimum(np.maximum(edges, linear), sample_rate / 2)


def pooling(bands: int, n_fft: int, sample_rate: int) -> Array:
    """Return bands × bins: triangular weights, each row with a sum of 1."""
    edges = band_edges(bands, n_fft, sample_rate)[:, None]
    bins = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    spacing = sample_rate / n_fft * 1e-9
    rising = (bins - low) / np.maximum(centre - low, spacing)
    falling = (high - bins) / np.maximum(high - centre, spacing)
    weights = np.maximum(0, np.minimum(rising, falling))
    return np.asarray(weights / weights.sum(1, keepdims=True))
