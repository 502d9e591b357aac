"""Likeness by measures that no inversion descends on, each beside the natural variability of the source.

Both are biased by the length of what is compared: halves of the source are therefore compared with pieces of the result
that are as long as they, and natural variability is what the halves have between each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np

from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.quality.mel import level_distance, logarithms, mel_powers, snippet_features
from nodes.textures.quality.scoring import averages
from pipelines.value import Array

LONGEST = 20.0
"""Seconds of a piece at most; longer halves are judged by as much from their middle."""

COMPONENTS = 8
LEAST_SPREAD = 0.01
"""Standard deviation of a feature of log-mel spectra that counts as none: 0.04 dB."""

LEAST_POWER, LEAST_MEAN = 1e-30, 1e-6
"""Power of a source, and mean of an envelope, below which all is silence."""

BANDS, ENVELOPE_RATE, SLOWEST, FASTEST, RATES = 14, 4000.0, 10.0, 1000.0, 6
EMPHASIS = (1.0, 1.0, 0.1, 0.01)
"""Of the four moments, which grow with their order."""


class HeldOut(NamedTuple):
    """Distances of a result from the source, and of one half of the source from the other."""

    frechet: float
    frechet_natural: float
    moments: float
    moments_natural: float


class Reference:
    """One channel of a source, to which results are compared.

    Parameters
    ----------
    source
        Samples.
    sample_rate
        Samples a second.
    snippet
        Seconds of a snippet.
    device
        'cpu' or 'cuda'.
    """

    def __init__(self, source: Array, sample_rate: int, snippet: float, device: str = "cpu") -> None:
        self._source, self._rate, self._snippet, self._device = source, sample_rate, snippet, device
        self._model = envelope_model(sample_rate)
        length = min(len(source) // 2, self._most)
        powers = [mel_powers(_middle(half, length), sample_rate) for half in _halves(source)]
        self._power = max(float(np.concatenate(powers, 1).mean()), LEAST_POWER)
        self._halves: Callable[[int], list[tuple[Array, dict[str, Array]]]] = cache(self._measured_halves)
        first, second = (statistics for _, statistics in self._halves(length))
        both = np.concatenate([features for features, _ in self._halves(length)])
        self._spread = np.maximum(both.std(0), LEAST_SPREAD)
        self._counted = self._model.significance({name: (first[name] + second[name]) / 2 for name in first})

    def __call__(self, result: Array) -> HeldOut:
        """Return the distances of a result, each the mean over pairs of pieces."""
        length = min(len(self._source) // 2, len(result), self._most)
        halves = self._halves(length)
        parts = _halves(result) if len(result) >= 2 * length else [result]
        pieces = [self._measured(_middle(part, length)) for part in parts]
        pairs = list(product(halves, pieces))
        return HeldOut(
            float(np.mean([feature_distance(own[0] / self._spread, other[0] / self._spread) for own, other in pairs])),
            float(
                np.mean(
                    [
                        feature_distance(own[0] / self._spread, other[0] / self._spread)
                        for own, other in (halves, halves[::-1])
                    ]
                )
            ),
            float(np.mean([moment_distance(own[1], other[1], self._counted) for own, other in pairs])),
            moment_distance(halves[0][1], halves[1][1], self._counted),
        )

    def levels(self, sound: Array) -> Array:
        """Return the log-mel spectrum of the first 20 s of a sound: bands × frames."""
        return logarithms(mel_powers(sound[: self._most], self._rate), self._power)

    def natural_level_distance(self) -> float:
        """Return the distance in dB of the log-mel spectra of both halves."""
        first, second = (self.levels(half) for half in _halves(self._source))
        return level_distance(first, second)

    @property
    def _most(self) -> int:
        return round(LONGEST * self._rate)

    def _measured_halves(self, length: int) -> list[tuple[Array, dict[str, Array]]]:
        return [self._measured(_middle(half, length)) for half in _halves(self._source)]

    def _measured(self, piece: Array) -> tuple[Array, dict[str, Array]]:
        levels = logarithms(mel_powers(piece, self._rate), self._power)
        features = snippet_features(levels, self._snippet)
        return features, averages(piece[None], self._model, self._device)


def _halves(sound: Array) -> list[Array]:
    return [sound[: len(sound) // 2], sound[len(sound) // 2 :]]


def _middle(sound: Array, length: int) -> Array:
    first = (len(sound) - length) // 2
    return sound[first : first + length]


def envelope_model(sample_rate: int) -> AuditoryModel:
    """Return 16 bands over the whole range with envelopes that are not compressed, sampled far faster than usual."""
    return AuditoryModel(
        sample_rate,
        highest=min(16_000.0, sample_rate / 2),
        bands=BANDS,
        compression=1.0,
        envelope_rate=ENVELOPE_RATE,
        modulation_bands=RATES,
        slowest=SLOWEST,
        fastest=FASTEST,
    )


def moment_distance(wanted: dict[str, Array], found: dict[str, Array], counted: dict[str, Array]) -> float:
    """Return how far statistics of uncompressed envelopes are apart.

    After Gutiérrez, Font, Serra and Wyse (TexStat, DAFx 2025), in a formula of its own: the sum of the root mean square
    differences of the moments (ln mean, (σ / mean)², 0.1 skewness, 0.01 kurtosis), of the correlations of bands, and of
    the roots of the shares of the variance in modulation bands; over what counts, which is not 0. NaN if nothing does.
    """

    def apart(name: str, scale: float, change: Callable[[Array], Array]) -> float:
        squares = np.square(change(found[name]) - change(wanted[name]))[counted[name] > 0]
        return scale**2 * float(squares.mean()) if len(squares) else math.nan

    level, variation, skewness, kurtosis = EMPHASIS
    moments = (
        apart("envelope_mean", level, lambda values: np.log(values + LEAST_MEAN)),
        apart("envelope_variation", variation, np.square),
        apart("envelope_skewness", skewness, np.asarray),
        apart("envelope_kurtosis", kurtosis, np.asarray),
    )
    parts = (
        sum(moments) / len(moments),
        apart("envelope_correlation", 1.0, np.asarray),
        apart("modulation_power", 1.0, lambda values: np.sqrt(np.maximum(values, 0.0))),
    )
    return sum(math.sqrt(part) for part in parts)


def feature_distance(first: Array, second: Array) -> float:
    """Return the Fréchet distance of the features of snippets in the principal components of the first.

    These fit a sound better than any other one: only what they were not taken from may be compared with what they were.
    """
    basis = principal_basis(first)
    return frechet_distance(first @ basis, second @ basis)


def principal_basis(features: Array) -> Array:
    """Return features × components: the 8 strongest principal components, or as many as there are."""
    directions = np.linalg.svd(features - features.mean(0), full_matrices=False)[2]
    return np.asarray(directions[:COMPONENTS].T)


def frechet_distance(first: Array, second: Array) -> float:
    """Return |μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁ Σ₂)^½) of the normal distributions of two sets of points.

    Parameters
    ----------
    first, second
        points × components.

    Returns
    -------
    The squared Fréchet (2-Wasserstein) distance, 0 or more; NaN of fewer than two points.
    """
    if min(len(first), len(second)) < 2:
        return math.nan
    shapes = [np.atleast_2d(np.cov(points.T)) for points in (first, second)]
    values, vectors = np.linalg.eigh(shapes[0])
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    both = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ shapes[1] @ root), 0)).sum()
    apart = np.square(first.mean(0) - second.mean(0)).sum()
    return max(0.0, float(apart + np.trace(shapes[0]) + np.trace(shapes[1]) - 2 * both))
