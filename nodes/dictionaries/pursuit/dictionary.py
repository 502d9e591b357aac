"""A dictionary of atoms at several scales, and how the coefficients of a sound lie in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from nodes.dictionaries.pursuit.kernels import Kernels, kernels_of
from nodes.dictionaries.pursuit.simd import LANES, STRIDE
from nodes.dictionaries.windows import window_of
from pipelines.value import Array


class Tables(NamedTuple):
    """What the compiled loops know of a dictionary: plain arrays.

    Parameters
    ----------
    lengths, hops
        Of each scale, in samples.
    kernels
        Inner products of atoms.
    turns_real, turns_imaginary
        exp(2πik/M) of the longest scale.
    overlaps
        γ = ⟨g*, g⟩ of an atom and its conjugate for each bin of each scale, complex64.
    inverses
        1/(1 - |γ|²).
    factors
        What an atom counts is p x² + q y² + s x y where x + iy is its coefficient: p, then q, then s of all bins.
    first_bins
        Where the bins of each scale begin in `overlaps`.
    """

    lengths: Array
    hops: Array
    kernels: Kernels
    turns_real: Array
    turns_imaginary: Array
    overlaps: Array
    inverses: Array
    factors: Array
    first_bins: Array


class Layout(NamedTuple):
    """Where coefficients lie; the last entry of what begins somewhere is the number of all.

    Parameters
    ----------
    channels
        Channels.
    frames, blocks
        Frames of each scale, and blocks of bins in each frame.
    first_coefficient, first_block, first_frame
        Where each scale begins.
    """

    channels: int
    frames: Array
    blocks: Array
    first_coefficient: Array
    first_block: Array
    first_frame: Array


class State(NamedTuple):
    """Coefficients of what is left of a sound, float32, and the best atom's half energy in each block and frame."""

    coefficients: Array
    best_in_block: Array
    best_in_frame: Array


@dataclass(frozen=True)
class Dictionary:
    """Real Gabor atoms of all bins 0 … M/2 - 1 in frames each M/overlap samples, at several scales M.

    Parameters
    ----------
    scales
        Lengths of windows in samples, powers of 2 from 32 on, each once.
    window
        Kind of window.
    overlap
        Frames that cover a sample, a power of 2.
    threshold
        Inner products of atoms below this do not count until the next refresh.
    """

    scales: tuple[int, ...]
    window: str
    overlap: int
    threshold: float

    @property
    def longest(self) -> int:
        """Samples of the longest scale."""
        return max(self.scales)

    @cached_property
    def windows(self) -> list[Array]:
        """The windows, of unit energy, float64."""
        return [window_of(self.window, scale) for scale in self.scales]

    @cached_property
    def hops(self) -> list[int]:
        """Samples between frames."""
        return [scale // self.overlap for scale in self.scales]

    @cached_property
    def tables(self) -> Tables:
        """What the compiled loops need."""
        overlaps = [_overlaps(window) for window in self.windows]
        flat = np.concatenate(overlaps)
        inverses = 1 / (1 - np.square(np.abs(flat)))
        first_bins = np.concatenate([[0], np.cumsum([len(each) for each in overlaps])])
        inverses[first_bins[:-1]] = 0.5  # at 0 Hz the atom is its own conjugate: each gives half
        turns = np.exp(2j * np.pi * np.arange(self.longest) / self.longest)
        return Tables(
            np.array(self.scales, np.int64),
            np.array(self.hops, np.int64),
            kernels_of(self.windows, self.hops, self.threshold),
            turns.real.astype(np.float32),
            turns.imag.astype(np.float32),
            flat.astype(np.complex64),
            inverses.astype(np.float32),
            np.concatenate([(1 - flat.real) * inverses, (1 + flat.real) * inverses, -2 * flat.imag * inverses]).astype(
                np.float32
            ),
            first_bins,
        )

    def layout(self, span: int, channels: int) -> Layout:
        """Return how the coefficients lie of frames that begin within `span` samples, a multiple of the longest hop."""
        scales, hops = np.array(self.scales), np.array(self.hops)
        frames = span // hops
        blocks = scales // 2 // LANES
        return Layout(
            channels,
            frames,
            blocks,
            _starts(frames * blocks * STRIDE * channels),
            _starts(frames * blocks + LANES),
            _starts(-(-frames // LANES) * LANES),
        )


@lru_cache(maxsize=8)
def dictionary_of(scales: tuple[int, ...], window: str, overlap: int, threshold: float) -> Dictionary:
    """Return a dictionary, its tables made once."""
    return Dictionary(scales, window, overlap, threshold)


def empty_state(layout: Layout) -> State:
    """Return the coefficients of silence."""
    sizes = (layout.first_coefficient[-1], layout.first_block[-1], layout.first_frame[-1])
    return State(*(_aligned(int(size)) for size in sizes))


def _aligned(size: int) -> Array:
    """Return zeros, float32, from the start of a cache line on: what lies across two of them takes twice as long."""
    room = np.zeros(size + LANES, np.float32)
    start = -room.ctypes.data // room.itemsize % LANES
    return room[start : start + size]


def _overlaps(window: Array) -> Array:
    """Return ⟨g*, g⟩ for the bins 0 … M/2 - 1; that of bin 0, which is 1, as 0."""
    found = np.fft.fft(np.square(window))[0::2]
    found[0] = 0
    return np.asarray(found)


def _starts(sizes: Array) -> Array:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
