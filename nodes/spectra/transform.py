"""The short-time Fourier transform and its inverse, block by block (Allen and Rabiner 1977).

Frame k is centred on sample k·hop, and the sound is continued with zeros on both sides. The last frame is
centred on or behind the last sample, so that every sample lies between the centres of two frames.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view

from nodes.spectra.resident import Resident
from nodes.values.blocks import require_finite, spans
from pipelines.context import release
from pipelines.value import Array

FRAME_SAMPLES = 2**21
"""Samples in all the frames that are transformed at a time: 8 MB in float32."""


def frame_count(length: int, hop: int) -> int:
    """Return the number of frames of a sound of `length` samples: 1 + ⌈(length - 1) / hop⌉."""
    return 1 - (1 - length) // hop


def transform(samples: Array, sample_rate: int, window: Array, hop: int, spectra: Array) -> None:
    """Write the short-time spectra of a sound into `spectra`.

    Parameters
    ----------
    samples
        channels × samples, float32; may be mapped from a file.
    sample_rate
        Samples a second, for messages.
    window
        n_fft values.
    hop
        Distance of frames in samples.
    spectra
        Where to write: channels × bins × frames, complex64; may be mapped from a file.

    Raises
    ------
    MistakeError
        Where a sample is NaN or infinite.
    """
    channels, _, frames = spectra.shape
    n_fft, weights, resident = len(window), window.astype(np.float32), Resident(spectra)
    for channel in range(channels):
        for first, last in spans(frames, _frames_at_a_time(window)):
            start = first * hop - n_fft // 2
            segment = _segment(samples[channel], start, (last - first - 1) * hop + n_fft)
            require_finite(segment[None], sample_rate, start, first_channel=channel + 1)
            framed = sliding_window_view(segment, n_fft)[::hop]
            resident.write(channel, first, scipy.fft.rfft(framed * weights, axis=-1, workers=1))
            release(samples)
    resident.release()


def inverse(spectra: Array, window: Array, hop: int, length: int) -> Array:
    """Return the sound whose short-time spectra are nearest in least squares (Griffin and Lim 1984).

    Parameters
    ----------
    spectra
        channels × bins × frames, complex64; may be mapped from a file.
    window
        n_fft values.
    hop
        Distance of frames in samples.
    length
        Number of samples.

    Returns
    -------
    channels × length, float32.
    """
    samples = np.empty((spectra.shape[0], length), np.float32)
    resident = Resident(spectra)
    for channel in range(spectra.shape[0]):
        _overlap_add(resident, channel, window, hop, samples[channel])
    resident.release()
    return samples


def _overlap_add(resident: Resident, channel: int, window: Array, hop: int, samples: Array) -> None:
    """Fill `samples` with Σₖ w(n - k·hop) xₖ(n) / Σₖ w²(n - k·hop); rows are stretches of one hop."""
    n_fft, frames = len(window), resident.frames
    weights, power = window.astype(np.float32), _power_sums(window, hop)
    rows = len(power)
    tail = np.zeros((rows - 1, hop))
    for first, last in spans(frames, _frames_at_a_time(window)):
        framed = scipy.fft.irfft(resident.read(channel, first, last), n_fft, axis=-1, workers=1)
        framed *= weights
        sums = np.zeros((last - first + rows - 1, hop))
        sums[: rows - 1] = tail
        for row, (start, stop) in enumerate(spans(n_fft, hop)):
            sums[row : row + last - first, : stop - start] += framed[:, start:stop]
        tail = sums[last - first :]
        sums[: last - first] /= power[np.minimum(np.arange(first, last), rows - 1)]
        _place(samples, sums[: last - first], first * hop - n_fft // 2)
    behind = np.arange(rows - 1)
    tail = tail / (power[np.minimum(frames + behind, rows - 1)] - power[behind] + np.finfo(float).tiny)
    _place(samples, tail, frames * hop - n_fft // 2)


def _power_sums(window: Array, hop: int) -> Array:
    """Return the sums of w² over one frame, two frames, … that have begun: rows × hop."""
    rows = -(-len(window) // hop)
    padded = np.zeros(rows * hop)
    padded[: len(window)] = window**2
    return np.asarray(np.cumsum(padded.reshape(rows, hop), axis=0) + np.finfo(float).tiny)


def _segment(samples: Array, start: int, length: int) -> Array:
    """Return samples from `start` on, zero where there are none."""
    segment = np.zeros(length, np.float32)
    first, last = max(start, 0), min(start + length, len(samples))
    segment[first - start : max(first, last) - start] = samples[first:last]
    return segment


def _place(samples: Array, rows: Array, start: int) -> None:
    """Write rows one after another from `start` on, leaving out what lies outside of the sound."""
    values = rows.reshape(-1)
    first, last = max(start, 0), min(start + len(values), len(samples))
    samples[first : max(first, last)] = values[first - start : max(first, last) - start]


def _frames_at_a_time(window: Array) -> int:
    return max(1, FRAME_SAMPLES // len(window))
