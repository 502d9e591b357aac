"""Modulations of a sound made faster or slower, finer or coarser, higher or lower.

All three move coefficients along a logarithmic axis, S'(x) = S(x - d), by linear interpolation between the filters that
there are. Amplitudes need no correction: filters of constant quality and an L1 norm of 1 give what is stretched the
same modulus at the stretched place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from nodes.metamodulation.plane import Line, Point, Rows, between_grids, frame_by_frame, hats
from pipelines.value import Array


def transposed(order2: Array, plane: Mapping[Point, Rows], lines: Iterable[Line], octaves: Array) -> Array:
    """Return the second order moved along the axis of rates or scales.

    Parameters
    ----------
    order2
        channels × paths × frames.
    plane
        The paths of each point.
    lines
        The points of each line along the axis; points on none of them stay where they are.
    octaves
        How far, for each frame.
    """
    moved = order2.copy()
    for line in lines:
        weights = hats(line.places, line.places[:, None] - octaves).astype(order2.dtype)
        for point, each in zip(line.points, weights, strict=True):
            rows = plane[point]
            total = np.zeros((order2.shape[0], len(rows.paths), order2.shape[2]), order2.dtype)
            for number, source in enumerate(line.points):
                if each[:, number].any():
                    total += each[:, number] * _on_grid(order2, plane[source], rows)
            moved[:, rows.paths] = total
    return moved


def _on_grid(order2: Array, source: Rows, target: Rows) -> Array:
    """Return the rows of one point at the frequencies of another's: channels × rows × frames."""
    values = order2[:, source.paths]
    matrix = between_grids(source.places, target.places)
    return values if matrix is None else np.asarray(matrix.astype(values.dtype) @ values)


def transposed_frequency(values: Array, places: Array, octaves: Array) -> Array:
    """Return rows moved along log-frequency: channels × rows × frames.

    Parameters
    ----------
    values
        channels × rows × frames.
    places
        log2 frequency of each row, falling; NaN for one mean over all bands, which stays.
    octaves
        How far, for each frame.
    """
    if np.isnan(places).any():
        return values
    rising = places[::-1]

    def matrix(distance: float) -> Array | None:
        return hats(rising, places - distance)[:, ::-1] if distance else None

    return frame_by_frame(values, octaves, matrix)


def transposed_spectrum(power: Array, octaves: Array) -> Array:
    """Return the mean over frames of a power spectrum (channels × bins from 0 Hz up), each moved its way.

    No power is lost but what moves beyond the last bin: what is interpolated is the sum of all power up to a bin's end.
    """
    edges = np.arange(power.shape[1] + 1) - 0.5
    sums = np.pad(np.cumsum(power, -1, dtype=np.float64), ((0, 0), (1, 0)))
    distances, counts = np.unique(octaves, return_counts=True)
    total = np.zeros(power.shape)
    for distance, count in zip(distances, counts, strict=True):
        moved = np.stack([np.interp(edges * 2.0**-distance, edges, row) for row in sums])
        total += count * np.diff(moved)
    return np.asarray(total / len(octaves), power.dtype)
