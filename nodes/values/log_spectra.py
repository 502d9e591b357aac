"""Levels over logarithmic frequency at chosen places of a sound: what a picture of it needs, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipelines.context import release
from pipelines.value import Array

if TYPE_CHECKING:
    from nodes.values.spectrogram import Spectrogram

ROWS = 180
LOWEST = 30.0
FLOOR = 1e-20
BATCH = 64


@dataclass(frozen=True)
class Levels:
    """A picture's numbers.

    Parameters
    ----------
    decibels
        180 rows from low to high × columns; 0 dB is a sine of full scale, -200 dB the floor.
    start, stop
        Seconds at the picture's left and right edge.
    low, high
        Hertz at its lower and upper edge, with rows of equal ratio between them.
    """

    decibels: Array
    start: float
    stop: float
    low: float
    high: float

    @property
    def top(self) -> float:
        """The highest finite level in dB; -200 where there is none."""
        finite = self.decibels[np.isfinite(self.decibels)]
        return float(np.max(finite, initial=10 * np.log10(FLOOR)))

    def row(self, frequency: float) -> float:
        """Return the height of a frequency, in rows."""
        return float(ROWS * np.log(frequency / self.low) / np.log(self.high / self.low))


def sound_levels(samples: Array, sample_rate: int, most: int, highest: float = np.inf) -> Levels:
    """Return levels at up to `most` evenly spaced places; the power of several channels is averaged.

    Parameters
    ----------
    samples
        channels × samples, float32.
    sample_rate
        Samples a second.
    most
        Columns of the picture. Frames of about 90 ms are taken a quarter of their length apart, or farther
        where that would be more columns.
    highest
        Hertz at the upper edge, where it is below half the sample rate.
    """
    length = samples.shape[1]
    size = max(64, 2 ** int(np.ceil(np.log2(sample_rate / 12))))
    count = min(most, max(1, 4 * length // size))
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    centres = (np.arange(count) + 0.5) * length / count
    power = np.zeros((count, size // 2 + 1), np.float32)
    for channel in samples:
        for first in range(0, count, BATCH):
            frames = _frames(channel, centres[first : first + BATCH], size) * window
            with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity leave holes in the picture
                power[first : first + BATCH] += _squares(np.fft.rfft(frames)) / len(samples)
        release(samples)
    end = max(length, 1) / sample_rate
    return _levels(power, sample_rate, float(window.sum()), 0.0, end, highest)


def spectrogram_levels(spectrogram: Spectrogram, channel: int, most: int) -> Levels:
    """Return the levels of one channel of a spectrogram, at up to `most` evenly chosen frames."""
    from nodes.spectra.windows import window_of

    spectra = spectrogram.spectra[channel]
    frames = spectra.shape[1]
    chosen = np.linspace(0, frames - 1, min(frames, most)).round().astype(int)
    power = np.empty((len(chosen), len(spectra)), np.float32)
    for first in range(0, len(spectra), BATCH):
        bins = slice(first, first + BATCH)
        power[:, bins] = _squares(spectra[bins][:, chosen]).T
        release(spectrogram.spectra)
    scale = float(window_of(spectrogram.window, spectrogram.n_fft).sum())
    half, last = spectrogram.hop / 2, (frames - 1) * spectrogram.hop
    edges = (-half / spectrogram.sample_rate, (last + half) / spectrogram.sample_rate)
    return _levels(power, spectrogram.sample_rate, scale, *edges)


def _frames(channel: Array, centres: Array, size: int) -> Array:
    """Return frames × size around the centres, zeros outside of the sound."""
    frames = np.zeros((len(centres), size), np.float32)
    for frame, centre in zip(frames, centres, strict=True):
        start = int(centre) - size // 2
        piece = channel[max(0, start) : max(0, start + size)]
        frame[max(0, -start) : max(0, -start) + len(piece)] = piece
    return frames


def _squares(spectra: Array) -> Array:
    squares: Array = spectra.real**2 + spectra.imag**2
    return squares


def _levels(
    power: Array, sample_rate: int, window_sum: float, start: float, stop: float, highest: float = np.inf
) -> Levels:
    """Return the power (frames × bins) in rows of equal ratio, in dB of a sine of full scale.

    A row that spans half a bin or more shows the highest bin; narrower ones are interpolated.
    """
    nyquist, last = sample_rate / 2, power.shape[1] - 1
    high = min(highest, nyquist)
    low = min(LOWEST, high / 8)
    edges = low / nyquist * last * (high / low) ** (np.arange(ROWS + 1) / ROWS)
    power = power[:, : int(edges[-1].round()) + 2]  # a bin beyond the edge, to interpolate with
    decibels = 10 * np.log10(np.maximum(power * (2 / window_sum) ** 2, FLOOR))
    wide = np.maximum.reduceat(decibels, np.minimum(edges[:-1].round(), last).astype(int), axis=1)
    middles = np.sqrt(edges[:-1] * edges[1:])
    left = np.minimum(middles, last - 1).astype(int)
    part = (middles - left).clip(0, 1)
    narrow = decibels[:, left] * (1 - part) + decibels[:, left + 1] * part
    rows = np.where(np.diff(edges) > 0.5, wide, narrow).T
    return Levels(rows, start, stop, low, high)
