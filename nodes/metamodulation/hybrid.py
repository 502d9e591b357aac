"""The bands of one sound with the modulations of another."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from nodes.metamodulation.edits import gaussian
from nodes.metamodulation.plane import Point, Rows, between_grids
from nodes.scattering.core.design import Design
from nodes.scattering.core.filters import LOWEST_WIDTH
from nodes.scattering.value import Scattering
from pipelines.value import Array

LEAST = 1e-6
"""Level of a band, relative to the loudest, below which it counts as silent."""


def crossed(scattering: Scattering, order2: Array, amount: Array) -> Array:
    """Return (1 - a) of a scattering's own second order and a of another one, with a for each frame."""
    share = amount.astype(scattering.order2.dtype)
    return np.asarray((1 - share) * scattering.order2 + share * order2)


def imposed_ratio(scattering: Scattering, other: Scattering, plane: Mapping[Point, Rows]) -> Array:
    """Return the second order of `other` as if its bands had the levels of `scattering`: S2 · S1' / S1.

    S1 and S1' are means over the bands that a path's filter hears. Since |ψ_β ∗_λ Y| ≤ |ψ_β| ∗_λ |Y|, S2 / S1 is about
    1 at most, and no band of the result is modulated by more than its level, however quiet it is in `other`.
    """
    places, deviations = np.log2(scattering.frequencies1), _deviations(scattering.design)
    found = np.empty(np.broadcast_shapes(scattering.order2.shape, other.order2.shape), other.order2.dtype)
    for point, rows in plane.items():
        matrix = _heard(places, rows.places, deviations.get(point.signed[0] if point.signed else None, 0.0))
        wanted, given = (np.asarray(matrix @ each.order1, np.float64) for each in (scattering, other))
        least = max(LEAST * given.max(initial=0), float(np.finfo(np.float32).tiny))
        factor = np.where(given > least, wanted / np.maximum(given, least), np.maximum(wanted / least, 1))
        found[:, rows.paths] = other.order2[:, rows.paths] * factor
    return found


def _deviations(design: Design) -> dict[float | None, float]:
    """Return for each signed scale, in cycles per octave, how far along log-frequency it hears, in octaves."""
    if design.kind == "time":
        return {}
    blur = design.band_averaging / LOWEST_WIDTH if design.band_averaging > 0 else 0.0
    unit = 2 * math.pi * design.quality
    return {f.scale * design.quality: math.hypot(1 / f.width, blur) / unit for f in design.scale_filters}


def _heard(bands: Array, rows: Array, deviation: float) -> Array:
    """Return the matrix (rows × bands) of means over what the rows hear; all bands where a row has no place."""
    if np.isnan(rows).any():
        return np.full((len(rows), len(bands)), 1 / len(bands))
    if deviation > 0:
        return gaussian(rows, bands, deviation)
    matrix = between_grids(bands, rows)
    return np.eye(len(bands)) if matrix is None else matrix
