"""Frames of a part of a sound, and back: each sample lies in four frames, at the ends too."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view

from nodes.separation.repet.settings import OVERLAP
from nodes.spectra.windows import window_of
from pipelines.value import Array

SQUARES = 1.5
"""Sum of the squares of the four Hann windows over a sample."""


def frame_count(length: int, hop: int) -> int:
    """Return the number of frames that touch a sound; frame k ends with the sample before (k + 1) · hop."""
    return -(-length // hop) + OVERLAP - 1


def spectra_of(samples: Array, hop: int, first: int, last: int) -> Array:
    """Return frames `first` to `last` (not included) of channels × samples: channels × frames × bins, complex64."""
    start, stop = (first - OVERLAP + 1) * hop, last * hop
    segment = np.zeros((len(samples), stop - start), np.float32)
    low, high = max(0, start), min(samples.shape[1], stop)
    segment[:, low - start : high - start] = samples[:, low:high]
    framed = sliding_window_view(segment, OVERLAP * hop, axis=1)[:, ::hop]
    window = window_of("hann", OVERLAP * hop).astype(np.float32)
    found: Array = scipy.fft.rfft(framed * window, axis=-1, workers=1)
    return found


def sound_of(spectra: Array, hop: int) -> Array:
    """Return what consecutive frames say where all four are there: channels × (frames - 3) · hop, float32."""
    channels, frames, _ = spectra.shape
    framed = scipy.fft.irfft(spectra, OVERLAP * hop, axis=-1, workers=1)
    framed *= (window_of("hann", OVERLAP * hop) / SQUARES).astype(np.float32)
    whole = frames - OVERLAP + 1
    sound = np.zeros((channels, whole, hop), np.float32)
    for part in range(OVERLAP):
        first = OVERLAP - 1 - part
        sound += framed[:, first : first + whole, part * hop : (part + 1) * hop]
    return sound.reshape(channels, whole * hop)
