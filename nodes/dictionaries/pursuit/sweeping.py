"""The compiled loops: find the best atoms in stretches of time, and have them taken out of the coefficients.

What counts of an atom is half the energy that it takes away, Σ |c|² over channels where its frequency is neither near 0
nor near half the sample rate; c = ⟨residual, g⟩.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nodes.dictionaries.pursuit.compiling import compiled, inlined
from nodes.dictionaries.pursuit.dictionary import Layout, State, Tables
from nodes.dictionaries.pursuit.kernels import Kernels
from nodes.dictionaries.pursuit.schedule import AHEAD, Schedule, begin, end, wanted
from nodes.dictionaries.pursuit.simd import LANES, STRIDE, greatest_of, loudest_at_edge, loudest_of, separate
from nodes.dictionaries.pursuit.taking import best_of, take_out
from pipelines.value import Array


class Found(NamedTuple):
    """Atoms of each sweep under way and of each stretch, in the order in which they were found.

    Parameters
    ----------
    counts
        sweeps × stretches: how many.
    atoms
        sweeps × stretches × most × (scale, frame, bin), int32.
    weights
        sweeps × stretches × most × channels, complex64.
    gains
        sweeps × stretches × most: energy that each takes away.
    """

    counts: Array
    atoms: Array
    weights: Array
    gains: Array


@compiled
def sweep(
    stretches: Array,
    thresholds: Array,
    schedule: Schedule,
    scratch: Array,
    found: Found,
    kernels: Kernels,
    tables: Tables,
    layout: Layout,
    state: State,
) -> int:
    """Sweep through stretches whose turn it is: take out what counts more than the threshold of a sweep, best first.

    Return how many sweeps are complete, or 0 where there is no stretch just now; see `run`. `stretches` holds the first
    and last sample between which atoms lie; the longest scale fits twice between every other one.
    """
    weights, turned = scratch
    most = found.atoms.shape[2]
    while True:
        stretch = begin(schedule)
        if stretch < 0:
            return int(-1 - stretch)
        number = schedule.done[stretch]
        slot, count = number % AHEAD, 0
        least = np.float32(thresholds[number])
        while count < most and wanted(schedule, number):
            scale, frame = _best_frame(stretches[stretch], least, tables, layout, state)
            if scale < 0:
                break
            bin_ = _best_bin(scale, frame, tables, layout, state)
            for place, value in enumerate((scale, frame, bin_)):
                found.atoms[slot, stretch, count, place] = value
            found.gains[slot, stretch, count] = _weigh(scale, frame, bin_, weights, tables, layout, state)
            _note(found.weights, slot, stretch, count, weights, layout)
            count += 1
            for image in range(3):
                take_out(scale, frame, bin_, image, weights, turned, kernels, tables, layout, state)
        found.counts[slot, stretch] = count
        end(schedule, stretch)


@compiled
def follow(
    schedule: Schedule, scratch: Array, found: Found, kernels: Kernels, tables: Tables, layout: Layout, state: State
) -> int:
    """Take the atoms of a single sweep, which were found elsewhere, out in their order, and weigh them here.

    Return 1 where it is complete, or 0 where there is no stretch just now.
    """
    weights, turned = scratch
    while True:
        stretch = begin(schedule)
        if stretch < 0:
            return int(-1 - stretch)
        for number in range(found.counts[0, stretch]):
            scale: Any = np.int64(found.atoms[0, stretch, number, 0])
            frame: Any = np.int64(found.atoms[0, stretch, number, 1])
            bin_: Any = np.int64(found.atoms[0, stretch, number, 2])
            found.gains[0, stretch, number] = _weigh(scale, frame, bin_, weights, tables, layout, state)
            _note(found.weights, 0, stretch, number, weights, layout)
            for image in range(3):
                take_out(scale, frame, bin_, image, weights, turned, kernels, tables, layout, state)
        end(schedule, stretch)


@compiled
def measure(spectra: Array, scale: int, start: int, tables: Tables, layout: Layout, state: State) -> None:
    """Write spectra of a range of frames as coefficients, and find the best in each block and frame.

    `spectra` are channels × frames × real and imaginary parts by turns.
    """
    blocks = layout.blocks[scale]
    for frame in range(spectra.shape[1]):
        first = layout.first_block[scale] + (start + frame) * blocks
        for block in range(blocks):
            place = _place(scale, start + frame, block, layout)
            for channel in range(layout.channels):
                separate(spectra[channel, frame], block * STRIDE, state.coefficients, place + channel * STRIDE)
            if tables.edge <= block < blocks - tables.edge:
                best = loudest_of(state.coefficients, place, layout.channels)
            else:
                bins = tables.first_bins[scale] + block * LANES
                best = loudest_at_edge(state.coefficients, place, layout.channels, tables.factors, bins)
            state.best_in_block[first + block] = best
        state.best_in_frame[layout.first_frame[scale] + start + frame] = best_of(state.best_in_block, first, blocks)


@inlined
def _best_frame(stretch: Array, least: Any, tables: Tables, layout: Layout, state: State) -> Any:
    """Return scale and number of the frame with the best atom above `least`; -1 where there is none."""
    best, best_scale, at = least, -1, 0
    for scale in range(len(tables.lengths)):
        hop = tables.hops[scale]
        low = layout.first_frame[scale] + max(0, -(-stretch[0] // hop))
        high = (stretch[1] - tables.lengths[scale]) // hop + 1
        high = layout.first_frame[scale] + min(layout.frames[scale], high)
        for start in range(low, high, LANES):
            if start + LANES <= high:
                value = greatest_of(state.best_in_frame, start)
            else:
                value = best_of(state.best_in_frame, start, high - start)
            if value > best:
                best, best_scale, at = value, scale, start
    if best_scale < 0:
        return -1, 0
    while state.best_in_frame[at] != best:
        at += 1
    return best_scale, at - layout.first_frame[best_scale]


@inlined
def _place(scale: int, frame: int, block: int, layout: Layout) -> Any:
    """Return where a block's coefficients begin."""
    number = frame * layout.blocks[scale] + block
    return layout.first_coefficient[scale] + number * STRIDE * layout.channels


