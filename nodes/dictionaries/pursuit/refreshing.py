"""What is left of a sound: atoms taken out of it sample by sample, and its coefficients measured anew.

Both are done in segments of time that depend on the length of the sound alone, so that neither memory nor rounding
depends on the number of threads.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.fft

from nodes.dictionaries.pursuit.compiling import compiled
from nodes.dictionaries.pursuit.dictionary import Dictionary, Layout, State
from nodes.dictionaries.pursuit.simd import STRIDE
from nodes.dictionaries.pursuit.sweeping import measure
from pipelines.value import Array
from pipelines.workers import spread

SEGMENT = 2**18
"""Samples of all frames of a segment, of one scale and all channels: many, as threads wait for each other between."""

AT_ONCE = 16
"""Segments of which the atoms' sounds are in memory at once."""


def _segments(sound: Array, dictionary: Dictionary) -> list[tuple[int, int]]:
    """Return first and last samples of segments; their number is even, so that two threads have as much to do."""
    each = len(sound) * dictionary.overlap * dictionary.oversampling * dictionary.longest
    whole = -(-sound.shape[1] // dictionary.longest)
    count = min(whole, -(-whole // (2 * max(2, SEGMENT // each))) * 2)
    return list(pairwise((np.arange(count + 1) * whole // count * dictionary.longest).tolist()))


def subtract(residual: Array, atoms: Array, weights: Array, dictionary: Dictionary) -> None:
    """Subtract atoms from a sound, in double precision.

    Parameters
    ----------
    residual
        channels × samples, float64; changed in place.
    atoms
        atoms × (scale, first sample, bin).
    weights
        atoms × channels, complex64.
    """
    segments, scales = _segments(residual, dictionary), len(dictionary.scales)
    keys = np.searchsorted([stop for _, stop in segments], atoms[:, 1], side="right") * scales + atoms[:, 0]
    keys = keys.astype(np.min_scalar_type(len(segments) * scales))  # few bits are sorted without comparing
    order = np.argsort(keys, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(keys, minlength=len(segments) * scales)))
    job = partial(_synthesised, atoms, np.ascontiguousarray(weights), dictionary)
    each = [(*bounds, groups[number * scales :][:scales]) for number, bounds in enumerate(segments)]
    for first in range(0, len(each), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        for (start, _), sound in zip(segments[some], spread(job, each[some]), strict=True):
            if sound is not None:
                part = residual[:, start:][:, : sound.shape[1]]
                part -= sound[:, : part.shape[1]]


def _synthesised(
    atoms: Array, weights: Array, dictionary: Dictionary, segment: tuple[int, int, list[Array]]
) -> Array | None:
    """Return channels × the samples of a segment and of what sounds on after it; None for silence."""
    start, stop, groups = segment
    if not any(map(len, groups)):
        return None
    sound = np.zeros((weights.shape[1], stop - start + dictionary.longest))
    room = np.empty((dictionary.overlap * (stop - start) + dictionary.longest) // 2 * dictionary.oversampling, complex)
    rows = np.empty(stop - start, np.int64)
    for chosen, window, bins in zip(groups, dictionary.windows, dictionary.bins, strict=True):
        begun = np.zeros(stop - start, bool)
        begun[atoms[chosen, 1] - start] = True
        starts = np.flatnonzero(begun)
        rows[starts] = np.arange(len(starts))
        most = len(room) // bins * 2
        for first in range(0, len(starts), most):  # all at once where frames lie on one grid
            some = starts[first : first + most]
            spectra = room[: -(-len(some) // 2) * bins]
            for channel in range(len(sound)):
                write_spectra(atoms, weights, chosen, start, rows, first, channel, bins, spectra.view(np.float64))
                pairs = scipy.fft.ifft(spectra.reshape(-1, bins), axis=1, norm="forward", overwrite_x=True)
                overlap_add(sound[channel], pairs.view(np.float64), some, window)
    return sound


@compiled
def write_spectra(
    atoms: Array, weights: Array, chosen: Array, start: int, rows: Array, first: int, channel: int, bins: int,
    spectra: Array,
) -> None:  # fmt: skip
    """Write the sums of the chosen atoms of all rows as spectra of two rows each, the second one times i.

    `rows` are those of samples from `start` on; `first` is the first one written. Weights are atoms × channels. Spectra
    have real and imaginary parts by turns.
    """
    for place in range(len(spectra)):
        spectra[place] = 0.0
    for atom in chosen:
        row = rows[atoms[atom, 1] - start] - first
        pair: Any = row // 2 * bins
        if row < 0 or 2 * (pair + bins) > len(spectra):
            continue
        real, imaginary, number = weights[atom, channel].real, weights[atom, channel].imag, atoms[atom, 2]
        at, mirrored = 2 * (pair + number), 2 * (pair + (bins - number) % bins)
        if row % 2:
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
    short = [window.astype(np.float32) for window in dictionary.windows]
    job = partial(_analyse_segment, residual, dictionary, short, layout, state)
    spread(job, _segments(residual, dictionary))


def _analyse_segment(
    residual: Array,
    dictionary: Dictionary,
    windows: list[Array],
    layout: Layout,
    state: State,
    segment: tuple[int, int],
) -> None:
    start, stop = segment
    part = residual[:, start : stop + dictionary.longest].astype(np.float32)
    room = np.empty(len(part) * dictionary.overlap * (stop - start), np.float32)
    for scale, (window, hop) in enumerate(zip(windows, dictionary.hops, strict=True)):
        first, last = (min(place // hop, int(layout.frames[scale])) for place in (start, stop))
        if first == last:
            continue
        shape = len(part), last - first, len(window)
        strides = part.strides[0], hop * part.itemsize, part.itemsize
        views = np.lib.stride_tricks.as_strided(part, shape, strides)
        frames = np.multiply(views, window, out=room[: views.size].reshape(shape))
        spectra = scipy.fft.rfft(frames, int(layout.blocks[scale]) * STRIDE, axis=2).view(np.float32)
        measure(spectra, scale, first, dictionary.tables, layout, state)
