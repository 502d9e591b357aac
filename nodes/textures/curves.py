"""Statistics with one value a band, drawn as lines over frequency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nodes.scattering.drawing import GRID
from nodes.textures.panels import FAINT, PARTS, Look, Sheet, label, logarithmic, positive
from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOM = 0.08
"""Part of the height that is left above and below what is drawn."""


class Curve(NamedTuple):
    """One line: values by path, as they are stored, and where they are known deviations and which paths count."""

    values: Array
    colour: str
    deviations: Array | None = None
    counts: Array | None = None

    def part(self, first: int, of: int) -> Curve:
        """Return every so-manieth value from the first on."""
        own = (None if each is None else each[first::of] for each in (self.deviations, self.counts))
        return Curve(self.values[first::of], self.colour, *own)


def draw_curves(axes: Axes, frequencies: Array, curves: Sequence[Curve], look: Look) -> None:
    """Draw lines over frequency, and within a standard deviation of each a shade; what does not count is faint.

    The axis is as high as that which counts needs.
    """
    places = positive(frequencies)
    order = np.argsort(places, kind="stable")
    for curve in curves:
        _draw_curve(axes, places[order], curve, order, look)
    _limit(axes, curves, look)
    if len(places):
        logarithmic(axes, places.min() / 1.15, places.max() * 1.15)


def draw_complex(sheet: Sheet, axes: Axes, frequencies: Array, curves: Sequence[Curve], look: Look) -> None:
    """Draw lines over frequency of which real and imaginary parts follow each other, the one part below the other."""
    parts = PARTS[2]
    for number, (each, name) in enumerate(zip(sheet.stacked(axes, len(parts)), parts, strict=True)):
        draw_curves(each, frequencies[number::2], [curve.part(number, len(parts)) for curve in curves], look)
        label(each, "frequency (Hz)" if name == parts[-1] else "", f"{look.label}\n{name}")


def draw_numbered(axes: Axes, curves: Sequence[Curve], look: Look) -> None:
    """Draw lines over the number of the path, for what has no frequency."""
    for curve in curves:
        order = np.arange(len(curve.values))
        _draw_curve(axes, order + 1.0, curve, order, look)
    _limit(axes, curves, look)


def _draw_curve(axes: Axes, places: Array, curve: Curve, order: Array, look: Look) -> None:
    values, sign = curve.values[order], "." if len(places) == 1 else ""
    drawn = look.of(values)
    counted = np.ones(len(values), bool) if curve.counts is None else curve.counts[order] > 0
    if curve.deviations is not None:
        deviations = np.asarray(curve.deviations, np.float64)[order]
        known = np.isfinite(deviations) & counted
        low, high = (look.of(values + way * np.where(known, deviations, 0.0)) for way in (-1, 1))
        axes.fill_between(places, low, high, where=known, color=curve.colour, alpha=0.18, linewidth=0)
    if not counted.all():
        axes.plot(places, drawn, color=curve.colour, linewidth=0.8, alpha=FAINT, marker=sign)
    axes.plot(places, np.where(counted, drawn, np.nan), color=curve.colour, linewidth=1.3, marker=sign)


def _limit(axes: Axes, curves: Sequence[Curve], look: Look) -> None:
    """Give the axis the ends of the look, else the height of the values that count, or of all where none do."""
    if look.ends:
        axes.set_ylim(look.ends[0] - ROOM, look.ends[1] + ROOM)
        axes.axhline(0, color=GRID, linewidth=0.6, zorder=0)
        axes.locator_params(axis="y", nbins=5)
        return
    every = np.concatenate([look.of(curve.values) for curve in curves])
    counted = np.concatenate(
        [np.ones(len(curve.values), bool) if curve.counts is None else curve.counts > 0 for curve in curves]
    )
    known = every[np.isfinite(every) & counted]
    known = known if len(known) else every[np.isfinite(every)]
    if not len(known):
        return
    low, high = float(known.min()), float(known.max())
    room = ROOM * (high - low) or 0.1 * abs(high) or 1.0
    axes.set_ylim(low - room, high + room)
    axes.locator_params(axis="y", nbins=6)
