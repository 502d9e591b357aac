"""A sound through the atoms of a given book: their weights found one after another, by projection of what is left.

This is matching pursuit (Mallat and Zhang, IEEE Transactions on Signal Processing 1993) whose order is given: each atom
in turn takes as much out of what is left as it can. Gone through again and again, the weights come near those of least
squares (coordinate descent, an atom at a time). The use for one sound's book and another sound is our own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from nodes.dictionaries.book import Book
from nodes.dictionaries.pursuit.blocks import energy_in
from nodes.dictionaries.pursuit.compiling import at_hand, compiled, inlined
from nodes.dictionaries.rebuilding import FINE, TABLED, interpolate
from nodes.dictionaries.windows import WINDOWS, window_of
from nodes.values.blocks import spans
from pipelines.context import release
from pipelines.value import Array

PART = 1 << 14
"""Most atoms that are weighed in one go."""

BLOCK = 128
"""Samples through which a tone is tabled; a rotation of its own leads to the next ones."""

RENEWED = 64
"""Blocks after which that rotation is computed afresh."""

HEARD = 0.01
"""Share of an atom's energy within the sound below which it has no weight: that would be large, and hardly heard."""

FLAT = 0.01
"""Energy of the fainter one of an atom's two phases over that of the other below which it has no weight."""


class _Part(NamedTuple):
    """Atoms `first` … `last`, all windows that they need one after another, and where that of each begins."""

    first: int
    last: int
    table: Array
    offsets: Array


def guide(
    book: Book,
    sound: Array,
    weights: Array,
    left: Array,
    passes: int,
    enough: Callable[[float], bool],
    heard: Callable[[int, int], None] = lambda new, most: None,
) -> None:
    """Leave the weights that the atoms of a book have in a sound, and what is left of it.

    Parameters
    ----------
    book
        Any atoms; what of them lies beyond the ends of the sound does not count.
    sound
        channels × samples, finite.
    weights
        channels × atoms, complex64: left here.
    left
        channels × samples, float64: the sound without them is left here.
    passes
        Most passes through the atoms.
    enough
        Told the energy that is left after a pass; says whether there is no need for another one.
    heard
        Told of weighed atoms, and the most that there may be.
    """
    weights[:] = 0
    for start, stop in spans(sound.shape[1]):
        left[:, start:stop] = sound[:, start:stop]
        release(left)
    for _ in range(passes):
        for part in _parts(book):
            _weigh_part(book, part, weights, left)
            heard(part.last - part.first, passes * book.count)
        if enough(energy_in(left)):
            return


def compiled_at_hand() -> bool:
    """Return whether nothing has to be compiled."""
    return at_hand([weigh])


def compile_all() -> None:
    """Compile what is not at hand, by a pass through one atom."""
    arrays = (np.zeros(1, np.int64), np.ones(1, np.int32), np.zeros(1), np.zeros(1, np.uint8))
    book = Book(*arrays, np.zeros((1, 1), np.complex64), 1, 1)
    guide(book, np.ones((1, 1), np.float32), book.weights, np.zeros((1, 1)), 1, lambda energy: True)


def _parts(book: Book) -> Iterator[_Part]:
    """Yield all atoms in parts; where all windows together are too many to be tabled, part by part are."""
    kinds = (book.windows.astype(np.int64) << 32) + book.lengths
    distinct, own = np.unique(kinds, return_inverse=True)
    if (distinct % (1 << 32)).sum() <= TABLED:
        table, offsets = _tabled(distinct, window_of)
        bounds = np.append(np.arange(0, book.count, PART), book.count)
        for first, last in pairwise(bounds):
            yield _Part(first, last, table, offsets[own[first:last]])
        return
    first, ends = 0, np.cumsum(book.lengths, dtype=np.int64)
    while first < book.count:
        whole = int(np.searchsorted(ends, ends[first] - book.lengths[first] + TABLED, "right"))
        last = max(first + 1, min(first + PART, whole))
        distinct, own = np.unique(kinds[first:last], return_inverse=True)
        table, offsets = _tabled(distinct, _interpolated)
        yield _Part(first, last, table, offsets[own])
        first = last


def _tabled(kinds: Array, make: Callable[[str, int], Array]) -> tuple[Array, Array]:
    """Return windows one after another, and where each begins."""
    lengths = kinds % (1 << 32)
    names = [WINDOWS[number] for number in kinds >> 32]
    each = [make(name, int(length)) for name, length in zip(names, lengths, strict=True)]
    return np.concatenate([*each, np.zeros(0)]), np.cumsum(lengths) - lengths


def _interpolated(name: str, length: int) -> Array:
    window = np.empty(length)
    interpolate(window, _fine(name))
    return window


@cache
def _fine(name: str) -> Array:
    return window_of(name, FINE)