@inlined
def _best_bin(scale: int, frame: int, tables: Tables, layout: Layout, state: State) -> Any:
    """Return the bin of a frame that counts most."""
    first = layout.first_block[scale] + frame * layout.blocks[scale]
    best = state.best_in_frame[layout.first_frame[scale] + frame]
    block = 0
    while state.best_in_block[first + block] != best:
        block += 1
    place = _place(scale, frame, block, layout)
    edge = block < tables.edge or block >= layout.blocks[scale] - tables.edge
    bins = len(tables.overlaps)
    greatest, lane_of_greatest = np.float32(-1), 0
    for lane in range(LANES):
        at = tables.first_bins[scale] + block * LANES + lane
        value = np.float32(0)
        for channel in range(layout.channels):
            x = state.coefficients[place + lane + channel * STRIDE]
            y = state.coefficients[place + lane + channel * STRIDE + LANES]
            if edge:
                p, q, s = tables.factors[at], tables.factors[bins + at], tables.factors[2 * bins + at]
                value += p * (x * x) + q * (y * y) + s * (x * y)
            else:
                value += x * x + y * y
        if value > greatest:
            greatest, lane_of_greatest = value, lane
    return block * LANES + lane_of_greatest


@inlined
def _weigh(scale: int, frame: int, bin_: int, weights: Array, tables: Tables, layout: Layout, state: State) -> Any:
    """Write the weights b = (c - γ c*) / (1 - |γ|²) of an atom and its conjugate; return the energy they take away."""
    place = _place(scale, frame, bin_ // LANES, layout) + bin_ % LANES
    at = tables.first_bins[scale] + bin_
    overlap, inverse, gain = tables.overlaps[at], tables.inverses[at], 0.0
    for channel in range(layout.channels):
        x = state.coefficients[place + channel * STRIDE]
        y = state.coefficients[place + channel * STRIDE + LANES]
        real = (x - overlap.real * x - overlap.imag * y) * inverse
        imaginary = (y + overlap.real * y - overlap.imag * x) * inverse
        weights[channel], weights[layout.channels + channel] = real, imaginary
        gain += 2.0 * (real * x + imaginary * y)
    return gain


@inlined
def _note(target: Array, slot: int, stretch: int, number: int, weights: Array, layout: Layout) -> None:
    """Write the weights of an atom down."""
    for channel in range(layout.channels):
        target[slot, stretch, number, channel] = complex(weights[channel], weights[layout.channels + channel])
