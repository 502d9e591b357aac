"""The compiled loops: find the best atoms in stretches of time, and have them taken out of the coefficients.

What counts of an atom is half the energy that it takes away, Σ |c|² over channels where its frequency is neither near 0
nor near half the sample rate; c = ⟨residual, g⟩.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nodes.dictionaries.pursuit.compiling import compiled, inlined
from nodes.dictionaries.pursuit.dictionary import Layout, State, Tables
from nodes.dictionaries.pursuit.simd import LANES, STRIDE, greatest_of, loudest_at_edge, loudest_of
from nodes.dictionaries.pursuit.taking import best_of, take_out
from pipelines.value import Array


class Found(NamedTuple):
    """Atoms of each stretch, in the order in which they were found.

    Parameters
    ----------
    counts
        For each stretch how many.
    atoms
        stretches × most × (scale, frame, bin), int32.
    weights
        stretches × most × channels, complex64.
    gains
        stretches × most: energy that each takes away.
    """

    counts: Array
    atoms: Array
    weights: Array
    gains: Array


@compiled
def sweep(
    stretches: Array,
    chosen: Array,
    least: Any,
    scratch: Array,
    found: Found,
    tables: Tables,
    layout: Layout,
    state: State,
) -> None:
    """Take out what counts more than `least`, best first, of the chosen stretches.

    `stretches` holds the first and last sample between which atoms lie. Stretches may be swept side by side where the
    longest scale fits twice between them.
    """
    weights, turned = scratch
    most = found.atoms.shape[1]
    for stretch in chosen:
        count = 0
        while count < most:
            scale, frame = _best_frame(stretches[stretch], least, tables, layout, state)
            if scale < 0:
                break
            bin_ = _best_bin(scale, frame, tables, layout, state)
            for place, number in enumerate((scale, frame, bin_)):
                found.atoms[stretch, count, place] = number
            found.gains[stretch, count] = _weigh(scale, frame, bin_, weights, tables, layout, state)
            _note(stretch, count, weights, found, layout)
            count += 1
            for image in range(3):
                take_out(scale, frame, bin_, image, weights, turned, tables, layout, state)
        found.counts[stretch] = count


@compiled
def follow(chosen: Array, scratch: Array, found: Found, tables: Tables, layout: Layout, state: State) -> None:
    """Take the atoms of the chosen stretches, which were found elsewhere, out in their order, and weigh them here."""
    weights, turned = scratch
    for stretch in chosen:
        for number in range(found.counts[stretch]):
            scale: Any = np.int64(found.atoms[stretch, number, 0])
            frame: Any = np.int64(found.atoms[stretch, number, 1])
            bin_: Any = np.int64(found.atoms[stretch, number, 2])
            found.gains[stretch, number] = _weigh(scale, frame, bin_, weights, tables, layout, state)
            _note(stretch, number, weights, found, layout)
            for image in range(3):
                take_out(scale, frame, bin_, image, weights, turned, tables, layout, state)


@compiled
def measure(scale: int, start: int, stop: int, tables: Tables, layout: Layout, state: State) -> None:
    """Find the best in each block and frame of a range of frames."""
    for frame in range(start, stop):
        first = layout.first_block[scale] + frame * layout.blocks[scale]
        for block in range(layout.blocks[scale]):
            place = _place(scale, frame, block, layout)
            if tables.edge <= block < layout.blocks[scale] - tables.edge:
                best = loudest_of(state.coefficients, place, layout.channels)
            else:
                bins = tables.first_bins[scale] + block * LANES
                best = loudest_at_edge(state.coefficients, place, layout.channels, tables.factors, bins)
            state.best_in_block[first + block] = best
        state.best_in_frame[layout.first_frame[scale] + frame] = best_of(
            state.best_in_block, first, layout.blocks[scale]
        )


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
def _note(stretch: int, number: int, weights: Array, found: Found, layout: Layout) -> None:
    """Write the weights of an atom down."""
    for channel in range(layout.channels):
        found.weights[stretch, number, channel] = complex(weights[channel], weights[layout.channels + channel])
