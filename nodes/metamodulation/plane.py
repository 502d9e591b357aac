"""The plane of rates and scales: which paths of an order make up each of its points."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipelines.value import Array

NOWHERE = np.inf
"""Stands for an axis on which a path has no place."""


class Point(NamedTuple):
    """One filter beside that of the band: its rate in Hz and, after it, its signed axes, the scale first."""

    rate: float
    signed: tuple[float, ...]

    @property
    def mirrored(self) -> Point:
        """Return the point that follows the same sound played backwards: S2 at (-α, β) is S2 at (α, -β)."""
        return Point(self.rate, tuple(place if place == NOWHERE else -place for place in self.signed))


@dataclass(frozen=True)
class Rows:
    """The paths of one point: where they are among all paths, and their log2 frequencies (NaN: one mean of all)."""

    paths: Array
    places: Array


class Line(NamedTuple):
    """Points that differ on one axis only, with their places on it, in octaves, rising."""

    places: Array
    points: Sequence[Point]


def plane_of(axes: Mapping[str, Array]) -> dict[Point, Rows]:
    """Return the paths of each point; `axes` are those of one order, as `Representation.axes` tells them."""
    signed = [axes[name] for name in _signed_axes(axes)]
    rates = axes.get("rate", np.full(len(axes["frequency"]), NOWHERE))
    columns = [np.where(np.isnan(axis), NOWHERE, axis).tolist() for axis in (rates, *signed)]
    found: dict[Point, list[int]] = {}
    for path, (rate, *others) in enumerate(zip(*columns, strict=True)):
        found.setdefault(Point(rate, tuple(others)), []).append(path)
    places = np.log2(axes["frequency"])
    return {point: Rows(np.array(paths), places[paths]) for point, paths in found.items()}


def _signed_axes(axes: Mapping[str, Array]) -> list[str]:
    """Return the names of all axes but frequency and rate, the scale first."""
    return sorted(axes.keys() - {"frequency", "rate"}, key=lambda name: (name != "scale", name))


def lines_along_rate(plane: Mapping[Point, Rows]) -> Iterator[Line]:
    """Return the points of each scale, by log2 of their rate."""
    yield from _lines({point: (point.signed, np.log2(point.rate)) for point in plane})


def lines_along_scale(plane: Mapping[Point, Rows]) -> Iterator[Line]:
    """Return the points of each rate and sign of scale, by log2 of the scale's size; none for scale 0."""
    places = {}
    for point in plane:
        scale, *others = point.signed
        if scale not in (0, NOWHERE):
            places[point] = ((point.rate, np.sign(scale), *others), np.log2(abs(scale)))
    yield from _lines(places)


def _lines(places: Mapping[Point, tuple[tuple[float, ...], float]]) -> Iterator[Line]:
    lines: dict[tuple[float, ...], list[tuple[float, Point]]] = {}
    for point, (line, place) in places.items():
        lines.setdefault(line, []).append((float(place), point))
    for members in lines.values():
        members.sort(key=lambda member: member[0])
        yield Line(np.array([place for place, _ in members]), [point for _, point in members])


def hats(places: Array, wanted: Array) -> Array:
    """Return the weights of linear interpolation between places: wanted × places.

    Beyond either end what is there fades to nothing over one more step, so that weights of 0 remain further out.

    Parameters
    ----------
    places
        Where values are, rising.
    wanted
        Where values are wanted; of any shape.
    """
    steps = np.diff(places) if len(places) > 1 else np.ones(1)
    beyond = np.concatenate([[places[0] - steps[0]], places, [places[-1] + steps[-1]]])
    found = np.interp(wanted, beyond, np.arange(-1.0, len(places) + 1))
    return np.asarray(np.clip(1 - np.abs(found[..., None] - np.arange(len(places))), 0, 1))


def frame_by_frame(values: Array, amounts: Array, matrix: Callable[[float], Array | None]) -> Array:
    """Return channels × rows × frames of which each frame is multiplied by the matrix of its amount.

    Parameters
    ----------
    values
        channels × rows × frames.
    amounts
        One for each frame; those that are alike are multiplied at once.
    matrix
        Gives rows × rows for an amount, or None where the frames stay as they are.
    """
    found = values.copy()
    distinct, which = np.unique(amounts, return_inverse=True)
    for number, amount in enumerate(distinct):
        if (each := matrix(amount)) is not None:
            frames = which == number
            found[:, :, frames] = each.astype(values.dtype) @ values[:, :, frames]
    return found


def between_grids(source: Array, target: Array) -> Array | None:
    """Return the matrix (target × source) from one grid of log2 frequencies, falling, to another; None for the same."""
    if np.array_equal(source, target, equal_nan=True):
        return None
    return hats(source[::-1], target)[:, ::-1]
