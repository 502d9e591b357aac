"""Multiplicative updates of non-negative matrix factorisation (Lee and Seung 2001; Févotte and Idier 2011).

A matrix of frames × bins is taken for a product of levels (frames × components) and spectra (components × bins). Each
update lowers the divergence between both, or leaves it. The levels of a frame depend on that frame alone, and what the
spectra need is a sum over frames, so that the matrix is read in blocks and may lie in a file.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from nodes.values.blocks import spans
from pipelines.context import release
from pipelines.value import Array
from pipelines.workers import spread

Divergence = Literal["kullback_leibler", "itakura_saito", "euclidean"]

BLOCK = 2**18
"""Values of the matrix that are worked on at a time."""

TINY = 1e-12
"""Keeps what is divided by above zero."""

LEAST = np.float32(1e-15)
"""Levels and shares of a bin are no less, or products would fall below what processors reckon with at full speed."""


class Factors(NamedTuple):
    """Levels (frames × components) and spectra (components × bins, each adding up to 1), float32."""

    levels: Array
    spectra: Array


def power_of(divergence: Divergence) -> int:
    """Return what a divergence compares: 1 for magnitudes, 2 for powers."""
    return 2 if divergence == "itakura_saito" else 1


def started(matrix: Array, components: int, generator: np.random.Generator) -> Factors:
    """Return random factors whose product has the level of the matrix."""
    spectra = generator.uniform(0.5, 1.5, (components, matrix.shape[1])).astype(np.float32)
    return Factors(started_levels(matrix, components, generator), spectra / spectra.sum(axis=1, keepdims=True))


def started_levels(matrix: Array, components: int, generator: np.random.Generator) -> Array:
    """Return random levels whose sum in each frame is about that of the matrix."""
    levels = generator.uniform(0.5, 1.5, (len(matrix), components)).astype(np.float32)
    for start, stop in spans(len(matrix), _rows(matrix)):
        levels[start:stop] *= matrix[start:stop].sum(axis=1, keepdims=True) / components
        release(matrix)
    return levels


def improve(matrix: Array, factors: Factors, divergence: Divergence, learn: bool) -> Factors:
    """Return better factors.

    Parameters
    ----------
    matrix
        frames × bins, float32, not negative.
    factors
        What is known; the levels are changed in place.
    divergence
        How far the product is from the matrix. 'itakura_saito' takes the root of each step, which is what is proven
        to lower it.
    learn
        Whether spectra change too.
    """
    levels, spectra = factors
    blocks = list(spans(len(matrix), _rows(matrix)))

    def step(block: tuple[int, int]) -> tuple[Array, Array] | None:
        wanted, here = matrix[slice(*block)], levels[slice(*block)]
        here *= _step(*_for_levels(wanted, here, spectra, divergence), divergence)
        np.maximum(here, LEAST, out=here)
        found = _for_spectra(wanted, here, spectra, divergence) if learn else None
        release(matrix)
        return found

    sums = [each for each in spread(step, blocks) if each is not None]
    if not sums:
        return factors
    raising, lowering = (np.sum([each[side] for each in sums], axis=0) for side in (0, 1))
    spectra = spectra * _step(raising, lowering, divergence)
    scale = np.maximum(spectra.sum(axis=1), LEAST)
    levels *= scale
    return Factors(levels, np.maximum(spectra / scale[:, None], LEAST))


def divergence_of(matrix: Array, factors: Factors, divergence: Divergence) -> float:
    """Return how far the product of the factors is from the matrix, a sum over all values."""
    total = 0.0
    for start, stop in spans(len(matrix), _rows(matrix)):
        wanted = matrix[start:stop].astype(np.float64) + TINY
        product = factors.levels[start:stop].astype(np.float64) @ factors.spectra + TINY
        release(matrix)
        if divergence == "euclidean":
            total += 0.5 * float(np.sum((wanted - product) ** 2))
        elif divergence == "itakura_saito":
            total += float(np.sum(wanted / product - np.log(wanted / product) - 1))
        else:
            total += float(np.sum(wanted * np.log(wanted / product) - wanted + product))
    return total


def _for_levels(wanted: Array, levels: Array, spectra: Array, divergence: Divergence) -> tuple[Array, Array]:
    """Return the parts of the divergence's gradient by the levels that raise them and that lower them."""
    if divergence == "euclidean":
        return wanted @ spectra.T, levels @ (spectra @ spectra.T)
    ratio, inverse = _ratios(wanted, levels, spectra)
    if divergence == "kullback_leibler":
        return ratio @ spectra.T, spectra.sum(axis=1)
    return (ratio * inverse) @ spectra.T, inverse @ spectra.T


def _for_spectra(wanted: Array, levels: Array, spectra: Array, divergence: Divergence) -> tuple[Array, Array]:
    """Return the same of the gradient by the spectra: sums over these frames."""
    if divergence == "euclidean":
        return levels.T @ wanted, levels.T @ levels @ spectra
    ratio, inverse = _ratios(wanted, levels, spectra)
    if divergence == "kullback_leibler":
        return levels.T @ ratio, levels.sum(axis=0)[:, None]
    return levels.T @ (ratio * inverse), levels.T @ inverse


def _ratios(wanted: Array, levels: Array, spectra: Array) -> tuple[Array, Array]:
    """Return the matrix over the product, and 1 over the product."""
    product = levels @ spectra
    product += np.float32(TINY)
    inverse = np.reciprocal(product, out=product)
    return wanted * inverse, inverse


def _step(raising: Array, lowering: Array, divergence: Divergence) -> Array:
    ratio = raising / np.maximum(lowering, np.float32(TINY))
    return np.asarray(np.sqrt(ratio) if divergence == "itakura_saito" else ratio)


def _rows(matrix: Array) -> int:
    return int(max(1, BLOCK // matrix.shape[1]))
