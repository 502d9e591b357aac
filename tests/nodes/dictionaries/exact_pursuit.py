"""Matching pursuit as the definition has it, in double precision: every atom is looked at, every time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nodes.dictionaries.book import Book
from nodes.dictionaries.windows import WINDOWS, window_of

Array = np.ndarray[Any, Any]


def sound_of(book: Book) -> Array:
    """Return channels × samples of a book, float64, by the formula of its docstring."""
    sound = np.zeros((book.channels, book.samples))
    for start, length, frequency, window, weight in zip(
        book.starts, book.lengths, book.frequencies, book.windows, book.weights.T, strict=True
    ):
        times = np.arange(start, start + length)
        inside = (times >= 0) & (times < book.samples)
        shape = window_of(WINDOWS[window], int(length)) * np.exp(2j * np.pi * frequency * (times - start))
        sound[:, times[inside]] += 2 * np.real(np.outer(weight, shape[inside]))
    return sound


@dataclass
class Exact:
    """All real atoms of a dictionary for a sound (channels × samples) with silence around it."""

    sound: Array
    scales: tuple[int, ...]
    window: str
    overlap: int
    oversampling: int = 1

    def __post_init__(self) -> None:
        longest = max(self.scales)
        channels, length = self.sound.shape
        self.residual = np.zeros((channels, 2 * longest + -(-length // longest) * longest + longest))
        self.residual[:, longest : longest + length] = self.sound
        self.starts = {
            scale: np.arange(0, self.residual.shape[1] - scale + 1, scale // self.overlap) for scale in self.scales
        }

    def best(self) -> float:
        """Return the energy that the best of all atoms takes away."""
        return max(float(self._gains(scale).max()) for scale in self.scales)

    def take_out(self, scale: int, start: int, number: int) -> tuple[float, Array]:
        """Take an atom out; return the energy that it took away, and its weight in each channel."""
        place = start + max(self.scales)
        assert place in self.starts[scale]
        assert number in self._numbers(scale)
        basis = self._basis(scale, number)
        part = self.residual[:, place : place + scale]
        before = np.sum(part**2)
        found = part @ np.linalg.pinv(basis).T
        part -= found @ basis.T
        weights = found[:, 0] / 2 - (0.5j * found[:, 1] if number else 0)
        return before - np.sum(part**2), weights

    def _gains(self, scale: int) -> Array:
        """Return the energy that each atom takes away: projections on cosine and sine, by their Gram matrix."""
        window, numbers = window_of(self.window, scale), self._numbers(scale)
        views = np.lib.stride_tricks.sliding_window_view(self.residual, scale, axis=1)[:, self.starts[scale]]
        spectra = np.fft.fft(views * window, scale * self.oversampling, axis=2)[:, :, numbers]
        phases = 2 * np.pi * np.outer(numbers, np.arange(scale)) / (scale * self.oversampling)
        cosines, sines = np.cos(phases) * window, np.sin(phases) * window
        a, b, c = (np.sum(x * y, axis=1) for x, y in ((cosines, cosines), (cosines, sines), (sines, sines)))
        x, y = spectra.real, -spectra.imag
        determinant = np.where(numbers == 0, 1.0, a * c - b * b)
        gains = (c * x * x - 2 * b * x * y + a * y * y) / determinant
        gains[:, :, 0] = x[:, :, 0] ** 2 / a[0]
        return np.asarray(gains.sum(0))

    def _numbers(self, scale: int) -> Array:
        """Return the bins of a scale: 0, and those a cycle or more in a window from 0 Hz and half the sample rate."""
        cycle = self.oversampling
        return np.concatenate([[0], np.arange(cycle, scale * cycle // 2 - cycle + 1)])

    def _basis(self, scale: int, number: int) -> Array:
        window = window_of(self.window, scale)
        phase = 2 * np.pi * number * np.arange(scale) / (scale * self.oversampling)
        columns = [np.cos(phase) * window] + ([np.sin(phase) * window] if number else [])
        return np.stack(columns, axis=1)
