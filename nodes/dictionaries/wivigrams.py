"""Wivigrams: the sum of the Wigner-Ville distributions of the atoms of a book, without cross terms between them.

S. Mallat and Z. Zhang (1993), "Matching pursuits with time-frequency dictionaries"; the name is that of B. Sturm et
al. (2009), "Analysis, visualization, and transformation of audio signals using dictionary-based methods".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nodes.dictionaries.book import Book
from nodes.dictionaries.windows import WINDOWS, window_of
from pipelines.value import Array

ROWS, COLUMNS = 240, 1100
LOWEST = 20.0
"""Hz at the bottom; what is lower stands in the lowest row."""

STEPS = 4
"""Lengths within a step of an octave are drawn as one."""

FINEST = 2**12
"""Least number of points at which the spectrum of a window is taken."""

AT_ONCE = 2**21
"""Numbers that are held for atoms that are longer than the sound."""


class Grid(NamedTuple):
    """Edges of the cells: of columns in samples, evenly, and of rows in Hz, evenly in octaves."""

    times: Array
    frequencies: Array
    sample_rate: int

    @property
    def columns(self) -> int:
        """Number of cells in time."""
        return len(self.times) - 1

    @property
    def rows(self) -> int:
        """Number of cells in frequency."""
        return len(self.frequencies) - 1

    @property
    def width(self) -> float:
        """Samples of a column."""
        return float(self.times[1] - self.times[0])

    def row(self, frequencies: Array) -> Array:
        """Return in which row frequencies in Hz lie, the ends of the grid at most."""
        return np.clip(np.searchsorted(self.frequencies, frequencies, "right") - 1, 0, self.rows - 1)


def grid_of(book: Book, rows: int = ROWS, columns: int = COLUMNS) -> Grid:
    """Return the cells of a picture of a book, from 20 Hz to half the sample rate; never more columns than samples."""
    top = book.sample_rate / 2
    times = np.linspace(0, max(1, book.samples), max(1, min(columns, book.samples)) + 1)
    return Grid(times, np.geomspace(min(LOWEST, top / 100), top, rows + 1), book.sample_rate)


def wivigram(book: Book, grid: Grid, values: Array | None = None) -> Array:
    """Return rows × columns, float64: the sum of the Wigner-Ville distributions of all atoms in each cell.

    An atom's is a bump in time times a bump in frequency: its squared window and the squared spectrum of that. For a
    Gaussian this is its Wigner-Ville distribution exactly; for other windows it has the same marginals, and is smooth
    and positive where theirs oscillates. Cells add up to the energies of the atoms by themselves, `Book.energies`, as
    far as they lie within the sound. Atoms are placed to the nearest cell.

    Parameters
    ----------
    book
        Any book.
    grid
        The cells.
    values
        What is spread in place of the energies, one number an atom.
    """
    values = book.energies if values is None else values
    found = np.zeros((grid.rows, grid.columns))
    for kind, length, chosen in _alike(book):
        window = window_of(kind, length)
        spread = _in_time if length <= book.samples else _in_time_one_by_one
        used, rows = np.unique(grid.row(book.frequencies[chosen] * grid.sample_rate), return_inverse=True)
        found += _in_frequency(window, grid, used) @ spread(window, book.starts[chosen], rows, values[chosen], grid)
    return found


def _alike(book: Book) -> Iterator[tuple[str, int, Array]]:
    """Yield the window, the mean length and the indices of atoms that are drawn alike."""
    if not book.count:
        return
    steps = np.rint(STEPS * np.log2(np.maximum(book.lengths, 1))).astype(np.int64)
    kinds, inverse = np.unique(steps * len(WINDOWS) + book.windows, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    ends = np.cumsum(np.bincount(inverse, minlength=len(kinds)))
    for kind, chosen in zip(kinds, np.split(order, ends[:-1]), strict=True):
        length = round(math.exp(np.log(book.lengths[chosen]).mean()))
        yield WINDOWS[int(kind) % len(WINDOWS)], length, chosen


def _in_time(window: Array, starts: Array, rows: Array, values: Array, grid: Grid) -> Array:
    """Return used rows × columns: the values of atoms at their rows, spread in time as their squared window is."""
    from scipy.signal import fftconvolve

    power, width = np.square(window), grid.width
    middle = float(power @ np.arange(len(window))) + 0.5
    reach = math.ceil(len(window) / width) + 1
    edges = middle + width * (np.arange(2 * reach + 2) - reach - 0.5)
    bump = np.diff(_within(power, edges))
    columns = np.floor((starts + middle) / width).astype(np.int64) + reach
    padded = grid.columns + 2 * reach
    seen = (columns >= 0) & (columns < padded)
    places = rows[seen] * padded + columns[seen]
    count = rows.max() + 1
    impulses = np.bincount(places, values[seen], count * padded).reshape(count, padded)
    return np.asarray(fftconvolve(impulses, bump[None], "same", axes=1)[:, reach : reach + grid.columns])


def _in_time_one_by_one(window: Array, starts: Array, rows: Array, values: Array, grid: Grid) -> Array:
    """Return the same for atoms that are longer than the sound."""
    power, spread = np.square(window), np.zeros((rows.max() + 1, grid.columns))
    several = max(1, AT_ONCE // grid.columns)
    for first in range(0, len(starts), several):
        part = slice(first, first + several)
        bumps = np.diff(_within(power, grid.times - starts[part, None]), axis=1)
        np.add.at(spread, rows[part], bumps * values[part, None])
    return spread


def _within(power: Array, edges: Array) -> Array:
    """Return how much of a squared window lies before each edge, in samples after its beginning."""
    before = np.concatenate([[0.0], np.cumsum(power)])
    return np.asarray(np.interp(edges, np.arange(len(before)), before))


def _in_frequency(window: Array, grid: Grid, used: Array) -> Array:
    """Return rows × used rows: which part of the energy of an atom in the middle of a used row lies in each."""
    size = max(FINEST, 4 << (len(window) - 1).bit_length())
    power = np.fft.fftshift(np.square(np.abs(np.fft.fft(window, size)))) / size
    below, places = np.concatenate([[0.0], np.cumsum(power)]), (np.arange(size + 1) - size // 2 - 0.5) / size
    middles = np.sqrt(grid.frequencies[used + 1] * grid.frequencies[used]) / grid.sample_rate
    edges = grid.frequencies / grid.sample_rate
    edges[0], edges[-1] = -1.0, 2.0  # what leaks beyond 0 or half the sample rate is folded back nearby
    return np.diff(np.interp(edges[:, None] - middles, places, below), axis=0)
