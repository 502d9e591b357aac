"""Harmonic and percussive parts by median filtering (FitzGerald 2010; margins: Driedger et al. 2014).

A tone is a ridge along time in the spectrogram, a stroke one along frequency. Medians along either axis
keep the one and suppress the other; they make the masks. librosa does this for what fits in memory, here it
is done in overlapping chunks. What a sample becomes depends on nothing farther away than one frame and half
of the harmonic kernel, so that with this much around each chunk the seams are exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from librosa.effects import hpss

from nodes.values.blocks import require_finite, spans
from pipelines.context import release
from pipelines.value import Array

CHUNK_VALUES = 2**21
"""Time-frequency values of a chunk, some 300 MB of work; 24 s at 44.1 kHz with the default frames."""


@dataclass(frozen=True)
class MedianFilters:
    """How to tell harmonic from percussive.

    Parameters
    ----------
    harmonic_kernel
        Length of the median along time, in frames.
    percussive_kernel
        Length of the median along frequency, in bins.
    power
        Exponent of the masks: 2 is Wiener-like, infinity decides for one or the other.
    harmonic_margin, percussive_margin
        How many times stronger than the other a part must be to be taken.
    n_fft, hop
        Length and distance of frames, in samples.
    """

    harmonic_kernel: int
    percussive_kernel: int
    power: float
    harmonic_margin: float
    percussive_margin: float
    n_fft: int
    hop: int

    @property
    def chunk(self) -> int:
        """Samples that are separated at a time, a multiple of the hop."""
        frames = CHUNK_VALUES // (self.n_fft // 2 + 1)
        return max(frames, 4 * self.harmonic_kernel) * self.hop

    @property
    def reach(self) -> int:
        """Samples around a chunk on which it depends, a multiple of the hop."""
        return (self.harmonic_kernel // 2 + 1 + -(-self.n_fft // self.hop)) * self.hop

    def separate(self, samples: Array) -> tuple[Array, Array]:
        """Return the harmonic and the percussive part of one channel that fits in memory."""
        padded = np.pad(samples, (0, max(0, self.n_fft - len(samples))))
        harmonic, percussive = hpss(
            padded,
            kernel_size=(self.harmonic_kernel, self.percussive_kernel),
            power=self.power,
            margin=(self.harmonic_margin, self.percussive_margin),
            n_fft=self.n_fft,
            hop_length=self.hop,
        )
        return harmonic[: len(samples)], percussive[: len(samples)]


class Chunk(NamedTuple):
    """Samples `start` to `stop` of a channel."""

    channel: int
    start: int
    stop: int


def chunks_of(filters: MedianFilters, shape: tuple[int, ...]) -> list[Chunk]:
    """Return the chunks of a sound of channels × samples."""
    return [Chunk(channel, *span) for channel in range(shape[0]) for span in spans(shape[1], filters.chunk)]


def separate_into(
    filters: MedianFilters,
    samples: Array,
    sample_rate: int,
    chunks: Iterable[Chunk],
    harmonic: Array,
    percussive: Array,
    residual: Array,
) -> None:
    """Write the parts of a sound, chunk by chunk; their sum is the sound up to rounding.

    Parameters
    ----------
    filters
        How to separate.
    samples
        channels × samples, float32; may be mapped from a file.
    sample_rate
        Samples a second, for messages.
    chunks
        Which chunks, from `chunks_of`.
    harmonic, percussive, residual
        Where to write, shaped as `samples`.

    Raises
    ------
    MistakeError
        Where a sample is NaN or infinite.
    """
    for channel, start, stop in chunks:
        first, last = max(0, start - filters.reach), min(samples.shape[1], stop + filters.reach)
        around = np.array(samples[channel, first:last])
        require_finite(around[None], sample_rate, first, first_channel=channel + 1)
        inner = slice(start - first, stop - first)
        steady, struck = (part[inner] for part in filters.separate(around))
        harmonic[channel, start:stop] = steady
        percussive[channel, start:stop] = struck
        residual[channel, start:stop] = around[inner] - steady - struck
        for array in (samples, harmonic, percussive, residual):
            release(array)
