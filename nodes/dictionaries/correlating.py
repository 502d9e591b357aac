"""Inner products of a sound with all atoms of a book, time tile by time tile: the adjoint of adding them up.

S makes a sound of weights, Σ 2 Re(b_k w_k(n) exp(2πi f_k n)); with weights as pairs of real numbers its adjoint gives
2 Σ_n w_k(n) exp(-2πi f_k n) y(n) for each atom, over what of it is heard. Both go by the same tiles in the same order,
whatever the number of workers.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from nodes.dictionaries.book import Book
from nodes.dictionaries.pursuit.compiling import at_hand, compiled
from nodes.dictionaries.rebuilding import (
    BLOCK,
    RENEWED,
    TILE,
    add_atoms,
    fill_tone,
    interpolate,
    members_of,
    shapes_of,
)
from pipelines.value import Array
from pipelines.workers import spread

KINDS = (np.int64, np.int64, np.int64, np.float64, np.int64, np.int64)
"""Of the arrays of a part."""


class Part(NamedTuple):
    """The atoms of a tile, by window and length; `which` are their numbers in the book, starts count from the tile."""

    begin: int
    samples: int
    which: Array
    starts: Array
    lengths: Array
    frequencies: Array
    windows: Array
    offsets: Array


class Support(NamedTuple):
    """Where the atoms of a book are, without their weights.

    Parameters
    ----------
    parts
        The tiles of the sound.
    table, fine
        Windows, see `rebuilding.Shapes`.
    atoms
        Number of atoms.
    """

    parts: list[Part]
    table: Array
    fine: Array
    atoms: int


class Correlated(NamedTuple):
    """What correlating a sound gives: channels × atoms, complex128; energies of the sound and of the book's sound."""

    products: Array
    energies: Array
    rebuilt: Array


def support_of(book: Book) -> Support:
    """Return where the atoms of a book are."""
    shapes = shapes_of(book)
    parts = []
    for tile, members in enumerate(members_of(book)):
        which = members[np.argsort(shapes.kinds[members], kind="stable")]
        begin = tile * TILE
        parts.append(
            Part(
                begin,
                min(TILE, book.samples - begin),
                which,
                book.starts[which] - begin,
                book.lengths[which].astype(np.int64),
                book.frequencies[which].astype(np.float64),
                book.windows[which].astype(np.int64),
                shapes.offsets[which].astype(np.int64),
            )
        )
    return Support(parts, shapes.table, shapes.fine, book.count)


def correlated(support: Support, weights: Array, sound: Array | None = None) -> Correlated:
    """Return the inner products of all atoms with S b, or with y - S b.

    Parameters
    ----------
    support
        The atoms.
    weights
        b, channels × atoms, complex.
    sound
        y, channels × samples; S b itself is correlated unless given.
    """
    done = spread(partial(_correlated_part, support, weights, sound), support.parts)
    products = np.zeros((len(weights), support.atoms), np.complex128)
    energies, rebuilt = np.zeros(len(weights)), np.zeros(len(weights))
    for part, (own, energy, loud) in zip(support.parts, done, strict=True):
        products[:, part.which] += own.T
        energies += energy
        rebuilt += loud
    return Correlated(products, energies, rebuilt)


def leave_rest(support: Support, weights: Array, sound: Array, out: Array) -> Array:
    """Leave y - S b in `out`, channels × samples; return the energy of S b in each channel."""
    loud = spread(partial(_leave_part, support, weights, sound, out), support.parts)
    return np.asarray(np.sum([np.zeros(len(weights)), *loud], axis=0))


def correlating_at_hand() -> bool:
    """Return whether nothing has to be compiled."""
    return at_hand([add_atoms, correlate_atoms])


def compile_correlating() -> None:
    """Compile what is not at hand, by no atoms at all."""
    support = Support([Part(0, 1, *(np.zeros(0, kind) for kind in KINDS))], np.zeros(0), np.zeros((1, 1)), 0)
    correlated(support, np.zeros((1, 0)))


def _correlated_part(support: Support, weights: Array, sound: Array | None, part: Part) -> tuple[Array, Array, Array]:
    heard = _sound_of(support, weights, part)
    loud = np.square(heard).sum(1)
    if sound is not None:
        heard = sound[:, part.begin : part.begin + part.samples] - heard
    products = np.zeros((len(part.which), len(weights)), np.complex128)
    longest = int(part.lengths.max(initial=1))
    correlate_atoms(
        heard,
        products,
        part.starts,
        part.lengths,
        part.frequencies,
        part.windows,
        part.offsets,
        support.table,
        support.fine,
        np.zeros(longest),
        np.zeros((2, BLOCK)),
    )
    return products, np.square(heard).sum(1), loud


def _leave_part(support: Support, weights: Array, sound: Array, out: Array, part: Part) -> Array:
    heard, place = _sound_of(support, weights, part), slice(part.begin, part.begin + part.samples)
    out[:, place] = sound[:, place] - heard
    return np.asarray(np.square(heard).sum(1))


def _sound_of(support: Support, weights: Array, part: Part) -> Array:
    heard = np.zeros((len(weights), part.samples))
    doubled = 2 * np.ascontiguousarray(weights[:, part.which].T, np.complex128)
    add_atoms(
        heard,
        part.starts,
        part.lengths,
        part.frequencies,
        doubled,
        part.windows,
        part.offsets,
        support.table,
        support.fine,
    )
    return heard


@compiled
def correlate_atoms(
    sound: Array,
    products: Array,
    starts: Array,
    lengths: Array,
    frequencies: Array,
    windows: Array,
    offsets: Array,
    table: Array,
    fine: Array,
    room: Array,
    tones: Array,
) -> None:
    """Fill atoms × channels with inner products; starts count from the first sample of channels × samples.

    Atoms of one window and length follow each other; `room` has that many samples as the longest of them, `tones` is
    2 × BLOCK.
    """
    known = -1
    real, imaginary = tones[0], tones[1]
    for atom in range(len(starts)):
        length, frequency, start = lengths[atom], frequencies[atom], starts[atom]
        if offsets[atom] >= 0:
            window = table[offsets[atom] : offsets[atom] + length]
        else:
            window = room[:length]
            if known < 0 or windows[atom] != windows[known] or length != lengths[known]:
                known = atom
                interpolate(window, fine[windows[atom]])
        fill_tone(real, imaginary, frequency)
        first, last = max(-start, 0), min(length, sound.shape[1] - start)
        turn = np.exp(-2j * np.pi * (frequency * BLOCK % 1.0))
        phasor = turn
        for number, place in enumerate(range(first, last, BLOCK)):
            if number % RENEWED == 0:
                phasor = np.exp(-2j * np.pi * (frequency * place % 1.0))
            size = min(BLOCK, last - place)
            shape = window[place : place + size]
            for channel in range(sound.shape[0]):
                heard = sound[channel, start + place : start + place + size]
                across, along = 0.0, 0.0
                for q in range(size):
                    value = heard[q] * shape[q]
                    across += value * real[q]
                    along += value * imaginary[q]
                products[atom, channel] += 2 * phasor * complex(across, -along)
            phasor *= turn
