"""Magnitudes of all frames of a sound in a file, and the sounds of its components."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nodes.factorisation.updates import TINY, Factors
from nodes.separation.repet.framing import frame_count, sound_of, spectra_of
from nodes.separation.repet.settings import OVERLAP
from nodes.values.blocks import spans
from pipelines.context import release
from pipelines.value import Array

VALUES = 2**20
"""Time-frequency values of a channel that are worked on at a time."""


def frames_of(samples: Array, hop: int) -> int:
    """Return the number of frames of a sound."""
    return frame_count(samples.shape[1], hop)


def fill(samples: Array, hop: int, power: int, matrix: Array) -> None:
    """Write magnitudes (power 1) or powers (power 2) of every frame.

    Parameters
    ----------
    samples
        channels × samples, float32.
    hop
        A quarter of a frame, in samples.
    power
        Exponent of the magnitudes.
    matrix
        Where to write: channels × frames × bins, float32.
    """
    for first, last in spans(matrix.shape[1], _frames(hop)):
        magnitudes = np.abs(spectra_of(samples, hop, first, last))
        matrix[:, first:last] = magnitudes if power == 1 else np.square(magnitudes)
        release(samples)
        release(matrix)


def sounding(samples: Array, hop: int, levels: Array, spectra: Array) -> Iterator[tuple[int, int, int, Array]]:
    """Yield the sounds of components, stretch by stretch; they add up to the sound.

    Each bin of the sound is shared among the components as their product says, as by Wiener's filter.

    Parameters
    ----------
    samples
        channels × samples, float32.
    hop
        A quarter of a frame, in samples.
    levels
        channels × frames × components.
    spectra
        components × bins.

    Yields
    ------
    Number of the component, first sample, last sample (not included), and channels × samples, float32.
    """
    for first, last in spans(-(-samples.shape[1] // hop), _frames(hop)):
        start, stop = first * hop, min(last * hop, samples.shape[1])
        here = levels[:, first : last + OVERLAP - 1]
        unit = spectra_of(samples, hop, first, last + OVERLAP - 1) / (here @ spectra + np.float32(TINY))
        for component, shape in enumerate(spectra):
            share = here[:, :, component, None] * shape + np.float32(TINY / len(spectra))
            yield component, start, stop, sound_of(unit * share, hop)[:, : stop - start]
        release(samples)


def by_energy(factors: Factors) -> Factors:
    """Return the factors with the strongest component first."""
    order = np.argsort(-factors.levels.sum(axis=0, dtype=np.float64), kind="stable")
    return Factors(np.ascontiguousarray(factors.levels[:, order]), factors.spectra[order])


def _frames(hop: int) -> int:
    return max(OVERLAP, VALUES // (OVERLAP * hop // 2 + 1))
