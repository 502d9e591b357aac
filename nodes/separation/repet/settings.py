"""How repetition, the centre, drums and bass are told from each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

OVERLAP = 4
"""Frames that cover each sample."""

SMALLEST = 16
"""Samples of a frame at least, however low the sample rate."""

CHUNK_VALUES = 2**23
"""Time-frequency values of all channels that are separated at a time: 48 s of stereo at 44.1 kHz, 350 MB of work."""


@dataclass(frozen=True)
class Settings:
    """How to separate; times in seconds, frequencies in Hz.

    Parameters
    ----------
    frame
        Length of a frame, rounded to a power of two of samples; 4096 samples at 44.1 kHz.
    reach
        How far around a frame others are sought that are like it.
    distance
        Least time between two of these.
    similar
        How many are sought at most, the frame itself among them.
    centre
        Weight of the centre mask, 0 to 1, in the geometric mean with that of repetition; 0 asks for repetition alone.
    focus
        Exponent of the centre mask: larger takes less of what is off the middle.
    lowest
        Below this there is no voice.
    steady
        Length of the median along time, which tells tones from strokes in the accompaniment.
    broad
        Length of the median along frequency.
    bass
        Where the bass ends.
    """

    frame: float = 0.0929
    reach: float = 15.0
    distance: float = 0.5
    similar: int = 25
    centre: float = 0.5
    focus: float = 8.0
    lowest: float = 100.0
    steady: float = 0.4
    broad: float = 334.0
    bass: float = 180.0

    def at(self, sample_rate: int) -> Grid:
        """Return the same in samples, frames and bins."""
        n_fft = max(SMALLEST, 2 ** round(float(np.log2(self.frame * sample_rate))))
        hop, width = n_fft // OVERLAP, sample_rate / n_fft
        return Grid(
            settings=self,
            n_fft=n_fft,
            hop=hop,
            width=width,
            reach=max(1, round(self.reach * sample_rate / hop)),
            distance=round(self.distance * sample_rate / hop),
            similar=self.similar - 1 + self.similar % 2,
            steady=round(self.steady * sample_rate / hop) // 2,
            broad=round(self.broad / width) // 2,
        )


@dataclass(frozen=True)
class Grid:
    """Settings at one sample rate.

    Parameters
    ----------
    settings
        As they were told.
    n_fft, hop
        Length and distance of frames in samples.
    width
        Distance of bins in Hz.
    reach, distance
        In frames.
    similar
        Frames that the median is taken over, an odd number.
    steady, broad
        Frames and bins at either side of the medians' middle.
    """

    settings: Settings
    n_fft: int
    hop: int
    width: float
    reach: int
    distance: int
    similar: int
    steady: int
    broad: int

    def chunk(self, channels: int) -> int:
        """Return the samples that are separated at a time, a multiple of the hop; fewer with many channels."""
        values = (self.n_fft // 2 + 1) * max(2, channels)
        return max(CHUNK_VALUES // values, 4 * self.steady, 1) * self.hop
