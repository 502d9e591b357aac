"""One atom taken out of the coefficients of all scales, compiled into the loops of `sweeping`."""

from __future__ import annotations

from typing import Any

import numpy as np

from nodes.dictionaries.pursuit.compiling import inlined
from nodes.dictionaries.pursuit.dictionary import Layout, State, Tables
from nodes.dictionaries.pursuit.kernels import Kernels
from nodes.dictionaries.pursuit.simd import LANES, STRIDE, fetch, greatest_of, loudest_at_edge, update_block
from pipelines.value import Array

AHEAD = 3
"""Frames by which coefficients are fetched before they are needed, as the processor does not guess their places."""


@inlined
def take_out(
    scale: int, frame: int, bin_: int, image: int, weights: Array, turned: Array, kernels: Kernels, tables: Tables,
    layout: Layout, state: State,
) -> None:  # fmt: skip
    """Subtract the inner products of one complex atom from the coefficients of all scales.

    Image 0 is the atom; 1 and 2 are its conjugate, which counts where the atom is near 0 Hz or half the sample rate.
    """
    # arrays have names of their own here: taking them out of tuples in loops would count references each time
    first_group, group_starts, rows, real, imaginary, reaches = kernels
    _, hops, bins, edge, turns_real, turns_imaginary, _, _, factors, first_bins = tables
    channels, frames, every_block, first_coefficient, first_block, first_frame = layout
    coefficients, best_in_block, best_in_frame = state
    own_bins, hop = bins[scale], hops[scale]
    if (image == 1 and bin_ > reaches[scale]) or (image == 2 and own_bins // 2 - bin_ > reaches[scale]):
        return
    bin_ = (bin_, -bin_, own_bins - bin_)[image]
    every, sign = len(turns_real) // own_bins, np.float32(-1 if image else 1)
    for other in range(len(bins)):
        other_bins, other_hop, blocks = bins[other], hops[other], every_block[other]
        phases, parts = max(1, other_hop // hop), max(1, own_bins // other_bins)
        near_frame = frame // phases * max(1, hop // other_hop)
        near_bin = bin_ // parts * max(1, other_bins // own_bins)
        group = first_group[scale, other] + frame % phases * parts + bin_ % parts
        first_bin = first_bins[other]
        for row in range(group_starts[group], group_starts[group + 1]):
            other_frame, start = near_frame + rows[row, 0], near_bin + rows[row, 2]
            low, high = max(start, 0), min(start + rows[row, 3], blocks * LANES)
            if other_frame < 0 or other_frame >= frames[other] or high <= low:
                continue
            turn = ((bin_ * rows[row, 1]) & (own_bins - 1)) * every
            _turn(weights, sign, turned, turns_real[turn], turns_imaginary[turn], channels)
            at_frame, first = first_frame[other] + other_frame, first_block[other] + other_frame * blocks
            place = first_coefficient[other] + other_frame * blocks * STRIDE * channels
            best_in_frame[at_frame] = _update_frame(
                low // LANES, (high - 1) // LANES, blocks, place, first, best_in_frame[at_frame], rows[row, 4] - start,
                turned, channels, edge, first_bin, real, imaginary, factors, coefficients, best_in_block,
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
    edge: int, first_bin: int, real: Array, imaginary: Array, factors: Array, coefficients: Array, bests: Array,
) -> Any:  # fmt: skip
    """Subtract a kernel's row from blocks low … last of a frame; return the frame's best, which was `old`."""
    new, lost = np.float32(0), False
    for block in range(low, last + 1):
        at = place + block * STRIDE * channels
        fetch(coefficients, at + AHEAD * blocks * STRIDE * channels, channels)
        best = update_block(coefficients, at, real, imaginary, shift + block * LANES, turned, channels)
        if block < edge or block >= blocks - edge:
            best = loudest_at_edge(coefficients, at, channels, factors, first_bin + block * LANES)
        lost |= bests[first + block] == old
        bests[first + block] = best
        new = max(new, best)
    return best_of(bests, first, blocks) if lost and new < old else max(new, old)


@inlined
def best_of(values: Array, start: int, count: int) -> Any:
    """Return the greatest of `count` values from a place on, 0 or more."""
    best = np.float32(0)
    whole = count // LANES * LANES
    for at in range(start, start + whole, LANES):
        best = max(best, greatest_of(values, at))
    for at in range(start + whole, start + count):
        best = max(best, values[at])
    return best
