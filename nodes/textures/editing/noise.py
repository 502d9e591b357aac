"""What the statistics of noise are: Gaussian, steady, with the spectrum of a sound, each channel by itself."""

from __future__ import annotations

import numpy as np
import torch

from nodes.textures.domains import into, out_of
from nodes.textures.stretches import STRETCH, Stretches, stretches_of
from nodes.textures.value import TextureStatistics
from pipelines.value import Array

SOUNDS = 5
"""Number of noises, each of one stretch, over which statistics are averaged: half a minute."""

SEED = 0
"""Of the noise: the same statistics have the same noise in every piece."""


def noise_statistics(statistics: TextureStatistics, device: str) -> dict[str, Array]:
    """Return for each class channels × paths: statistics of noise that has the spectra of a sound.

    Its channels are independent: they have next to nothing in common.

    Parameters
    ----------
    statistics
        Those of the sound: front end and spectra.
    device
        Where they are measured.
    """
    model, generator = statistics.model, np.random.default_rng(SEED)
    length = max(round(STRETCH * statistics.sample_rate), model.least_samples())
    measure = Stretches(model, stretches_of(model, length), device)
    totals: dict[str, Array] = {}
    for _ in range(SOUNDS):
        sound = coloured(generator.standard_normal((statistics.channels, length)), statistics.colours)
        with torch.no_grad():
            found = measure(torch.tensor(sound, dtype=torch.float32, device=device))
        for name, values in found.items():
            mean = into(values.cpu().numpy(), model.domains[name]).mean(-1)
            totals[name] = totals.get(name, 0.0) + mean / SOUNDS
    return {name: out_of(total, model.domains[name]) for name, total in totals.items()}


def coloured(white: Array, colours: Array) -> Array:
    """Return white noise with power spectra given as in `TextureStatistics.colours`: channels × samples."""
    spectrum = np.fft.rfft(white)
    places = np.linspace(0.0, 1.0, spectrum.shape[1])
    known = np.linspace(0.0, 1.0, colours.shape[1])
    powers = np.stack([np.interp(places, known, channel) for channel in np.asarray(colours, np.float64)])
    return np.fft.irfft(spectrum * np.sqrt(np.maximum(powers, 0.0)), n=white.shape[1])
