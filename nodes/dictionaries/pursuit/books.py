"""A sound as a book and what is left of it: channels together or apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from nodes.dictionaries.book import Book
from nodes.dictionaries.pursuit import refreshing, sweeping
from nodes.dictionaries.pursuit.blocks import Decomposed, Limits, block_span, decompose, energy_in
from nodes.dictionaries.pursuit.compiling import at_hand
from nodes.dictionaries.pursuit.decomposing import pursue
from nodes.dictionaries.pursuit.dictionary import Dictionary, dictionary_of
from nodes.dictionaries.pursuit.searching import Course, falling
from nodes.dictionaries.pursuit.sizes import THRESHOLD
from nodes.dictionaries.windows import WINDOWS
from pipelines.value import Array
from pipelines.workers import spread

Channels = Literal["together", "apart"]


class Made(NamedTuple):
    """A book, and whether more atoms would not have helped."""

    book: Book
    stalled: bool


def book_of(
    samples: Array,
    sample_rate: int,
    dictionary: Dictionary,
    atoms: int,
    snr: float,
    channels: Channels,
    residual: Array,
    course: Course | None = None,
    heard: Callable[[int, int], None] = lambda new, most: None,
    floor: float = 0.0,
) -> Made:
    """Return the atoms of a sound and write what is left.

    Parameters
    ----------
    samples
        channels × samples, finite.
    sample_rate
        Samples a second.
    dictionary
        The atoms that there are.
    atoms
        Most atoms; of each channel where channels are apart.
    snr
        Energy of the sound over what may be left of it, in dB; of each channel where channels are apart.
    channels
        'together' has each atom in all channels, 'apart' in one.
    residual
        channels × samples, float32: what is left is written here.
    course
        How the pursuit goes on.
    heard
        Told of new atoms, and the most that there may be.
    floor
        Mean square of what is left at which to stop.
    """

    def found_in(rows: slice) -> Decomposed:
        energy = max(energy_in(samples[rows]) * 10 ** (-snr / 10), floor * samples[rows].size)
        block = block_span(dictionary, count)  # as many channels apart need as much room
        return decompose(samples[rows], dictionary, Limits(atoms, energy), residual[rows], course, heard, block)

    count = len(samples)
    if channels == "together":
        found = found_in(slice(0, count))
        return Made(book_from(found, dictionary, samples.shape[1], sample_rate), found.stalled)
    each = spread(found_in, [slice(channel, channel + 1) for channel in range(count)])
    return Made(book_from(_joined(each), dictionary, samples.shape[1], sample_rate), any(one.stalled for one in each))


def compiled_at_hand() -> bool:
    """Return whether nothing has to be compiled."""
    compiled: list[Callable[..., object]] = [
        sweeping.sweep,
        sweeping.measure,
        refreshing.overlap_add,
        refreshing.write_spectra,
    ]
    return at_hand(compiled)


def compile_all() -> None:
    """Compile what is not at hand, by a pursuit of two atoms."""
    sound = np.zeros((1, 256))
    sound[0, 100] = 1.0
    pursue(sound, dictionary_of((64,), "hann", 4, THRESHOLD), 2, 0.0, Course())


def signal_to_noise(samples: Array, residual: Array) -> float:
    """Return the energy of a sound over that of what is left of it, in dB; infinite where nothing is left."""
    left, whole = energy_in(residual), energy_in(samples)
    return 10 * math.log10(whole / left) if left and whole else math.inf


def _joined(each: list[Decomposed]) -> Decomposed:
    """Return the atoms of all channels by falling gain, with weights of 0 in other channels."""
    order = falling([one.gains for one in each])
    weights = np.zeros((len(order), len(each)), np.complex64)
    ends = np.cumsum([0, *(len(one.gains) for one in each)])
    for channel, one in enumerate(each):
        weights[ends[channel] : ends[channel + 1], channel] = one.weights[:, 0]
    atoms, gains = (np.concatenate([one[place] for one in each]) for place in (0, 2))
    return Decomposed(atoms[order], weights[order], gains[order], any(one.stalled for one in each))


def book_from(found: Decomposed, dictionary: Dictionary, samples: int, sample_rate: int) -> Book:
    """Return atoms as a book of a sound of so many samples."""
    scales, starts, bins = found.atoms.T
    lengths = np.array(dictionary.scales, np.int32)[scales]
    return Book(
        starts - dictionary.longest,
        lengths,
        bins / np.array(dictionary.bins)[scales],
        np.full(len(scales), WINDOWS.index(dictionary.window), np.uint8),
        np.ascontiguousarray(found.weights.T),
        samples,
        sample_rate,
    )
