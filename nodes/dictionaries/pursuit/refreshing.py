"""What is left of a sound: atoms taken out of it sample by sample, and its coefficients measured anew.

Both are done in segments of time of fixed length, so that neither memory nor rounding depends on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import scipy.fft

from nodes.dictionaries.pursuit.compiling import compiled
from nodes.dictionaries.pursuit.dictionary import Dictionary, Layout, State
from nodes.dictionaries.pursuit.simd import STRIDE, separate
from nodes.dictionaries.pursuit.sweeping import measure
from pipelines.value import Array
from pipelines.workers import spread

SEGMENT = 4
"""Length of a segment in longest scales."""


def subtract(residual: Array, atoms: Array, weights: Array, dictionary: Dictionary) -> None:
    """Subtract atoms from a sound, in double precision.

    Parameters
    ----------
    residual
        channels × samples, float64; changed in place.
    atoms
        atoms × (scale, first sample, bin).
    weights
        atoms × channels, complex.
    """
    segment, scales = SEGMENT * dictionary.longest, len(dictionary.scales)
    keys = atoms[:, 1] // segment * scales + atoms[:, 0]
    keys = keys.astype(np.min_scalar_type(keys.max(initial=0)))  # few bits are sorted without comparing
    order = np.argsort(keys, kind="stable")
    used = np.unique(keys[order] // scales)
    bounds = np.searchsorted(keys[order], np.arange((int(used.max(initial=0)) + 1) * scales + 1))
    job = partial(_subtract_segment, residual, atoms[order], weights[order], dictionary)
    chosen = [(int(number), bounds[number * scales :]) for number in used.astype(np.int64)]
    for odd in (0, 1):  # what sounds on reaches into the next segment alone
        spread(job, [each for each in chosen if each[0] % 2 == odd])


def _subtract_segment(
    residual: Array, atoms: Array, weights: Array, dictionary: Dictionary, chosen: tuple[int, Array]
) -> None:
    sound = _synthesised(atoms, weights, dictionary, len(residual), chosen)
    part = residual[:, chosen[0] * SEGMENT * dictionary.longest :][:, : sound.shape[1]]
    part -= sound[:, : part.shape[1]]


def _synthesised(
    atoms: Array, weights: Array, dictionary: Dictionary, channels: int, chosen: tuple[int, Array]
) -> Array:
    """Return channels × the samples of a segment and of what sounds on after it."""
    number, bounds = chosen
    segment = SEGMENT * dictionary.longest
    sound = np.zeros((channels, segment + dictionary.longest))
    room = np.empty((dictionary.overlap * segment + dictionary.longest) // 2 * dictionary.oversampling, np.complex128)
    for scale, (window, bins) in enumerate(zip(dictionary.windows, dictionary.bins, strict=True)):
        inside = slice(bounds[scale], bounds[scale + 1])
        starts, rows = np.unique(atoms[inside, 1], return_inverse=True)
        most = len(room) // bins * 2
        for first in range(0, len(starts), most):  # all at once where frames lie on one grid
            which = (rows >= first) & (rows < first + most)
            some = starts[first : first + most] - number * segment
            spectra = room[: -(-len(some) // 2) * bins]
            for channel in range(channels):
                own = weights[inside, channel][which].view(np.float32)
                write_spectra(rows[which] - first, atoms[inside, 2][which], own, bins, spectra.view(np.float64))
                pairs = spectra.reshape(-1, bins)
                pairs = scipy.fft.ifft(pairs, axis=1, norm="forward", overwrite_x=True)
                overlap_add(sound[channel], pairs.view(np.float64), some, window)
    return sound


@compiled
def write_spectra(rows: Array, numbers: Array, weights: Array, bins: int, spectra: Array) -> None:
    """Write the sums of atoms of all rows as spectra of two rows each: one is the real part, one the imaginary.

    Weights and spectra have real and imaginary parts by turns.
    """
    for place in range(len(spectra)):
        spectra[place] = 0.0
    for atom in range(len(rows)):
        real, imaginary = weights[2 * atom], weights[2 * atom + 1]
        first = rows[atom] // 2 * bins
        at, mirrored = 2 * (first + numbers[atom]), 2 * (first + (bins - numbers[atom]) % bins)
        if rows[atom] % 2:
            spectra[at] -= imaginary
            spectra[at + 1] += real
            spectra[mirrored] += imaginary
            spectra[mirrored + 1] += real
        else:
            spectra[at] += real
            spectra[at + 1] += imaginary
            spectra[mirrored] += real
            spectra[mirrored + 1] -= imaginary


@compiled
def overlap_add(sound: Array, pairs: Array, starts: Array, window: Array) -> None:
    """Add windowed frames to a sound, each at its start; samples of two frames lie by turns in each row of `pairs`.

    What a row holds beyond the window is left out.
    """
    for frame in range(len(starts)):
        start = starts[frame]
        for sample in range(len(window)):
            sound[start + sample] += pairs[frame // 2, 2 * sample + frame % 2] * window[sample]


def analyse(residual: Array, dictionary: Dictionary, layout: Layout, state: State) -> None:
    """Measure all coefficients of a sound (channels × samples), and where they are best."""
    segment = SEGMENT * dictionary.longest
    short = [window.astype(np.float32) for window in dictionary.windows]
    parts = range(-(-residual.shape[1] // segment))
    job: Callable[[int], None] = partial(_analyse_segment, residual, dictionary, short, layout, state)
    spread(job, parts)


def _analyse_segment(
    residual: Array, dictionary: Dictionary, windows: list[Array], layout: Layout, state: State, number: int
) -> None:
    start = number * SEGMENT * dictionary.longest
    stop = start + SEGMENT * dictionary.longest
    part = residual[:, start : stop + dictionary.longest].astype(np.float32)
    room = np.empty(dictionary.overlap * (stop - start), np.float32)
    for scale, (window, hop) in enumerate(zip(windows, dictionary.hops, strict=True)):
        first, last = (min(place // hop, int(layout.frames[scale])) for place in (start, stop))
        if first == last:
            continue
        blocks = int(layout.blocks[scale])
        place = int(layout.first_coefficient[scale]) + first * blocks * STRIDE * layout.channels
        for channel, sound in enumerate(part):
            shape = last - first, len(window)
            views = np.lib.stride_tricks.as_strided(sound, shape, (hop * sound.itemsize, sound.itemsize))
            frames = np.multiply(views, window, out=room[: views.size].reshape(shape))
            spectra = scipy.fft.rfft(frames, blocks * STRIDE, axis=1)
            arrange(spectra.view(np.float32), state.coefficients[place:], blocks, channel, layout.channels)
        measure(scale, first, last, dictionary.tables, layout, state)


@compiled
def arrange(spectra: Array, coefficients: Array, blocks: int, channel: int, channels: int) -> None:
    """Write the spectra of one channel, real and imaginary parts by turns, as blocks of real and imaginary parts."""
    for frame in range(len(spectra)):
        for block in range(blocks):
            at = ((frame * blocks + block) * channels + channel) * STRIDE
            separate(spectra, frame * spectra.shape[1] + block * STRIDE, coefficients, at)
