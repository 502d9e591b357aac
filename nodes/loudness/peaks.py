"""Sample peak and true peak, after Annex 2 of ITU-R BS.1770-4."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from nodes.values.blocks import spans
from pipelines.context import release
from pipelines.value import Array

REACH = 12
BETA = 7.0
FRAME = 2048
STEP = FRAME - 2 * REACH + 1
BLOCK = 8 * STEP


def oversampling(sample_rate: int) -> int:
    """Return how often a sound is oversampled: 4 below 96 kHz, 2 below 192 kHz, else 1."""
    return 4 if sample_rate < 96_000 else 2 if sample_rate < 192_000 else 1


@lru_cache
def interpolators(factor: int) -> Array:
    """Return (factor - 1) × 24 taps: each row interpolates one of the points between two samples.

    A sinc through all samples, 12 of them on each side, under a Kaiser window.
    """
    fractions = np.arange(1, factor) / factor
    distance = np.arange(1 - REACH, REACH + 1)[None, :] - fractions[:, None]
    window = np.i0(BETA * np.sqrt(1 - (distance / REACH).clip(-1, 1) ** 2)) / np.i0(BETA)
    taps = np.sinc(distance) * window
    normalised: Array = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalised


def peaks(samples: Array, sample_rate: int) -> tuple[float, float]:
    """Return the largest sample and the true peak, as factors of full scale.

    The sound is taken as silent before its beginning and after its end. NaN and infinity give themselves.

    Parameters
    ----------
    samples
        channels × samples, float32.
    sample_rate
        Samples a second.
    """
    spectra = _spectra(oversampling(sample_rate))
    highest = between = 0.0
    for start, stop in spans(samples.shape[1], BLOCK):
        highest = _higher(highest, samples[:, start:stop])
        if len(spectra) and math.isfinite(highest):
            between = _higher(between, _between(samples, start or -1, stop, spectra))
        release(samples)
    return highest, float(np.maximum(highest, between))


def _higher(highest: float, values: Array) -> float:
    """Return the larger of a magnitude and all of these; NaN where one is NaN."""
    return float(np.max((highest, values.max(), -values.min())))


@lru_cache
def _spectra(factor: int) -> Array:
    from scipy.fft import rfft

    spectra: Array = np.conj(rfft(interpolators(factor), FRAME, axis=1))
    return spectra


def _between(samples: Array, start: int, stop: int, spectra: Array) -> Array:
    """Return the points after each sample from start to stop, by overlapping FFTs (overlap-save); -1 is silent."""
    from scipy.fft import irfft, rfft

    before, after = start - REACH + 1, stop + REACH
    after += -(stop - start) % STEP
    first, last = max(0, before), min(samples.shape[1], after)
    block = np.pad(samples[:, first:last], ((0, 0), (first - before, after - last)))
    frames = np.lib.stride_tricks.sliding_window_view(block, FRAME, axis=1)[:, ::STEP]
    points: Array = irfft(rfft(frames, axis=2)[:, :, None] * spectra, FRAME, axis=3)
    return points[..., :STEP]
