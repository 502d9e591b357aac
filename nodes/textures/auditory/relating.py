"""Noises that have as much in common as the channels of a texture."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nodes.textures.auditory.model import AuditoryModel
from pipelines.value import Array

LEAST_LEVEL = 1e-30
"""Level of a bin below which all is silence."""


def related(model: AuditoryModel, carriers: Array, classes: Mapping[str, Array]) -> Array:
    """Return noises each of which is, band by band, as coherent with the one before as statistics say.

    Parameters
    ----------
    model
        The bands.
    carriers
        channels × samples: independent noises, the levels of which stay.
    classes
        The statistics, each channels × paths; without `interaural_coherence` the noises stay independent.
    """
    if "interaural_coherence" not in classes:
        return carriers
    length = carriers.shape[1]
    squares = model.responses(np.arange(length // 2 + 1) * model.sample_rate / length) ** 2
    parts = classes["interaural_coherence"].reshape(len(carriers), -1, 2)
    coherence = (parts[..., 0] + 1j * parts[..., 1]) @ squares
    coherence /= np.maximum(np.abs(coherence), 1.0)
    spectra = np.fft.rfft(carriers)
    densities = np.square(np.abs(spectra)) @ squares.T / np.maximum(squares.sum(1), 1e-12)
    levels = np.sqrt(densities @ squares) + LEAST_LEVEL
    white = spectra / levels
    for channel in range(1, len(white)):
        own = np.sqrt(np.maximum(1 - np.square(np.abs(coherence[channel])), 0))
        white[channel] = coherence[channel] * white[channel - 1] + own * white[channel]
    return np.fft.irfft(white * levels, n=length)
