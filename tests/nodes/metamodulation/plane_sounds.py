"""Sounds with known modulations, and how to measure them."""

import os
from functools import partial
from pathlib import Path

import numpy as np
from contexts import make_context

from nodes.metamodulation import node
from nodes.values import Audio
from pipelines.quantities import Envelope

RATE, LENGTH = 8192, 2**15
TIME = np.arange(LENGTH) / RATE

metamodulate = partial(node.metamodulate, context=make_context(Path(os.devnull)))


def constant(value):
    return Envelope(((0.0, float(value)),))


def audio(*channels, rate=RATE):
    return Audio(np.stack(channels).astype(np.float32), rate)


def chirps(length=LENGTH):
    """Chirps of 0.25 s that rise by an octave from 600 Hz, every half second."""
    x, n = np.zeros(length), RATE // 4
    t = np.arange(n) / RATE
    chirp = np.hanning(n + 1)[:-1] * np.sin(2 * np.pi * 600 * (2 ** (4 * t) - 1) / (4 * np.log(2)))
    for start in range(0, length - n, RATE // 2):
        x[start : start + n] += 0.1 * chirp
    return audio(x)


def beating_noise(rate, seed=0):
    """White noise whose amplitude goes up and down `rate` times a second."""
    noise = np.random.default_rng(seed).standard_normal(LENGTH)
    return audio(0.1 * noise * (1 + np.cos(2 * np.pi * rate * TIME)))


def vibrato(rate, depth=0.25, centre=600.0):
    """A tone that goes up and down by `depth` octaves `rate` times a second."""
    phase = 2 * np.pi * np.cumsum(centre * 2 ** (depth * np.sin(2 * np.pi * rate * TIME))) / RATE
    return audio(0.1 * np.sin(phase))


def spectrum_of_course(course):
    """Magnitudes from 1 to 40 Hz of something that moves in time, with their frequencies."""
    magnitudes = np.abs(np.fft.rfft(course - course.mean())) * 2 / len(course)
    frequencies = np.arange(len(magnitudes)) * RATE / LENGTH
    heard = (frequencies > 1) & (frequencies < 40)
    return frequencies[heard], magnitudes[heard]


def pitch_course(samples):
    """The instantaneous frequency in octaves, weighted by power over 5 ms."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import hilbert

    analytic = hilbert(samples.astype(np.float64))
    frequency = np.diff(np.unwrap(np.angle(analytic))) * RATE / (2 * np.pi)
    power = np.abs(analytic[1:]) ** 2
    width = 0.005 * RATE
    mean = gaussian_filter1d(frequency * power, width, mode="wrap") / gaussian_filter1d(power, width, mode="wrap")
    return np.log2(np.clip(mean, 100, 4000))


def spins(scattering):
    """Energy of rising and of falling modulations."""
    energy = np.square(scattering.order2, dtype=np.float64).sum((0, 2))
    return energy[scattering.scales2 > 0].sum(), energy[scattering.scales2 < 0].sum()


def distance(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


def error(found, wanted, names=("order1", "order2")):
    """|S - S*| / |S*| over some orders."""
    both = [np.concatenate([getattr(s, name).ravel() for name in names]) for s in (found, wanted)]
    return distance(*both)
