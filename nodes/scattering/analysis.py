"""Scattering of a sound, and what follows from its coefficients."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from nodes.scattering.filters import bank, least_octaves
from nodes.scattering.reference import Reference
from nodes.scattering.transform import Transform, padding_of
from nodes.scattering.value import Scattering
from nodes.values.audio import Audio
from pipelines.mistakes import mistake
from pipelines.value import Array

SPECTRUM_BINS = 4097
"""Frequencies at which the spectrum is estimated, from 0 Hz to half the sample rate."""


def averaging_samples(seconds: float | None, octaves: int, sample_rate: int) -> int:
    """Return the power of two nearest to a time, in samples; 2^octaves where no time is given."""
    if seconds is None:
        return int(2**octaves)
    return int(2 ** max(0, round(math.log2(max(seconds * sample_rate, 1.0)))))


def transform_for(
    length: int, octaves: int, quality: int, averaging: int, engine: str, device: str
) -> Transform | Reference:
    """Return the transform of sounds of `length` samples, ours or Kymatio's.

    Raises
    ------
    MistakeError
        Where the octaves are too few for the quality, or the sound is too short.
    """
    if octaves < least_octaves(quality):
        raise mistake(
            f"with {quality} filters in an octave the filters are longer than this",
            parameter="octaves",
            given=str(octaves),
            allowed=f"{least_octaves(quality)} or more",
            hint="raise octaves, or lower quality",
        )
    unit = max(averaging, 2**octaves)
    padding = padding_of(length, unit)
    if padding is None:
        raise mistake(
            "the sound is too short for filters and averaging of this length",
            parameter="octaves" if unit > averaging else "averaging",
            given=f"{length} samples for {unit} samples of filter",
            allowed=f"{2 * unit + 1} samples or more",
            hint="lower octaves or averaging, or take a longer sound",
        )
    ours = Transform(length, octaves, quality, averaging, padding, device)
    return ours if engine == "fast" else Reference(ours, length, octaves, quality, averaging, device)


def scattering_of(audio: Audio, octaves: int, quality: int, averaging: int, engine: str, device: str) -> Scattering:
    """Return the scattering of a sound, channel by channel."""
    transform = transform_for(audio.length, octaves, quality, averaging, engine, device)
    with torch.no_grad():
        channels = [transform(torch.tensor(audio.samples[c : c + 1], device=device)) for c in range(audio.channels)]
    order1 = torch.cat([found["order1"] for found in channels]).cpu().numpy()
    frames = order1.shape[2]
    paths = transform.paths()
    order2 = (
        torch.cat([found["order2"] for found in channels]).cpu().numpy()
        if paths
        else np.zeros((audio.channels, 0, frames), np.float32)
    )
    rate = audio.sample_rate
    return Scattering(
        order1=order1,
        order2=order2,
        frequencies1=np.array([carrier.centre * rate for carrier in transform.carriers]),
        frequencies2=np.array([carrier.centre * rate for carrier, _ in paths]),
        rates2=np.array([modulator.centre * rate for _, modulator in paths]),
        sample_rate=rate,
        octaves=octaves,
        quality=quality,
        averaging=averaging,
        engine=engine,
        samples=audio.length,
    )


def analysis_of(target: Scattering, length: int, device: str) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
    """Return the map from samples to coefficients that can be compared with the target's.

    Raises
    ------
    MistakeError
        Where the length is not the target's: coefficients are compared frame by frame.
    """
    if length != target.length:
        raise mistake(
            "a sound can be compared with a scattering only at the same length",
            given=f"{length} samples ({length / target.sample_rate:.3f} s)",
            allowed=f"{target.length} samples ({target.length / target.sample_rate:.3f} s), as the target has",
            hint="cut both to one duration before the analysis",
        )
    return transform_for(length, target.octaves, target.quality, target.averaging, target.engine, device)


def spectrum_of(target: Scattering) -> Array:
    """Return the power spectrum of Gaussian noise with this first order: channels × bins, from 0 Hz up.

    The modulus of a band of noise is Rayleigh distributed, so that its power is 4/π of its squared mean; the
    filter of width σ lets √π σ of the spectrum through. The mean over all bins is the mean square of the sound.
    """
    filters = bank(target.octaves, target.quality)
    passed = math.sqrt(math.pi) * np.array([filter.width for filter in filters])
    power = 4 / math.pi * np.square(target.order1, dtype=np.float64).mean(-1) / passed
    places = np.linspace(0, 0.5, SPECTRUM_BINS)
    centres = np.array([filter.centre for filter in filters])
    return np.stack([np.interp(places, centres[::-1], row[::-1]) for row in power])
