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
    """What the compiled loops know of a dictionary beside `Kernels`: plain arrays.

    Parameters
    ----------
    lengths, hops
        Of each scale, in samples.
    bins
        Of each scale between 0 Hz and the sample rate, N.
    edge
        Blocks of bins at 0 Hz and at half the sample rate in which atoms count less or more than |c|².
    turns_real, turns_imaginary
        exp(2πik/N) of the longest scale.
    overlaps
        γ = ⟨g*, g⟩ of an atom and its conjugate for each bin of each scale, complex64.
    inverses
        1/(1 - |γ|²).
    factors
        What an atom counts is p x² + q y² + s x y where x + iy is its coefficient: p, then q, then s of all bins; all
        are 0 where there is no atom.
    first_bins
        Where the bins of each scale begin in `overlaps`.
    """

    lengths: Array
    hops: Array
    bins: Array
    edge: int
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
    """Real Gabor atoms of bins 0 … N/2 - 1 of N = M × oversampling, each M/overlap samples, at several scales M.

    There is none of less than a cycle in its window but at 0 Hz, nor that near to half the sample rate: its sine and
    cosine would hardly differ.

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
    oversampling
        Bins for each sample of a window, a power of 2.
    """

    scales: tuple[int, ...]
    window: str
    overlap: int
    threshold: float
    oversampling: int = 1

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
    def bins(self) -> list[int]:
        """Bins between 0 Hz and the sample rate."""
        return [scale * self.oversampling for scale in self.scales]

    @cached_property
    def kernels(self) -> Kernels:
        """Inner products of atoms."""
        return kernels_of(self.windows, self.hops, self.threshold, self.oversampling)

    @cached_property
    def tables(self) -> Tables:
        """What else the compiled loops need."""
        overlaps = [_overlaps(window, self.oversampling) for window in self.windows]
        flat = np.concatenate(overlaps)
        inverses = np.concatenate([_inverses(found, self.oversampling) for found in overlaps])
        turns = np.exp(2j * np.pi * np.arange(max(self.bins)) / max(self.bins))
        return Tables(
            np.array(self.scales, np.int64),
            np.array(self.hops, np.int64),
            np.array(self.bins, np.int64),
            self.oversampling,
            turns.real.astype(np.float32),
            turns.imag.astype(np.float32),
            flat.astype(np.complex64),
            inverses.astype(np.float32),
            np.concatenate([(1 - flat.real) * inverses, (1 + flat.real) * inverses, -2 * flat.imag * inverses]).astype(
                np.float32
            ),
            _starts(np.array(self.bins) // 2),
        )

    def layout(self, span: int, channels: int) -> Layout:
        """Return how the coefficients lie of frames that begin within `span` samples, a multiple of the longest hop."""
        frames = span // np.array(self.hops)
        blocks = np.array(self.bins) // 2 // LANES
        return Layout(
            channels,
            frames,
            blocks,
            _starts(frames * blocks * STRIDE * channels),
            _starts(frames * blocks + LANES),
            _starts(-(-frames // LANES) * LANES),
        )


@lru_cache(maxsize=2)
def dictionary_of(
    scales: tuple[int, ...], window: str, overlap: int, threshold: float, oversampling: int = 1
) -> Dictionary:
    """Return a dictionary, its tables made once; only the last two are kept, as they may be large."""
    return Dictionary(scales, window, overlap, threshold, oversampling)


def empty_state(layout: Layout) -> State:
    """Return room for coefficients, which nobody has measured yet."""
    coefficients = _aligned(np.empty(layout.first_coefficient[-1] + LANES, np.float32))
    blocks, frames = (_aligned(np.zeros(starts[-1] + LANES, np.float32)) for starts in layout[4:])
    return State(coefficients, blocks, frames)


def _aligned(room: Array) -> Array:
    """Return a room less 16 numbers, from the start of a cache line on: what lies across two takes twice as long."""
    size = len(room) - LANES
    start = -room.ctypes.data // room.itemsize % LANES
    return room[start : start + size]


def _overlaps(window: Array, oversampling: int) -> Array:
    """Return ⟨g*, g⟩ for the bins 0 … N/2 - 1; 0 for bin 0, where it is 1, and where there is no atom."""
    found = np.fft.fft(np.square(window), len(window) * oversampling)[0::2]
    found[:oversampling] = 0
    found[len(found) - oversampling + 1 :] = 0
    return np.asarray(found)


def _inverses(overlaps: Array, oversampling: int) -> Array:
    """Return 1/(1 - |γ|²) for the bins 0 … N/2 - 1, and 0 where there is no atom."""
    found = 1 / (1 - np.square(np.abs(overlaps)))
    found[:oversampling] = 0
    found[len(found) - oversampling + 1 :] = 0
    found[0] = 0.5  # at 0 Hz the atom is its own conjugate: each gives half
    return np.asarray(found)


def _starts(sizes: Array) -> Array:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
