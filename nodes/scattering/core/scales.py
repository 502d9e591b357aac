"""Filters along log-frequency as matrices: U2 = |ψ_β ∗_λ Y|, and the average of it along λ.

Bands are few, so that one product of matrices does what a transform, a product and an inverse transform would do, at
exactly those places at which the result is wanted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from nodes.scattering.core.design import Design, OctaveFilter, Paths, ScaleFilter, frequency_of_rows
from nodes.scattering.core.filters import LOWEST_WIDTH, averaging_impulse, without_dust
from pipelines.value import Array

WIDTHS = 7.0
"""Least number of places of a filter's modulus in a band, times its deviation in cycles per band, where it fits."""

REACH_FITTED, REACH_FULL = 3.5, 5.5
"""Deviations of a filter's impulse response beyond the existing bands whose modulus counts in an average."""


class ScaleRows(NamedTuple):
    """The places of one filter along the bands, its matrix, and the matrix that averages along the bands."""

    filter: ScaleFilter
    places: Array
    matrix: Array
    average: Array | None
    kept: Array


def scale_rows(design: Design, filter: ScaleFilter, bands: int) -> ScaleRows:
    """Return the places of a filter along `bands` bands; none of them lies outside where nothing is averaged.

    `matrix` is places × bands, complex; `average` kept × places; `kept` are places, or NaN for one mean.
    """
    stride, averaging = _stride(design, filter), design.band_averaging
    averaged = averaging != 0 and not filter.low
    places = np.arange(0, bands, stride)
    if averaged:
        deviations = REACH_FULL if design.sampling == "full" else REACH_FITTED
        margin = deviations / (2 * math.pi * filter.width)
        if filter.across:
            margin += filter.across.bands * deviations / (2 * math.pi * filter.across.width)
        places = np.arange(-math.ceil(margin / stride), math.ceil((bands + margin) / stride) + 1) * stride
    elif averaging > 0:
        places = np.arange(1 + bands // averaging) * averaging
    matrix = _impulse(filter, places[:, None] - np.arange(bands)[None, :])
    if averaging < 0:
        return ScaleRows(filter, places, matrix, np.full((1, len(places)), stride / bands), np.array([np.nan]))
    if not averaged:
        return ScaleRows(filter, places, matrix, None, places)
    kept = np.arange(1 + bands // averaging) * averaging
    average = without_dust(averaging_impulse(kept[:, None] - places[None, :], averaging)) * stride
    return ScaleRows(filter, places, matrix, average, kept)


def _impulse(filter: ScaleFilter, distances: Array) -> Array:
    """Return the impulse response at distances in bands; on the spiral the sum of what lies octaves apart."""
    if filter.across is None:
        return _along(filter, distances)
    across = filter.across
    half = math.ceil(6 / (2 * math.pi * across.width))
    octaves = np.arange(-half, half + 1)
    weights = _along(across, octaves)
    return np.asarray(
        sum(w * _along(filter, distances - across.bands * k) for w, k in zip(weights, octaves, strict=True))
    )


def _along(filter: ScaleFilter | OctaveFilter, distances: Array) -> Array:
    if filter.wavelet is None:
        return without_dust(averaging_impulse(distances, LOWEST_WIDTH / filter.width).astype(np.complex128))
    impulse = without_dust(filter.wavelet.impulse(distances))
    return impulse if filter.spin > 0 else impulse.conj()


def _stride(design: Design, filter: ScaleFilter) -> int:
    """Return the distance of the places at which a filter's modulus is computed, a power of two."""
    if filter.low and design.band_averaging < 0:
        return 1  # a mean over few places would depend on where the last of them lies
    longest = design.band_averaging if design.band_averaging > 0 else 2**design.band_octaves
    octave = filter.wavelet.octave if filter.wavelet and design.sampling == "full" else 0
    if design.sampling == "fitted":
        octave = math.floor(-math.log2(WIDTHS * filter.width))
    return int(min(2 ** max(0, octave), longest))


def paths_of_rows(design: Design, rows: Sequence[ScaleRows], rate: float) -> Paths:
    """Return the axes of what the rows of several filters become, at one rate; NaN for none."""
    kept = np.concatenate([row.kept for row in rows])
    scale = np.concatenate([np.full(len(row.kept), row.filter.scale) for row in rows])
    octave_scale = np.concatenate([np.full(len(row.kept), row.filter.octave_scale) for row in rows])
    return Paths(frequency_of_rows(design.carriers, kept), np.full(len(kept), rate), scale, octave_scale)


@dataclass(frozen=True)
class Tile:
    """Rows of several filters that are computed at once: the matrix of planes, 2·rows × 2·bands."""

    rows: slice
    planes: torch.Tensor


def tiles_of(matrix: Array, most: int, dtype: torch.dtype, device: str) -> list[Tile]:
    """Return a complex matrix (rows × bands) in tiles of at most so many rows, as real matrices of both planes."""
    found = []
    for first in range(0, len(matrix), most):
        part = matrix[first : first + most]
        planes = np.block([[part.real, -part.imag], [part.imag, part.real]])
        found.append(Tile(slice(first, first + len(part)), torch.tensor(planes, dtype=dtype, device=device)))
    return found


def averages_of(rows: list[ScaleRows], weights: torch.Tensor) -> torch.Tensor | None:
    """Return one matrix that averages the rows of all filters along the bands, or None where nothing is averaged."""
    if all(row.average is None for row in rows):
        return None
    blocks = [torch.eye(len(row.places)) if row.average is None else torch.tensor(row.average) for row in rows]
    diagonal: torch.Tensor = torch.block_diag(*blocks)  # type: ignore[no-untyped-call]
    return diagonal.to(weights)
