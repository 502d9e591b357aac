"""The sound of a book: all atoms added up, time tile by time tile.

An atom's tone exp(2πi f n) is a product of two, exp(2πi f BLOCK p) exp(2πi f q) for sample n = BLOCK p + q: the second
one is tabled for an atom, the first one turned from block to block and computed afresh every `RENEWED` blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numba import njit

from nodes.dictionaries.book import Book
from nodes.dictionaries.windows import WINDOWS, window_of
from pipelines.value import Array
from pipelines.workers import spread

TILE = 1 << 15
"""Samples of a tile, whatever the number of workers: it sets the order in which float64 sums are made."""

BLOCK = 128
"""Samples of a block."""

RENEWED = 64
"""Blocks after which a tone's rotation is computed afresh; until then errors of some 1e-16 add up."""

TABLED = 1 << 22
"""Most samples of all tabled windows together; books with more kinds and lengths interpolate them."""

FINE = 1 << 14
"""Places of the windows from which others are interpolated by cubics, to some 1e-11 of their peak."""


class Shapes(NamedTuple):
    """The windows of a book.

    Parameters
    ----------
    kinds
        Each atom's window and length, as one number.
    table
        All distinct windows, one after another; empty where they would be too many.
    fine
        kinds × places, each window in `FINE` places, without its norm.
    offsets
        First sample of each atom's window in the table, -1 where it is interpolated.
    """

    kinds: Array
    table: Array
    fine: Array
    offsets: Array


def rebuilt(book: Book, out: Array | None = None) -> Array:
    """Return the sound of a book, channels × samples.

    Sums are float64 within a tile and rounded once, to the float32 of `Audio`: a weight has no more digits, and half a
    unit in the last place of float32 is 150 dB below full scale.

    Parameters
    ----------
    book
        Any atoms; what lies beyond the ends of the sound is not heard.
    out
        channels × samples of any kind of float, such as `Context.array`, in which to leave the sound; a new float32
        array unless given.
    """
    sound = np.zeros((book.channels, book.samples), np.float32) if out is None else out
    for _ in rebuilding(book, sound):
        pass
    return sound


def rebuilding(book: Book, out: Array, tiles: int = 64) -> Iterator[int]:
    """Leave the sound of a book in `out`; after every few tiles yield how many samples are done."""
    shapes = shapes_of(book)
    members = members_of(book)
    for first in range(0, len(members), tiles):
        last = min(first + tiles, len(members))
        spread(partial(_leave_tile, book, shapes, members, out), range(first, last))
        yield min(last * TILE, book.samples)


def members_of(book: Book) -> list[Array]:
    """Return the indices of the atoms that reach into each tile, in the order of the book."""
    tiles = -(-book.samples // TILE)
    stops = np.minimum(book.starts + book.lengths, book.samples)
    starts = np.maximum(book.starts, 0)
    heard = np.flatnonzero(starts < stops)
    firsts, lasts = starts[heard] // TILE, (stops[heard] - 1) // TILE
    each = lasts - firsts + 1
    steps = np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each)
    owners = np.repeat(firsts, each) + steps
    order = np.argsort(owners, kind="stable")
    edges = np.searchsorted(owners[order], np.arange(1, max(tiles, 1)))
    return np.split(np.repeat(heard, each)[order], edges) if tiles else []


def shapes_of(book: Book) -> Shapes:
    """Return the windows of a book."""
    kinds = (book.windows.astype(np.int64) << 32) + book.lengths
    distinct, own = np.unique(kinds, return_inverse=True)
    lengths = distinct % (1 << 32)
    names = [WINDOWS[number] for number in distinct >> 32]
    if lengths.sum() > TABLED:
        fine = np.stack([window_of(name, FINE) for name in WINDOWS])
        return Shapes(kinds, np.zeros(0), fine, np.full(book.count, -1))
    table = [window_of(name, int(length)) for name, length in zip(names, lengths, strict=True)]
    offsets = np.cumsum(lengths) - lengths
    return Shapes(kinds, np.concatenate([*table, np.zeros(0)]), np.zeros((1, FINE)), offsets[own])


