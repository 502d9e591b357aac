"""Atoms in frequency: transposed, and drawn to notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nodes.dictionaries.book import Book
from nodes.dictionaries.operations.moving import integral
from nodes.dictionaries.operations.phases import repitched
from pipelines.quantities import Envelope
from pipelines.value import Array

C0 = 440.0 * 2 ** (-57 / 12)
"""Frequency of C0 in Hz, with A4 at 440 Hz."""


class Heard(NamedTuple):
    """A book without atoms beyond half the sample rate, and how many there were."""

    book: Book
    dropped: int


def in_range(book: Book) -> Heard:
    """Leave out the atoms above half the sample rate."""
    which = book.frequencies <= 0.5
    return Heard(book if which.all() else book.taken(which), int(np.count_nonzero(~which)))


def shifted(book: Book, semitones: Array) -> Heard:
    """Return a book whose atoms go up by semitones each, with the phase of their middle."""
    return in_range(repitched(book, book.frequencies * 2 ** (semitones / 12), None))


def transposed(book: Book, semitones: Envelope, advanced: bool) -> Heard:
    """Return a book that goes up by semitones over its seconds.

    A tone of frequency f that is made of many atoms becomes one of frequency r(t) f: at the middle t of an atom its
    phase is 2πf ∫ r, which was 2πf t.
    """
    frequencies = book.frequencies * _factor(semitones.at(book.centres))
    gained = (integral(semitones, book.centres, _mean_factor) - book.centres) * book.sample_rate
    return in_range(repitched(book, frequencies, book.frequencies * gained if advanced else None))


def _factor(semitones: Array) -> Array:
    return np.asarray(2 ** (semitones / 12))


def _mean_factor(one: Array, other: Array) -> Array:
    """Return the mean of r = 2^(s/12) on a line from semitones s to s': r(s) (e^x - 1) / x, x = (s' - s) ln 2 / 12."""
    x = (other - one) * (np.log(2) / 12)
    steps = np.divide(np.expm1(x), x, out=np.ones(np.shape(x)), where=x != 0)
    return np.asarray(_factor(one) * steps)


def to_multiples(frequencies: Array, note: float) -> Array:
    """Return the multiple of a note that is nearest to each frequency, itself at least; 0 stays 0."""
    return np.where(frequencies > 0, np.maximum(1, np.rint(frequencies / note)) * note, 0.0)


def to_notes(frequencies: Array, notes: Array | Sequence[float]) -> Array:
    """Return the note that is nearest to each frequency in semitones; 0 stays 0."""
    table = np.unique(np.asarray(notes, np.float64))
    edges = np.sqrt(table[1:] * table[:-1])
    return np.where(frequencies > 0, table[np.searchsorted(edges, frequencies)], 0.0)


def octaves_of(pitch_classes: Sequence[float], highest: float) -> Array:
    """Return the notes of some pitch classes, semitones above C, in all octaves from 8 Hz to beyond `highest` Hz."""
    octaves = np.arange(-1, np.ceil(np.log2(max(highest, C0) / C0)) + 1)
    return np.sort((C0 * 2 ** (octaves[:, None] + np.asarray(pitch_classes) / 12)).ravel())


def drawn_to(book: Book, targets: Array, strength: Envelope, advanced: bool) -> Heard:
    """Return a book whose atoms go to target frequencies (Hz), by a part of the way in semitones: 0 none, 1 all."""
    own = book.frequencies
    aims, parts = targets / book.sample_rate, strength.at(book.centres)
    ratios = np.divide(aims, own, out=np.ones(book.count), where=own > 0)
    frequencies = np.where((parts == 1) & (own > 0), aims, own * ratios**parts)
    cycles = (frequencies - own) * (book.centres * book.sample_rate) if advanced else None
    return in_range(repitched(book, frequencies, cycles))
