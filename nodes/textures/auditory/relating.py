"""Noises that have as much in common as the channels of a texture."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nodes.textures.auditory.model import AuditoryModel
from pipelines.value import Array

LEAST_LEVEL, LEAST_WIDTH = 1e-30, 1e-12
"""Level of a bin below which all is silence; bins below which a band has none."""

BLOCK = 2**16
"""Bins that are worked on at once."""


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
    spectra = np.fft.rfft(carriers)
    frequencies = np.arange(spectra.shape[1]) * model.sample_rate / length
    blocks = [slice(first, first + BLOCK) for first in range(0, len(frequencies), BLOCK)]
    energies, widths = np.zeros((len(carriers), model.bands + 2)), np.zeros(model.bands + 2)
    for block in blocks:
        squares = model.responses(frequencies[block]) ** 2
        energies += np.square(np.abs(spectra[:, block])) @ squares.T
        widths += squares.sum(1)
    parts = classes["interaural_coherence"].reshape(len(carriers), -1, 2)
    for block in blocks:
        squares = model.responses(frequencies[block]) ** 2
        levels = np.sqrt(energies / np.maximum(widths, LEAST_WIDTH) @ squares) + LEAST_LEVEL
        spectra[:, block] = levels * _chained(
            spectra[:, block] / levels, (parts[..., 0] + 1j * parts[..., 1]) @ squares
        )
    return np.fft.irfft(spectra, n=length)


def _chained(white: Array, coherence: Array) -> Array:
    """Return independent noises of one level as each coherent with the one before; of a ring the end is left open."""
    coherence = coherence / np.maximum(np.abs(coherence), 1.0)
    found = [white[0]]
    for own, shared in zip(white[1:], coherence[1:], strict=True):
        found.append(shared * found[-1] + np.sqrt(np.maximum(1 - np.square(np.abs(shared)), 0)) * own)
    return np.stack(found)
