"""How near statistics come to those that are wanted, class by class."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nodes.textures.model import TextureModel
from nodes.textures.stretches import measured
from nodes.textures.value import TextureStatistics
from pipelines.value import Array

LEAST = -60.0
"""Signal-to-noise ratio in dB below which nothing is told apart."""

TINY = 1e-30

Classes = dict[str, Array]


class Scores(NamedTuple):
    """For each class the signal-to-noise ratio in dB, the median error in deviations, and the rms error.

    NaN where nothing of a class counts, or deviations are not known; levels, whose error has their unit, have no rms.
    """

    ratio: dict[str, float]
    deviations: dict[str, float]
    error: dict[str, float]


def averages(samples: Array, model: TextureModel, device: str) -> Classes:
    """Return the statistics of a whole sound: channels × paths, float64."""
    return {name: values.mean(-1, dtype=np.float64) for name, values in measured(samples, model, device).items()}


def scores_of(
    samples: Array, statistics: TextureStatistics, pairs: list[tuple[int, int]], cap: float, device: str
) -> Scores:
    """Return how near a sound comes to statistics, measured under the same window.

    Statistics that stay are compared with the mean over the sound; those that move stretch by stretch.

    Parameters
    ----------
    samples
        channels × samples.
    statistics
        What is wanted; what has weight 0 there, or is of a band 50 dB below the strongest, does not count.
    pairs
        Channels of the sound, each with that of the statistics.
    cap
        Ratio in dB beyond which nearer is not better.
    device
        'cpu' or 'cuda'.
    """
    found, wanted, weights = sides_of(samples, statistics, pairs, device)
    theirs = [channel for _, channel in pairs]
    deviations = _rows(statistics.deviations, theirs)
    return compared(statistics.model, found, wanted, weights, deviations, cap)


def sides_of(
    samples: Array, statistics: TextureStatistics, pairs: Sequence[tuple[int, int]], device: str
) -> tuple[Classes, Classes, Classes]:
    """Return the statistics of a sound, those that are wanted and their weights, channels × paths × stretches.

    Of statistics that stay the means over the stretches; the parameters are those of `scores_of`.
    """
    own, theirs = (list(each) for each in zip(*pairs, strict=True))
    length = samples.shape[1]
    found = _rows(measured(samples, statistics.model, device, statistics.layout(length)), own)
    wanted, weights = statistics.coefficients_for(length), statistics.emphasis_for(length)
    if len(statistics.times) == 1:
        found, wanted, weights = (_means(each) for each in (found, wanted, weights))
    wanted, weights = _rows(wanted, theirs), _rows(weights, theirs)
    beside = _beside(pairs, len(samples), statistics.channels)
    weights |= {name: weights.get(name, np.ones(1)) * _linked(beside, wanted[name]) for name in statistics.linked}
    return found, wanted, weights


def _beside(pairs: Sequence[tuple[int, int]], own: int, theirs: int) -> Array:
    """Return which pairs of channels follow another pair: what compares channels with those before counts there only.

    Shaped pairs × 1 × 1; `own` and `theirs` are the numbers of channels.
    """
    return np.array([((one - 1) % own, (other - 1) % theirs) in pairs for one, other in pairs])[:, None, None]


def _linked(beside: Array, values: Array) -> Array:
    """Return the weights of a class that compares channels."""
    return np.asarray(np.broadcast_to(beside, values.shape), np.float64)


def scores_of_halves(
    source: Array, statistics: TextureStatistics, channels: Sequence[int], cap: float, device: str
) -> Scores:
    """Return how near the second half of a source (channels × samples) comes to its first half, in some channels."""
    model, middle = statistics.model, source.shape[1] // 2
    if middle < model.least_samples():
        missing = dict.fromkeys(statistics.classes, np.nan)
        return Scores(missing, missing, missing)
    first, second = (
        {name: values[channels, :, None] for name, values in averages(half, model, device).items()}
        for half in (source[:, :middle], source[:, middle:])
    )
    known = statistics.deviations if statistics.channels == len(source) else {}
    beside = _beside([(row, row) for row in channels], len(source), len(source))
    weights = {name: _linked(beside, first[name]) for name in model.linked if name in first}
    weights |= {name: np.zeros_like(first[name]) for name in model.lacking(middle) if name in first}
    return compared(model, second, first, weights, _rows(known, channels), cap)


def compared(
    model: TextureModel, found: Classes, wanted: Classes, weights: Classes, deviations: Classes, cap: float
) -> Scores:
    """Return the scores of statistics.

    Parameters
    ----------
    model
        Tells which bands are strong enough to count.
    found, wanted
        For each class channels × paths × stretches.
    weights
        For some classes, shaped as these: 0 where a statistic does not count.
    deviations
        For some classes channels × paths: standard deviation of each statistic.
    cap
        Highest ratio in dB.
    """
    names = [name for name in wanted if name in found and found[name].shape == wanted[name].shape]
    error = {name: found[name].astype(np.float64) - wanted[name] for name in names}
    counted = _counted(model, wanted, weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # means of nothing are NaN, as they shall be
        return Scores(
            {name: float(np.nanmean(_ratios(wanted[name], error[name], counted[name], cap))) for name in names},
            {name: _in_deviations(error[name], counted[name], deviations.get(name)) for name in names},
            {name: _rms(error[name][counted[name]]) if model.domains[name] != "level" else np.nan for name in names},
        )


def _ratios(wanted: Array, error: Array, counted: Array, cap: float) -> Array:
    """Return 10 log10 Σ wanted² / Σ error² of each channel."""
    signal, noise = (np.where(counted, np.square(each, dtype=np.float64), 0).sum((1, 2)) for each in (wanted, error))
    ratios = np.clip(10 * np.log10((signal + TINY) / (noise + TINY)), LEAST, cap)
    return np.where(counted.any((1, 2)), np.where(noise <= TINY, cap, ratios), np.nan)


def _rms(error: Array) -> float:
    return float(np.sqrt(np.square(error).mean()))


def _in_deviations(error: Array, counted: Array, deviations: Array | None) -> float:
    """Return the median of |error| / deviation over what counts and has a deviation."""
    if deviations is None:
        return float("nan")
    spread = np.broadcast_to(deviations[..., None], error.shape).astype(np.float64)
    known = counted & np.isfinite(spread) & (spread > TINY)
    return float(np.median(np.abs(error[known]) / spread[known]))


def _counted(model: TextureModel, wanted: Classes, weights: Classes) -> Classes:
    """Return which statistics count: channels × paths × stretches."""
    points = range(next(iter(wanted.values())).shape[-1])
    each = [model.significance({name: values[..., point] for name, values in wanted.items()}) for point in points]
    found = {name: np.ones(values.shape, bool) for name, values in wanted.items()}
    for name in found:
        if name in each[0]:
            found[name] &= np.stack([own[name] for own in each], -1) > 0
        if name in weights:
            found[name] &= weights[name] > 0
    return found


def _rows(classes: Classes, rows: Sequence[int]) -> Classes:
    return {name: values[list(rows)] for name, values in classes.items()}


def _means(classes: Classes) -> Classes:
    return {name: values.mean(-1, keepdims=True, dtype=np.float64) for name, values in classes.items()}
