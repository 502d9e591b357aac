"""The compiled loops: find the best atoms in stretches of time, and take them out of the coefficients.

What counts of an atom is half the energy that it takes away, Σ |c|² over channels where its frequency is neither near 0
nor near half the sample rate; c = ⟨residual, g⟩.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nodes.dictionaries.pursuit.compiling import compiled, inlined
from nodes.dictionaries.pursuit.dictionary import Layout, State, Tables
from nodes.dictionaries.pursuit.simd import LANES, STRIDE, fetch, greatest_of, loudest_at_edge, loudest_of, update_block
from pipelines.value import Array

AHEAD = 3
"""Frames by which coefficients are fetched before they are needed, as the processor does not guess their places."""


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
                _take_out(scale, frame, bin_, image, weights, turned, tables, layout, state)
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
                _take_out(scale, frame, bin_, image, weights, turned, tables, layout, state)


@compiled
def measure(scale: int, start: int, stop: int, tables: Tables, layout: Layout, state: State) -> None:
    """Find the best in each block and frame of a range of frames."""
    for frame in range(start, stop):
        first = layout.first_block[scale] + frame * layout.blocks[scale]
        for block in range(layout.blocks[scale]):
            place = _place(scale, frame, block, layout)
            if 0 < block < layout.blocks[scale] - 1:
                best = loudest_of(state.coefficients, place, layout.channels)
            else:
                bins = tables.first_bins[scale] + block * LANES
                best = loudest_at_edge(state.coefficients, place, layout.channels, tables.factors, bins)
            state.best_in_block[first + block] = best
        state.best_in_frame[layout.first_frame[scale] + frame] = _best_of(
            state.best_in_block, first, layout.blocks[scale]
        )


@inlined
def _best_of(values: Array, start: int, count: int) -> Any:
    best = np.float32(0)
    whole = count // LANES * LANES
    for at in range(start, start + whole, LANES):
        best = max(best, greatest_of(values, at))
    for at in range(start + whole, start + count):
        best = max(best, values[at])
    return best


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
                value = _best_of(state.best_in_frame, start, high - start)
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
    edge, bins = block == 0 or block == layout.blocks[scale] - 1, len(tables.overlaps)
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


@inlined
def _take_out(
    scale: int, frame: int, bin_: int, image: int, weights: Array, turned: Array, tables: Tables, layout: Layout,
    state: State,
) -> None:  # fmt: skip
    """Subtract the inner products of one complex atom from the coefficients of all scales.

    Image 0 is the atom; 1 and 2 are its conjugate, which counts where the atom is near 0 Hz or half the sample rate.
    """
    # arrays have names of their own here: taking them out of tuples in loops would count references each time
    first_group, group_starts, rows, real, imaginary, reaches = tables.kernels
    lengths, hops, _, turns_real, turns_imaginary, _, _, factors, first_bins = tables
    channels, frames, every_block, first_coefficient, first_block, first_frame = layout
    coefficients, best_in_block, best_in_frame = state
    bins, hop = lengths[scale], hops[scale]
    if (image == 1 and bin_ > reaches[scale]) or (image == 2 and bins // 2 - bin_ > reaches[scale]):
        return
    bin_ = (bin_, -bin_, bins - bin_)[image]
    every, sign = len(turns_real) // bins, np.float32(-1 if image else 1)
    for other in range(len(lengths)):
        other_bins, other_hop, blocks = lengths[other], hops[other], every_block[other]
        phases, parts = max(1, other_hop // hop), max(1, bins // other_bins)
        near_frame = frame // phases * max(1, hop // other_hop)
        near_bin = bin_ // parts * max(1, other_bins // bins)
        group = first_group[scale, other] + frame % phases * parts + bin_ % parts
        edges = first_bins[other]
        for row in range(group_starts[group], group_starts[group + 1]):
            other_frame, start = near_frame + rows[row, 0], near_bin + rows[row, 2]
            low, high = max(start, 0), min(start + rows[row, 3], blocks * LANES)
            if other_frame < 0 or other_frame >= frames[other] or high <= low:
                continue
            turn = ((bin_ * rows[row, 1]) & (bins - 1)) * every
            _turn(weights, sign, turned, turns_real[turn], turns_imaginary[turn], channels)
            at_frame, first = first_frame[other] + other_frame, first_block[other] + other_frame * blocks
            place = first_coefficient[other] + other_frame * blocks * STRIDE * channels
            best_in_frame[at_frame] = _update_frame(
                low // LANES, (high - 1) // LANES, blocks, place, first, best_in_frame[at_frame], rows[row, 4] - start,
                turned, channels, edges, real, imaginary, factors, coefficients, best_in_block,
            )  # fmt: skip


@inlined
def _turn(weights: Array, sign: Any, turned: Array, real: Any, imaginary: Any, channels: int) -> None:
    """Write the weights, or their conjugates where `sign` is -1, times a number."""
    for channel in range(channels):
        x, y = weights[channel], sign * weights[channels + channel]
        turned[channel] = x * real - y * imaginary
        turned[channels + channel] = x * imaginary + y * real


@inlined
def _update_frame(
    low: int, last: int, blocks: int, place: int, first: int, old: Any, shift: int, turned: Array, channels: int,
    edges: int, real: Array, imaginary: Array, factors: Array, coefficients: Array, bests: Array,
) -> Any:  # fmt: skip
    """Subtract a kernel's row from blocks low … last of a frame; return the frame's best, which was `old`."""
    new, lost = np.float32(0), False
    for block in range(low, last + 1):
        at = place + block * STRIDE * channels
        fetch(coefficients, at + AHEAD * blocks * STRIDE * channels, channels)
        best = update_block(coefficients, at, real, imaginary, shift + block * LANES, turned, channels)
        if block == 0 or block == blocks - 1:
            best = loudest_at_edge(coefficients, at, channels, factors, edges + block * LANES)
        lost |= bests[first + block] == old
        bests[first + block] = best
        new = max(new, best)
    return _best_of(bests, first, blocks) if lost and new < old else max(new, old)