def _leave_tile(book: Book, shapes: Shapes, members: list[Array], out: Array, tile: int) -> None:
    begin = tile * TILE
    sound = np.zeros((book.channels, min(TILE, book.samples - begin)))
    # those of one window and length follow each other, so that it is interpolated once
    which = members[tile][np.argsort(shapes.kinds[members[tile]], kind="stable")]
    add_atoms(
        sound,
        book.starts[which] - begin,
        book.lengths[which].astype(np.int64),
        book.frequencies[which].astype(np.float64),
        2 * np.ascontiguousarray(book.weights[:, which].T, np.complex128),
        book.windows[which].astype(np.int64),
        shapes.offsets[which].astype(np.int64),
        shapes.table,
        shapes.fine,
    )
    out[:, begin : begin + sound.shape[1]] = sound


@njit(cache=True, nogil=True)
def add_atoms(
    sound: Array,
    starts: Array,
    lengths: Array,
    frequencies: Array,
    weights: Array,
    windows: Array,
    offsets: Array,
    table: Array,
    fine: Array,
) -> None:
    """Add atoms to channels × samples; starts count from its first sample, weights are atoms × channels, doubled."""
    window, known = np.zeros(0), -1
    real, imaginary = np.empty(BLOCK), np.empty(BLOCK)
    for atom in range(len(starts)):
        length = lengths[atom]
        if offsets[atom] >= 0:
            window = table[offsets[atom] : offsets[atom] + length]
        elif known < 0 or windows[atom] != windows[known] or length != lengths[known]:
            window, known = np.empty(length), atom
            interpolate(window, fine[windows[atom]])
        fill_tone(real, imaginary, frequencies[atom])
        _add_atom(sound, starts[atom], frequencies[atom], weights[atom], window, real, imaginary)


@njit(cache=True, nogil=True)
def fill_tone(real: Array, imaginary: Array, frequency: float) -> None:
    """Fill a block with the tone from phase 0 on, every quarter of it from a rotation computed afresh."""
    quarter = BLOCK // 4
    turn = np.exp(2j * np.pi * frequency)
    for first in range(0, BLOCK, quarter):
        phasor = np.exp(2j * np.pi * (frequency * first % 1.0))
        for place in range(first, first + quarter):
            real[place], imaginary[place] = phasor.real, phasor.imag
            phasor *= turn


@njit(cache=True, nogil=True)
def _add_atom(
    sound: Array, start: int, frequency: float, weights: Array, window: Array, real: Array, imaginary: Array
) -> None:
    first, last = max(-start, 0), min(len(window), sound.shape[1] - start)
    cosine, sine = np.empty(BLOCK), np.empty(BLOCK)
    turn = np.exp(2j * np.pi * (frequency * BLOCK % 1.0))
    phasor = turn
    for number, place in enumerate(range(first, last, BLOCK)):
        if number % RENEWED == 0:
            phasor = np.exp(2j * np.pi * (frequency * place % 1.0))
        size = min(BLOCK, last - place)
        shape = window[place : place + size]
        for q in range(size):
            cosine[q] = shape[q] * real[q]
            sine[q] = shape[q] * imaginary[q]
        for channel in range(sound.shape[0]):
            weight = weights[channel] * phasor
            across, along = weight.real, weight.imag
            target = sound[channel, start + place : start + place + size]
            for q in range(size):
                target[q] += across * cosine[q] - along * sine[q]
        phasor *= turn


@njit(cache=True, nogil=True)
def interpolate(window: Array, fine: Array) -> None:
    """Fill a window by cubics through four places of a finer or coarser one, and give it a sum of squares of 1."""
    places, step, total = len(fine), len(fine) / len(window), 0.0
    for sample in range(len(window)):
        at = sample * step
        left = min(max(int(at), 1), places - 3)
        x = at - left
        below, here, above, beyond = fine[left - 1], fine[left], fine[left + 1], fine[left + 2]
        window[sample] = (
            -x * (x - 1) * (x - 2) / 6 * below
            + (x + 1) * (x - 1) * (x - 2) / 2 * here
            - (x + 1) * x * (x - 2) / 2 * above
            + (x + 1) * x * (x - 1) / 6 * beyond
        )
        total += window[sample] ** 2
    if len(window) == 1:
        window[0] = 1.0
    else:
        window /= np.sqrt(total)
