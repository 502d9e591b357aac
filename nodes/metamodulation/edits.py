"""Spin and blur, which leave every modulation at its rate and scale, and the spectrum that follows an edit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nodes.metamodulation.plane import Point, Rows, frame_by_frame
from pipelines.value import Array

NARROWEST = 1e-6
"""Standard deviation in octaves up to which a blur changes nothing."""

MOST = 1e3
"""Most by which a spectrum follows a band, 60 dB: a blur can make any number of times of next to nothing."""


def spun(order2: Array, plane: Mapping[Point, Rows], spin: Array) -> Array:
    """Return (1 + s)/2 S2(β) + (1 - s)/2 S2(-β), with s for each frame; what has no sign stays.

    Lostanlen and Hecker, "The shape of remixxxes to come: audio texture synthesis with time-frequency scattering"
    (DAFx 2019), on chirp rate inversion.
    """
    ahead, back = (((1 + sign * spin) / 2).astype(order2.dtype) for sign in (1, -1))
    found = order2.copy()
    for point, rows in plane.items():
        if point.mirrored != point:
            found[:, rows.paths] = ahead * order2[:, rows.paths] + back * order2[:, plane[point.mirrored].paths]
    return found


def blurred(values: Array, places: Array, octaves: Array) -> Array:
    """Return rows averaged along log-frequency under a Gaussian: channels × rows × frames.

    Parameters
    ----------
    values
        channels × rows × frames.
    places
        log2 frequency of each row, falling; NaN for one mean over all bands, which stays.
    octaves
        Standard deviation for each frame; 0 leaves a frame as it is.
    """
    if len(places) < 2 or np.isnan(places).any():
        return values

    def matrix(deviation: float) -> Array | None:
        return gaussian(places, places, deviation) if deviation > NARROWEST else None

    return frame_by_frame(values, octaves, matrix)


def gaussian(wanted: Array, places: Array, deviation: float) -> Array:
    """Return the matrix, wanted × places, of means under a Gaussian; at the ends it weighs what there is.

    Parameters
    ----------
    wanted
        log2 frequencies at which means are wanted.
    places
        log2 frequency of each row, falling.
    deviation
        Standard deviation in octaves, above `NARROWEST`.
    """
    squares = ((wanted[:, None] - places[None, :]) / deviation) ** 2
    share = np.abs(np.gradient(places))
    weights = np.exp(-0.5 * (squares - squares.min(1, keepdims=True))) * share
    return np.asarray(weights / weights.sum(1, keepdims=True))


def following(power: Array, frequencies: Array, half: float, before: Array, after: Array) -> Array:
    """Return a power spectrum that follows an edit of bands: times the squared ratio of their means over time.

    Parameters
    ----------
    power
        channels × bins, evenly spaced from 0 Hz to half the sample rate.
    frequencies
        Centre of each band in Hz, in any order, some of them several times; NaN for a mean over all bands, which tells
        nothing.
    half
        Half the sample rate in Hz.
    before, after
        channels × bands × frames. Where a band was silent nothing is known, and the spectrum stays.
    """
    known = np.isfinite(frequencies)
    if not known.any():
        return power
    places, which = np.unique(frequencies[known], return_inverse=True)
    means = [each[:, known].mean(-1, dtype=np.float64) for each in (before, after)]
    given, found = (np.stack([np.bincount(which, channel) for channel in mean]) for mean in means)
    ratios = np.divide(found, given, out=np.ones_like(given), where=given > np.finfo(np.float32).tiny)
    squares = np.square(np.minimum(ratios, MOST))
    bins = np.linspace(0, half, power.shape[1])
    factors = np.stack([np.interp(bins, places, channel) for channel in squares])
    return np.asarray(power * factors, power.dtype)
