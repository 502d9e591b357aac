"""A sound as a book of atoms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pipelines.value import Array, Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


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
    def energies(self) -> Array:
        """Energy of each atom by itself over all channels, 2 Σ |b|², float64; what it has beyond the sound counts."""
        return np.asarray(2 * np.square(np.abs(self.weights), dtype=np.float64).sum(0))

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
