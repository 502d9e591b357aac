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
from nodes.dictionaries.pursuit.simd import LANES, STRIDE
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
        atoms × (scale, frame, bin).
    weights
        atoms × channels, complex.
    """
    segment = SEGMENT * dictionary.longest
    starts = atoms[:, 1].astype(np.int64) * np.array(dictionary.hops)[atoms[:, 0]]
    scales = len(dictionary.scales)
    order = np.argsort(starts // segment * scales + atoms[:, 0], kind="stable")
    keys = (starts // segment * scales + atoms[:, 0])[order]
    used = np.unique(keys // scales)
    bounds = [np.searchsorted(keys, number * scales + np.arange(scales + 1)) for number in used]
    make = partial(_synthesised, atoms[order], weights[order], dictionary, len(residual))
    for number, sound in zip(used, spread(make, zip(used, bounds, strict=True)), strict=True):
        part = residual[:, number * segment :][:, : sound.shape[1]]
        part -= sound[:, : part.shape[1]]


def _synthesised(
    atoms: Array, weights: Array, dictionary: Dictionary, channels: int, chosen: tuple[int, Array]
) -> Array:
    """Return channels × the samples of a segment and of what sounds on after it."""
    number, bounds = chosen
    segment = SEGMENT * dictionary.longest
    sound = np.zeros((channels, segment + dictionary.longest))
    for scale, (window, hop) in enumerate(zip(dictionary.windows, dictionary.hops, strict=True)):
        inside = slice(bounds[scale], bounds[scale + 1])
        if inside.start == inside.stop:
            continue
        frames, rows = np.unique(atoms[inside, 1], return_inverse=True)
        starts = frames.astype(np.int64) * hop - number * segment
        for channel in range(channels):
            spectra = np.zeros((len(frames), len(window) // 2 + 1), np.complex128)
            np.add.at(spectra, (rows, atoms[inside, 2]), weights[inside, channel])
            spectra[:, 0] = 2 * spectra[:, 0].real  # twice the real part, as that of the others
            frames_in_time = scipy.fft.irfft(spectra, len(window), axis=1, norm="forward", overwrite_x=True)
            overlap_add(sound[channel], frames_in_time, starts, window)
    return sound


@compiled
def overlap_add(sound: Array, frames: Array, starts: Array, window: Array) -> None:
    """Add windowed frames to a sound, each at its start."""
    for frame in range(len(frames)):
        start = starts[frame]
        for sample in range(len(window)):
            sound[start + sample] += frames[frame, sample] * window[sample]


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
    segment = SEGMENT * dictionary.longest
    for scale, (window, hop) in enumerate(zip(windows, dictionary.hops, strict=True)):
        first, last = (
            min(place // hop, int(layout.frames[scale])) for place in (number * segment, (number + 1) * segment)
        )
        if first == last:
            continue
        for channel, sound in enumerate(residual):
            frames = np.empty((last - first, len(window)), np.float32)
            cut(sound, window, hop, first, frames)
            spectra = scipy.fft.rfft(frames, axis=1, overwrite_x=True)
            place = int(layout.first_coefficient[scale]) + first * int(layout.blocks[scale]) * STRIDE * layout.channels
            arrange(spectra, state.coefficients[place:], int(layout.blocks[scale]), channel, layout.channels)
        measure(scale, first, last, dictionary.tables, layout, state)


@compiled
def cut(sound: Array, window: Array, hop: int, first: int, frames: Array) -> None:
    """Write windowed frames of a sound, of which the first is number `first`."""
    for frame in range(len(frames)):
        start = (first + frame) * hop
        for sample in range(len(window)):
            frames[frame, sample] = np.float32(sound[start + sample]) * window[sample]


@compiled
def arrange(spectra: Array, coefficients: Array, blocks: int, channel: int, channels: int) -> None:
    """Write the spectra of one channel as blocks of real and imaginary parts."""
    for frame in range(len(spectra)):
        for block in range(blocks):
            at = ((frame * blocks + block) * channels + channel) * STRIDE
            for lane in range(LANES):
                value = spectra[frame, block * LANES + lane]
                coefficients[at + lane] = value.real
                coefficients[at + LANES + lane] = value.imag
