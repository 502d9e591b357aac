"""Initial sounds: noise, white, pink or with the spectrum of the targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from nodes.inversion.shaping import resampled
from nodes.values.representation import Representation
from pipelines.value import Array

Initial = Literal["coloured", "white", "pink"]

UNKNOWN_LEVEL = 0.1
"""Root-mean-square of noise where no target tells its level: -20 dBFS."""

LOWEST_PINK = 20.0
"""Frequency in Hz below which pink noise does not become louder."""


def spectrum_of_targets(targets: Sequence[Representation], weights: Sequence[float], channel: int) -> Array | None:
    """Return the weighted mean of the power spectra that the targets imply, or None where none tells.

    Parameters
    ----------
    targets, weights
        What to reach, and how much each counts.
    channel
        Which channel; targets of one channel serve every channel.

    Returns
    -------
    Bins evenly spaced from 0 Hz to half the sample rate, 1 for white noise of variance 1.
    """
    told = [
        (weight, spectra[channel if target.channels > 1 else 0])
        for target, weight in zip(targets, weights, strict=True)
        if weight > 0 and (spectra := target.spectrum()) is not None
    ]
    if not told:
        return None
    bins = max(len(spectrum) for _, spectrum in told)
    places = np.linspace(0, 1, bins)
    each = [w * np.interp(places, np.linspace(0, 1, len(s)), s) for w, s in told]
    return np.asarray(sum(each) / sum(weight for weight, _ in told))


def noise(initial: Initial, spectrum: Array | None, length: int, sample_rate: int, seed: int, channel: int) -> Array:
    """Return the initial sound of one channel.

    Parameters
    ----------
    initial
        'coloured' has the spectrum of the targets (and is white where they do not tell); 'white' and 'pink' have
        only their level.
    spectrum
        See `spectrum_of_targets`.
    length, sample_rate
        Samples, and samples a second.
    seed, channel
        Each channel of each seed has noise of its own.

    Returns
    -------
    length samples, float32.
    """
    white = np.random.default_rng([seed, channel]).standard_normal(length)
    power = float(np.mean(spectrum)) if spectrum is not None else UNKNOWN_LEVEL**2
    shape = np.full(length // 2 + 1, power)
    if initial == "pink":
        frequencies = np.arange(length // 2 + 1) * sample_rate / max(length, 1)
        shape = 1 / np.maximum(frequencies, LOWEST_PINK)
        shape *= power / shape.mean()
    elif initial == "coloured" and spectrum is not None:
        shape = resampled(spectrum, length)
    return np.asarray(np.fft.irfft(np.fft.rfft(white) * np.sqrt(shape), n=length), np.float32)