def _weigh_part(book: Book, part: _Part, weights: Array, left: Array) -> None:
    inside = slice(part.first, part.last)
    lengths = book.lengths[inside].astype(np.int64)
    own = np.ascontiguousarray(weights[:, inside].T)
    waves = np.empty((2, int(lengths.max())))
    weigh(
        left,
        book.starts[inside].astype(np.int64),
        lengths,
        book.frequencies[inside].astype(np.float64),
        part.offsets.astype(np.int64),
        part.table,
        waves,
        np.empty((2, BLOCK)),
        own,
    )
    weights[:, inside] = own.T


@compiled
def weigh(
    left: Array,
    starts: Array,
    lengths: Array,
    frequencies: Array,
    offsets: Array,
    table: Array,
    waves: Array,
    tone: Array,
    weights: Array,
) -> None:
    """Project what is left, channels × samples, on each atom in turn; add that to its weights, atoms × channels.

    `waves` and `tone` are room for the two phases of the longest atom, and of a block.
    """
    real, imaginary = tone
    for atom in range(len(starts)):
        low, high = max(-starts[atom], 0), min(lengths[atom], left.shape[1] - starts[atom])
        if high <= low:
            continue
        window = table[offsets[atom] + low : offsets[atom] + high]
        cosine, sine = waves[0, : len(window)], waves[1, : len(window)]
        _fill_tone(frequencies[atom], real, imaginary)
        _fill_waves(frequencies[atom], window, low, real, imaginary, cosine, sine)
        one, both, other = _product(cosine, cosine), _product(cosine, sine), _product(sine, sine)
        if one + other < HEARD:
            continue
        for channel in range(left.shape[0]):
            sound = left[channel, starts[atom] + low : starts[atom] + high]
            p, q = _solved(one, both, other, _product(sound, cosine), _product(sound, sine))
            old = weights[atom, channel]
            new = np.complex64(complex(old.real + p / 2, old.imag - q / 2))
            weights[atom, channel] = new
            x, y = 2.0 * (np.float64(new.real) - old.real), 2.0 * (np.float64(new.imag) - old.imag)
            for n in range(len(sound)):  # what is no length of an array keeps a loop from being made one of vectors
                sound[n] -= x * cosine[n] - y * sine[n]


@inlined
def _product(one: Array, other: Array) -> Any:
    total = 0.0
    for n in range(len(one)):
        total += one[n] * other[n]
    return total


@inlined
def _fill_tone(frequency: float, real: Array, imaginary: Array) -> None:
    """Write a block of the tone from phase 0 on, every quarter of it from a rotation computed afresh."""
    turn_real, turn_imaginary = np.cos(2 * np.pi * frequency), np.sin(2 * np.pi * frequency)
    for first in range(0, BLOCK, BLOCK // 4):
        x, y = np.cos(2 * np.pi * (frequency * first % 1.0)), np.sin(2 * np.pi * (frequency * first % 1.0))
        for place in range(first, first + BLOCK // 4):
            real[place], imaginary[place] = x, y
            x, y = x * turn_real - y * turn_imaginary, x * turn_imaginary + y * turn_real


@inlined
def _fill_waves(
    frequency: float, window: Array, low: int, real: Array, imaginary: Array, cosine: Array, sine: Array
) -> None:
    """Write window times cosine and sine of a tone whose phase is 0 `low` samples before."""
    turn = 2 * np.pi * (frequency * BLOCK % 1.0)
    turn_real, turn_imaginary = np.cos(turn), np.sin(turn)
    x, y = 1.0, 0.0
    for block in range(-(-len(window) // BLOCK)):
        begin = block * BLOCK
        if block % RENEWED == 0:
            phase = 2 * np.pi * (frequency * (low + begin) % 1.0)
            x, y = np.cos(phase), np.sin(phase)
        end = min(begin + BLOCK, len(window))
        shape, even, odd = window[begin:end], cosine[begin:end], sine[begin:end]
        for q in range(len(shape)):
            even[q] = shape[q] * (x * real[q] - y * imaginary[q])
            odd[q] = shape[q] * (x * imaginary[q] + y * real[q])
        x, y = x * turn_real - y * turn_imaginary, x * turn_imaginary + y * turn_real


@inlined
def _solved(one: float, both: float, other: float, along: float, across: float) -> Any:
    """Return how much of an atom's two phases is in a sound: least squares, of the stronger one where one is faint."""
    middle, half = (one + other) / 2, (one - other) / 2
    reach = np.sqrt(half * half + both * both)
    greatest, least = middle + reach, middle - reach
    if least > FLAT * greatest:
        determinant = one * other - both * both
        return (other * along - both * across) / determinant, (one * across - both * along) / determinant
    x, y = (greatest - other, both) if half >= 0 else (both, greatest - one)
    share = (x * along + y * across) / (greatest * (x * x + y * y))
    return x * share, y * share
