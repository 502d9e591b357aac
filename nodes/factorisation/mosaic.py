"""One channel made of the frames of another, with everything long on disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nodes.factorisation.crossing import Rules, learn, spectra_made
from nodes.factorisation.spectra import fill, frames_of
from nodes.factorisation.updates import started_levels
from nodes.separation.repet.framing import sound_of, spectra_of
from nodes.separation.repet.settings import OVERLAP
from nodes.values.blocks import spans
from pipelines.context import release
from pipelines.value import Array

BLOCK = 256
"""Frames that are worked on at a time."""


@dataclass(frozen=True)
class Mosaic:
    """How to make one sound of another.

    Parameters
    ----------
    hop
        A quarter of a frame, in samples.
    rules
        What levels may be.
    iterations
        How many updates.
    room
        Makes an array on disk of this shape and type.
    heard
        Called with how many blocks are done since the last call, and how many there are.
    """

    hop: int
    rules: Rules
    iterations: int
    room: Callable[[tuple[int, ...], Any], Array]
    heard: Callable[[int, int], None]

    def make(self, sound: Array, source: Array, generator: np.random.Generator, made: Array) -> None:
        """Write the sound of the source's frames that is nearest to a sound by the rules.

        Parameters
        ----------
        sound, source
            1 × samples, float32.
        generator
            Of the levels to begin with.
        made
            Where to write: as many samples as the sound has, float32.
        """
        bins, count, others = 2 * self.hop + 1, frames_of(sound, self.hop), frames_of(source, self.hop)
        wanted, frames = (self.room((length, bins), np.float32) for length in (count, others))
        fill(sound, self.hop, 1, wanted[None])
        fill(source, self.hop, 1, frames[None])
        sums = _normalised(frames)
        levels = self.room((count, others), np.float32), self.room((count, others), np.float32)
        self._start(wanted, sums, generator, levels[0])
        found = learn(wanted, frames, levels, self.rules, self.iterations, self.heard)
        gains = np.divide(1, sums, out=np.zeros_like(sums), where=sums > 0)
        self._write(found, gains, self._spectra(source, others), made)

    def _start(self, wanted: Array, sums: Array, generator: np.random.Generator, levels: Array) -> None:
        """Write random levels at which each source frame has its own level, and each frame that of the sound."""
        shares = sums / sums.mean()
        for first, last in spans(len(levels), BLOCK):
            levels[first:last] = started_levels(wanted[first:last], len(shares), generator) * shares
            release(levels)

    def _spectra(self, source: Array, count: int) -> Array:
        spectra = self.room((count, 2 * self.hop + 1), np.complex64)
        for first, last in spans(count, BLOCK):
            spectra[first:last] = spectra_of(source, self.hop, first, last)[0]
            release(spectra)
        return spectra

    def _write(self, levels: Array, gains: Array, source: Array, made: Array) -> None:
        for first, last in spans(-(-len(made) // self.hop), BLOCK):
            spectra = spectra_made(np.array(levels[first : last + OVERLAP - 1]), gains, source)
            stop = min(last * self.hop, len(made))
            made[first * self.hop : stop] = sound_of(spectra[None], self.hop)[0, : stop - first * self.hop]
            release(levels)


def _normalised(frames: Array) -> Array:
    """Divide each frame by the sum over its bins, in place; return the sums."""
    sums = np.empty(len(frames), np.float32)
    for first, last in spans(len(frames), BLOCK):
        block = frames[first:last]
        sums[first:last] = block.sum(axis=1)
        block /= np.where(sums[first:last] > 0, sums[first:last], 1)[:, None]
        release(frames)
    return sums
