"""One sound made of another's frames (Driedger, Prätzlich and Müller, "Let it bee", ISMIR 2015).

The frames of the source are spectra that do not change; only how much of each sounds in each frame of the result is
learnt. Between the updates three rules, harder from one to the next, shape these levels: no frame soon again, only few
at a time, and runs of frames that follow each other as in the source. The levels count in sums of magnitudes, so that
the rules compare what is heard, whatever the level of a source frame. They may lie in files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d

from nodes.factorisation.updates import TINY
from nodes.values.blocks import spans
from pipelines.context import release
from pipelines.value import Array
from pipelines.workers import spread

VALUES = 2**22
"""Levels that are worked on at a time."""


@dataclass(frozen=True)
class Rules:
    """What levels may be.

    Parameters
    ----------
    repetition
        Frames at either side of a frame in which the same source frame is not to be heard again; 0 for no rule.
    polyphony
        How many source frames are heard at a time at most.
    continuity
        Frames at either side whose levels are added along runs of the source; 0 for no rule.
    """

    repetition: int
    polyphony: int
    continuity: int

    @property
    def reach(self) -> int:
        """Frames at either side on which a frame depends."""
        return self.repetition + self.continuity

    def applied(self, levels: Array, kept: float) -> Array:
        """Return levels by the rules.

        Parameters
        ----------
        levels
            frames × source frames; zero frames where the sound has none.
        kept
            How much is left of what breaks a rule, 1 to 0.

        Returns
        -------
        frames less `reach` at either side × source frames.
        """
        inner = levels[self.repetition : len(levels) - self.repetition]
        highest = maximum_filter1d(levels, 2 * self.repetition + 1, axis=0, mode="constant")
        highest = highest[self.repetition : len(levels) - self.repetition]
        found = np.where(inner < highest, np.float32(kept) * inner, inner)
        if self.polyphony < found.shape[1]:
            least = np.partition(found, -self.polyphony, axis=1)[:, -self.polyphony, None]
            found[found < least] *= np.float32(kept)
        return self._continued(found)

    def _continued(self, levels: Array) -> Array:
        """Return sums along the diagonal, where both sounds go on."""
        reach, columns = self.continuity, levels.shape[1]
        rows = len(levels) - 2 * reach
        sums = np.zeros((rows, columns), np.float32)
        for shift in range(-min(reach, columns - 1), min(reach, columns - 1) + 1):
            low, high = max(0, -shift), min(columns, columns - shift)
            sums[:, low:high] += levels[reach + shift : reach + shift + rows, low + shift : high + shift]
        return sums


def learn(
    wanted: Array,
    frames: Array,
    levels: tuple[Array, Array],
    rules: Rules,
    iterations: int,
    heard: Callable[[int, int], None],
) -> Array:
    """Return the levels at which frames of a source make a sound; Kullback-Leibler divergence, by the rules.

    Parameters
    ----------
    wanted
        frames × bins, magnitudes.
    frames
        source frames × bins; each adds up to 1, or is zero.
    levels
        Two arrays of frames × source frames; the first holds the levels to begin with. Both are written.
    rules
        What levels may be.
    iterations
        How many updates; what breaks a rule is taken away step by step, wholly in the last one.
    heard
        Called with how many blocks are done since the last call, and how many there are.

    Returns
    -------
    That one of the two arrays which holds the last levels.
    """
    size = max(1, VALUES // len(frames))
    blocks = list(spans(len(wanted), size))
    before, after = levels
    for iteration in range(iterations):
        kept = 1 - (iteration + 1) / iterations

        def update(block: tuple[int, int], before: Array = before, after: Array = after, kept: float = kept) -> None:
            ruled = rules.applied(_around(before, *block, rules.reach), kept)
            ratio = wanted[slice(*block)] / (ruled @ frames + np.float32(TINY))
            after[slice(*block)] = ruled * (ratio @ frames.T)
            for array in (before, after, wanted):
                release(array)
            heard(1, len(blocks) * iterations)

        spread(update, blocks)
        before, after = after, before
    return before


def _around(levels: Array, start: int, stop: int, reach: int) -> Array:
    """Return rows from `reach` before `start` to `reach` behind `stop`, zero where there are none."""
    found = np.zeros((stop - start + 2 * reach, levels.shape[1]), np.float32)
    low, high = max(0, start - reach), min(len(levels), stop + reach)
    found[low - start + reach : high - start + reach] = levels[low:high]
    return found


def spectra_made(levels: Array, gains: Array, source: Array) -> Array:
    """Return the sums of source spectra, with their phases, at these levels.

    Parameters
    ----------
    levels
        frames × source frames.
    gains
        What a level of 1 is in times the source frame, one number for each.
    source
        source frames × bins, complex64.
    """
    heard = np.flatnonzero(levels.any(axis=0))
    found: Array = (levels[:, heard] * gains[heard]).astype(np.complex64) @ source[heard]
    release(source)
    return found
