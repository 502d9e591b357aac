"""A sound as a book of atoms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pipelines.value import Array, Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


NEAR = 8.0
"""Cycles in an atom, from 0 Hz or to half the sample rate, below which it meets its conjugate; else by under 2 %."""


@dataclass(frozen=True, eq=False)
class Book(Value):
    """Real Gabor atoms, anywhere in time and frequency, in the order in which they were found.

    Atom k with weight b_k in a channel is 2 Re(b_k w_k(t - t_k) exp(2πi f_k (t - t_k))) there, t in samples: w_k is its
    window of `lengths` samples with a sum of squares of 1 (see `window_of`), t_k its first sample and f_k its frequency
    in cycles per sample. What lies before the first sample of the sound or after its last is not heard.

    Parameters
    ----------
    starts
        First sample of each atom, int64; may be below 0 or beyond the end.
    lengths
        Samples of each atom, int32, 1 or more.
    frequencies
        Cycles per sample, float64, 0 to 0.5.
    windows
        Number of each atom's window in `WINDOWS`, uint8.
    weights
        channels × atoms, complex64.
    samples
        Length of the sound.
    sample_rate
        Samples a second.
    """

    agrees: ClassVar[tuple[str, ...]] = ("sample_rate",)

    starts: Array
    lengths: Array
    frequencies: Array
    windows: Array
    weights: Array
    samples: int
    sample_rate: int

    @property
    def count(self) -> int:
        """Number of atoms."""
        return len(self.starts)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return len(self.weights)

    @property
    def duration(self) -> float:
        """Seconds of the sound."""
        return self.samples / self.sample_rate

    @property
    def centres(self) -> Array:
        """Middle of each atom, in seconds."""
        return np.asarray((self.starts + self.lengths / 2) / self.sample_rate)

    @property
    def peaks(self) -> Array:
        """Loudest moment of each atom, in seconds: its middle, but for gamma windows."""
        from nodes.dictionaries.windows import PEAKS

        return np.asarray((self.starts + np.array(PEAKS)[self.windows] * self.lengths) / self.sample_rate)

    @property
    def energies(self) -> Array:
        """Energy of each atom by itself over all channels, float64; what it has beyond the sound counts.

        2 Σ |b|², and near 0 Hz and half the sample rate, where an atom meets its conjugate, 2 Re(b² Σ w² exp(4πi f n))
        more.
        """
        found = np.asarray(2 * np.square(np.abs(self.weights), dtype=np.float64).sum(0))
        near = np.flatnonzero(np.minimum(self.frequencies, 0.5 - self.frequencies) * self.lengths < NEAR)
        if len(near):
            squares = np.square(self.weights[:, near], dtype=np.complex128).sum(0)
            found[near] += 2 * np.real(squares * self._overlaps(near))
        return found

    def _overlaps(self, which: Array) -> Array:
        """Return Σ w² exp(4πi f n) of some atoms."""
        from nodes.dictionaries.windows import WINDOWS, window_of

        kinds = np.stack([self.windows[which], self.lengths[which]], 1).astype(np.int64)
        found = np.zeros(len(which), np.complex128)
        for window, length in np.unique(kinds, axis=0):
            own = np.flatnonzero((kinds == (window, length)).all(1))
            frequencies, places = np.unique(self.frequencies[which[own]], return_inverse=True)
            shape = np.square(window_of(WINDOWS[window], int(length)))
            sums = [np.exp(4j * np.pi * each * np.arange(length)) @ shape for each in frequencies]
            found[own] = np.array(sums)[places]
        return found

    def taken(self, which: Array) -> Book:
        """Return the atoms of a mask or of indices, in that order."""
        arrays = {name: getattr(self, name)[which] for name in ("starts", "lengths", "frequencies", "windows")}
        return replace(self, **arrays, weights=self.weights[:, which])

    def describe(self) -> str:
        """Return the number of atoms, their scales and the duration."""
        scales = f" of {self.lengths.min()} to {self.lengths.max()} samples" if self.count else ""
        return f"Book, {self.channels} ch × {self.count} atoms{scales}, {self.duration:.3f} s at {self.sample_rate} Hz"

    def draw(self) -> MatplotlibFigure:
        """Return the atoms by time and frequency, and how their energies fall."""
        from nodes.dictionaries.drawing import draw_book

        return draw_book(self)

    def measure(self) -> dict[str, float]:
        """Return the number of atoms."""
        return {"atoms": float(self.count)}


def empty(channels: int, samples: int, sample_rate: int) -> Book:
    """Return a book without atoms: silence."""
    return Book(
        np.zeros(0, np.int64),
        np.zeros(0, np.int32),
        np.zeros(0),
        np.zeros(0, np.uint8),
        np.zeros((channels, 0), np.complex64),
        samples,
        sample_rate,
    )
