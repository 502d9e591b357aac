"""Factors that change in time: levels, fades and positions between two channels.

Each is a function of positions, in samples from the beginning of its track, and gives float64 factors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from pipelines.quantities import Envelope, amplitude
from pipelines.value import Array

Gain = Callable[[Array], Array | float]
FadeShape = Literal["equal_power", "linear"]
PanLaw = Literal["constant_power", "linear", "compromise"]

FLOOR = -120.0
"""Level in dB that stands for silence on the way between two points of an envelope."""


def level_gain(envelope: Envelope, sample_rate: int) -> Gain:
    """Return the factor of a level envelope (dB over seconds), straight in dB between its points.

    A point at -inf counts as `FLOOR` on the way to it or from it. Between two such points, before the
    first and after the last, and at the point itself, the factor is exactly 0.
    """
    if envelope.constant:
        factor = float(amplitude(envelope.points[0][1]))
        return lambda positions: factor
    times = np.array([time for time, _ in envelope.points])
    silent = np.array([np.isneginf(level) for _, level in envelope.points], np.float64)

    def gain(positions: Array) -> Array:
        seconds = positions / sample_rate
        factors = amplitude(envelope.at(seconds, FLOOR))
        return np.where(np.interp(seconds, times, silent) == 1.0, 0.0, factors)

    return gain


def rise(fractions: Array, shape: FadeShape) -> Array:
    """Return how a fade rises from 0 to 1: sin(πx/2), whose squares add up to 1 with the fall, or x."""
    within = np.clip(fractions, 0.0, 1.0)
    return within if shape == "linear" else np.sin(np.pi / 2 * within)


def fade_gain(length: int, fade_in: int, fade_out: int, shape: FadeShape) -> Gain:
    """Return the factor of fades at both ends of a track of `length` samples; where they meet, their product.

    The n samples of a fade are at (i + ½)/n of its way, so that a fade out is the mirror of a fade in.
    """

    def gain(positions: Array) -> Array | float:
        factors: Array | float = 1.0
        if fade_in and positions[0] < fade_in:
            factors = factors * rise((positions + 0.5) / fade_in, shape)
        if fade_out and positions[-1] >= length - fade_out:
            factors = factors * rise((length - positions - 0.5) / fade_out, shape)
        return factors

    return gain


def pan_gains(envelope: Envelope, sample_rate: int, law: PanLaw) -> tuple[Gain, Gain]:
    """Return the factors with which one channel goes to a left and a right one.

    With x = (pan + 1) / 2 the right factor is sin(πx/2) for constant power (-3 dB in the middle),
    x for linear (-6 dB), and √(x sin(πx/2)) for the compromise (-4.5 dB); the left one is that of 1 - x.
    """
    return (
        _positioned(envelope, sample_rate, lambda pan: side((1 - pan) / 2, law)),
        _positioned(envelope, sample_rate, lambda pan: side((1 + pan) / 2, law)),
    )


def balance_gains(envelope: Envelope, sample_rate: int, law: PanLaw) -> tuple[Gain, Gain]:
    """Return the factors of a left and a right channel: the far one is turned down, the near one kept."""
    return (
        _positioned(envelope, sample_rate, lambda pan: side(1 - np.maximum(pan, 0.0), law)),
        _positioned(envelope, sample_rate, lambda pan: side(1 + np.minimum(pan, 0.0), law)),
    )


def side(nearness: Array, law: PanLaw) -> Array:
    """Return the factor of a channel from how near the sound is to it, 0 … 1."""
    power = np.sin(np.pi / 2 * nearness)
    shares = {"constant_power": power, "linear": nearness, "compromise": np.sqrt(nearness * power)}
    return np.asarray(shares[law])


def _positioned(envelope: Envelope, sample_rate: int, factor: Callable[[Array], Array]) -> Gain:
    if envelope.constant:
        constant = float(factor(np.asarray(envelope.points[0][1])))
        return lambda positions: constant
    return lambda positions: factor(envelope.at(positions / sample_rate))
