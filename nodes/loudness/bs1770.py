"""Loudness after ITU-R BS.1770-4, loudness range after EBU Tech 3342, levels of a whole sound."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nodes.loudness.peaks import peaks
from nodes.loudness.weighting import weighted
from nodes.values.blocks import spans
from pipelines.context import release
from pipelines.value import Array

OFFSET = -0.691
ABSOLUTE_GATE = -70.0
RELATIVE_GATE, RANGE_GATE = -10.0, -20.0
STEPS_A_SECOND = 10
MOMENTARY, SHORT_TERM = 4, 30
SILENCE = 1e-30
BLOCK = 2**19
SURROUND = 1.41
LAYOUTS = {5: (1.0, 1.0, 1.0, SURROUND, SURROUND), 6: (1.0, 1.0, 1.0, 0.0, SURROUND, SURROUND)}


@dataclass(frozen=True)
class Measurement:
    """Loudness of a sound; -inf is silence.

    Parameters
    ----------
    integrated
        LUFS.
    range
        LU.
    momentary, short_term
        LUFS of every 0.4 s and every 3 s, ten times a second.
    """

    integrated: float
    range: float
    momentary: Array
    short_term: Array


def channel_weights(channels: int) -> tuple[float, ...]:
    """Return the weight of each channel.

    Five and six channels are 5.0 and 5.1 in the order L R C (LFE) Ls Rs: surrounds count 1.41, the LFE does
    not count. In all other numbers every channel counts 1, as a loudspeaker of its own.
    """
    return LAYOUTS.get(channels, (1.0,) * channels)


def loudness_of(power: Array | float) -> Array:
    """Return LUFS of weighted mean squares; -inf where there is silence, below -300 dB."""
    with np.errstate(divide="ignore"):
        return np.asarray(OFFSET + 10 * np.log10(np.where(np.greater(power, SILENCE), power, 0.0)))


def measure(samples: Array, sample_rate: int, weights: Sequence[float] | None = None) -> Measurement:
    """Return the loudness of a sound.

    Parameters
    ----------
    samples
        channels × samples, float32, finite.
    sample_rate
        Samples a second.
    weights
        Weight of each channel; `channel_weights` unless given.

    Notes
    -----
    A sound shorter than 0.4 s, which has no complete gating block, counts as one block. Below 3 s there is
    no short-term loudness, and the range is 0.
    """
    factors = np.array(channel_weights(len(samples)) if weights is None else weights, np.float64)
    steps, whole = _step_energies(samples, sample_rate, factors)
    momentary = _window_means(steps, MOMENTARY, sample_rate)
    short_term = _window_means(steps, SHORT_TERM, sample_rate)
    blocks = momentary if len(momentary) else np.array([whole])
    return Measurement(
        gated_loudness(blocks), loudness_range(short_term), loudness_of(momentary), loudness_of(short_term)
    )


def gated_loudness(blocks: Array) -> float:
    """Return LUFS over the mean squares of gating blocks: those above -70 LUFS, then above their mean - 10 LU."""
    above = blocks[loudness_of(blocks) > ABSOLUTE_GATE]
    if not len(above):
        return -math.inf
    gate = loudness_of(above.mean()) + RELATIVE_GATE
    return float(loudness_of(above[loudness_of(above) > gate].mean()))


def loudness_range(short_term: Array) -> float:
    """Return LU between the 10th and the 95th percentile of short-term loudness (EBU Tech 3342).

    Counted are mean squares above -70 LUFS and above their mean - 20 LU.
    """
    above = short_term[loudness_of(short_term) > ABSOLUTE_GATE]
    if not len(above):
        return 0.0
    gate = loudness_of(above.mean()) + RANGE_GATE
    levels = loudness_of(above[loudness_of(above) > gate])
    low, high = np.percentile(levels, (10, 95), method="nearest")
    return float(high - low)


def _bounds(length: int, sample_rate: int) -> Array:
    """Return the samples at which complete steps of 0.1 s begin and end, rounded to whole samples."""
    count = length * STEPS_A_SECOND // sample_rate if sample_rate >= STEPS_A_SECOND else 0
    return (2 * np.arange(count + 1) * sample_rate + STEPS_A_SECOND) // (2 * STEPS_A_SECOND)


def _step_energies(samples: Array, sample_rate: int, factors: Array) -> tuple[Array, float]:
    """Return Σ of weighted squares in each complete step, and their mean over the whole sound."""
    length = samples.shape[1]
    bounds = _bounds(length, sample_rate)
    edges = bounds if bounds[-1] == length else np.append(bounds, length)
    energies = np.concatenate([np.zeros(0), *_energies(samples, sample_rate, factors, edges)])
    return energies[: len(bounds) - 1], float(energies.sum() / max(1, length))


def _energies(samples: Array, sample_rate: int, factors: Array, edges: Array) -> Iterator[Array]:
    """Yield Σ of weighted squares between consecutive edges, some at a time."""
    size = max(1, BLOCK * STEPS_A_SECOND // (len(samples) * sample_rate))
    parts = [edges[first : last + 1] for first, last in spans(len(edges) - 1, size)]
    blocks = (samples[:, part[0] : part[-1]] for part in parts)
    for part, block in zip(parts, weighted(blocks, len(samples), sample_rate), strict=True):
        yield factors @ np.add.reduceat(block**2, part[:-1] - part[0], axis=1)
        release(samples)


def _window_means(steps: Array, count: int, sample_rate: int) -> Array:
    """Return the mean square of every `count` consecutive steps."""
    if len(steps) < count:
        return np.zeros(0)
    sums: Array = np.lib.stride_tricks.sliding_window_view(steps, count).sum(axis=1)
    return sums * STEPS_A_SECOND / (count * sample_rate)


def decibels(factor: float) -> float:
    """Return dB of a factor; -inf of 0."""
    return 20 * math.log10(factor) if factor > 0 else -math.inf


def summary(samples: Array, sample_rate: int) -> dict[str, float]:
    """Return the levels worth recording of a finished sound, where they are finite.

    Parameters
    ----------
    samples
        channels × samples, float32.
    sample_rate
        Samples a second.

    Returns
    -------
    dict
        peak_dbfs, true_peak_dbtp, integrated_lufs and loudness_range_lu. Silence has no level in dB: only
        its range, 0 LU, is returned. A sound with NaN or infinity in it has no levels at all.
    """
    highest, true_peak = peaks(samples, sample_rate)
    if not math.isfinite(highest):
        return {}
    found = measure(samples, sample_rate)
    levels = {
        "peak_dbfs": decibels(highest),
        "true_peak_dbtp": decibels(true_peak),
        "integrated_lufs": found.integrated,
        "loudness_range_lu": found.range,
    }
    return {name: level for name, level in levels.items() if math.isfinite(level)}
