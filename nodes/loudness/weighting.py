"""The K-weighting of ITU-R BS.1770-4 at any sample rate, derived from its coefficients for 48 kHz."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from pipelines.value import Array

RATE = 48_000
SHELF = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285),
    (1.0, -1.69065929318241, 0.73248077421585),
)
HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
HIGHEST_MATCH = 0.4
AWAKE = 1e-20  # added in silence so that the filters never compute with denormal numbers, 40 times slower


def k_weighting(sample_rate: int) -> Array:
    """Return the two stages as second-order sections (2 × 6), for `scipy.signal.sosfilt`.

    The published filters are taken back through the bilinear transform, s = (1 - z⁻¹) / (1 + z⁻¹), and
    discretised anew so that each stage keeps its response at its corner frequency (prewarping). At 48 kHz
    these are the published coefficients.
    """
    return np.array([_at_rate(numerator, denominator, sample_rate) for numerator, denominator in (SHELF, HIGH_PASS)])


def _at_rate(numerator: tuple[float, ...], denominator: tuple[float, ...], sample_rate: int) -> list[float]:
    top, bottom = _analog(numerator), _analog(denominator)
    corner = math.atan(math.sqrt(bottom[0] / bottom[2])) * RATE / math.pi
    match = min(corner, HIGHEST_MATCH * sample_rate)
    warp = math.tan(math.pi * match / RATE) / math.tan(math.pi * match / sample_rate)
    coefficients = [*_digital(top, warp), *_digital(bottom, warp)]
    return [coefficient / coefficients[3] for coefficient in coefficients]


def _analog(c: tuple[float, ...]) -> tuple[float, float, float]:
    """Return the polynomial in s (constant first) of one in z⁻¹, but for the factor (1 + s)²."""
    return c[0] + c[1] + c[2], 2 * (c[0] - c[2]), c[0] - c[1] + c[2]


def _digital(c: tuple[float, ...], warp: float) -> tuple[float, float, float]:
    """Return the polynomial in z⁻¹ of one in s / warp, but for the factor (1 + z⁻¹)²."""
    constant, linear, square = c[0], c[1] * warp, c[2] * warp**2
    return constant + linear + square, 2 * (constant - square), constant - linear + square


def weighted(blocks: Iterator[Array], channels: int, sample_rate: int) -> Iterator[Array]:
    """Yield each block (channels × samples) K-weighted, float64, as one continuous sound."""
    from scipy.signal import sosfilt

    sections = k_weighting(sample_rate)
    state = np.zeros((len(sections), channels, 2))
    for block in blocks:
        awake = block.astype(np.float64)
        awake[:, ::2] += AWAKE
        filtered, state = sosfilt(sections, awake, axis=1, zi=state)
        yield filtered
