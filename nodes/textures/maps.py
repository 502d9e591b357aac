"""Maps of texture statistics: matrices of bands, and frequency beside rate or lag, with their scales of colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nodes.scattering.drawing import CHARACTER, EMPTY, INK, LINE, SMALL, minus, spaced
from nodes.scattering.scattergrams import hertz, round_numbers
from nodes.textures.model import Domain
from nodes.textures.panels import (
    BAR,
    FAINT,
    SEVERAL,
    WIDTH,
    Look,
    Sheet,
    dark_to_bright,
    inches_of,
    label,
    logarithmic,
    positive,
)
from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

SIGNED, LEVELS, PLAIN = "RdBu_r", "magma_r", "cividis"
RANGE = 30.0
"""Levels in dB that a map shows, down from the highest."""


def edges_of(centres: Array, ratio: bool = True) -> Array:
    """Return where neighbouring cells meet, and as much outside; in equal ratios unless told."""
    places = np.log2(centres) if ratio else centres
    step = 1.0 if ratio else 0.5 * (abs(float(places[0])) or 1.0)
    if len(places) == 1:
        edges = np.array([places[0] - step / 2, places[0] + step / 2])
    else:
        middle = (places[1:] + places[:-1]) / 2
        edges = np.concatenate([[2 * places[0] - middle[0]], middle, [2 * places[-1] - middle[-1]]])
    return np.asarray(2.0**edges if ratio else edges)


def gridded(rows: Array, columns: Array, values: Array) -> tuple[Array, Array, Array]:
    """Return the different rows and columns, rising, and the mean of the values at each: NaN where there are none."""
    placed = np.isfinite(rows) & np.isfinite(columns)
    row, i = np.unique(rows[placed], return_inverse=True)
    column, j = np.unique(columns[placed], return_inverse=True)
    values, known = values[placed], np.isfinite(values[placed])
    sums, counts = np.zeros((len(row), len(column))), np.zeros((len(row), len(column)))
    np.add.at(sums, (i[known], j[known]), values[known])
    np.add.at(counts, (i, j), known)
    return row, column, np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def parts_of(*axes: Array) -> int:
    """Return how many statistics that follow each other have the same places on all axes."""
    places = len(np.unique(np.stack(axes), axis=1).T)
    parts = len(axes[0]) // places if places else 1
    return parts if places * parts == len(axes[0]) and parts <= 4 else 1


class Colours(NamedTuple):
    """A scale of colours, and the values at its ends."""

    name: str
    low: float
    high: float

    def map(self) -> Colormap:
        """Return the colours themselves."""
        from matplotlib import colormaps

        return dark_to_bright() if self.name == SEVERAL else colormaps[self.name]


def scale_of(values: Array, domain: Domain, look: Look) -> Colours:
    """Return colours for values of which some may be NaN."""
    known = values[np.isfinite(values)]
    if domain == "correlation":
        limit = math.ceil(10 * max(0.1, float(np.abs(known).max(initial=0.0))) - 1e-6) / 10
        return Colours(SIGNED, -limit, limit)
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    if look.decibels:
        low = max(low, high - RANGE)
    return Colours(LEVELS if domain == "level" else PLAIN, low, high if high > low else low + 1.0)


def add_bar(sheet: Sheet, axes: Axes, colours: Colours, text: str, numbers: Sequence[float] | None = None) -> None:
    """Draw a scale of colours at the right of a panel, which becomes narrower; of few `numbers` only these."""
    box = axes.get_position()
    x, y, width, height = box.x0 * WIDTH, box.y0 * sheet.height, box.width * WIDTH, box.height * sheet.height
    room = width - BAR - 0.55
    axes.set_position((box.x0, box.y0, room / WIDTH, box.height))
    bar = sheet.add(x + room + 0.08, y, BAR, height)
    steps = 256 if numbers is None else len(numbers)
    extent = (0, 1, colours.low, colours.high) if numbers is None else (0, 1, 0, steps)
    bar.imshow(np.linspace(0, 1, steps)[:, None], origin="lower", aspect="auto", cmap=colours.map(), extent=extent)
    bar.yaxis.tick_right()
    bar.yaxis.set_label_position("right")
    bar.set_xticks([])
    if numbers is None:
        bar.locator_params(axis="y", nbins=5 if height > 1.2 else 3)
    else:
        ticks = spaced(
            [(number + 0.5, hertz(float(f"{value:.3g}"))) for number, value in enumerate(numbers)],
            LINE * steps / height,
        )
        bar.set_yticks([place for place, _ in ticks], [tick for _, tick in ticks])
    bar.set_ylabel(text, fontsize=SMALL, color=INK, labelpad=2)


def draw_map(
    axes: Axes, rows: Array, columns: Array, values: Array, colours: Colours, counts: Array | None = None
) -> None:
    """Draw rows × columns of values, frequencies to the right; NaN is grey, and what does not count is faint.

    `rows` are rates in equal ratios, or any values of which some are not above 0.
    """
    ratio = bool((rows > 0).all())
    columns = positive(columns)
    across, up = edges_of(columns), edges_of(rows, ratio)
    axes.set_facecolor(EMPTY)
    faint = None if counts is None else np.where(np.isfinite(values), np.where(counts > 0, 1.0, FAINT), 0.0)
    axes.pcolormesh(
        across,
        up,
        np.ma.masked_invalid(values),
        cmap=colours.map(),
        vmin=colours.low,
        vmax=colours.high,
        alpha=faint,  # type: ignore[arg-type]
        linewidth=0,
    )
    logarithmic(axes, across[0], across[-1])
    if ratio:
        logarithmic(axes, up[0], up[-1], True)


def draw_matrix(axes: Axes, frequencies: Array, values: Array, colours: Colours) -> None:
    """Draw bands × bands in order; NaN, where a pair is not known, is grey."""
    axes.set_facecolor(EMPTY)
    axes.imshow(
        np.ma.masked_invalid(values),
        origin="lower",
        aspect="auto",
        cmap=colours.map(),
        vmin=colours.low,
        vmax=colours.high,
        interpolation="nearest",
    )
    ticks = band_ticks(frequencies)
    width, height = inches_of(axes)
    for axis, inches, size in ((axes.xaxis, width, 4.5 * CHARACTER), (axes.yaxis, height, 1.3 * LINE)):
        kept = spaced(ticks, size * max(1, len(frequencies)) / inches)
        axis.set_ticks([place for place, _ in kept], [text for _, text in kept])
    label(axes, "band (Hz)", "band (Hz)")


def band_ticks(frequencies: Array) -> list[tuple[float, str]]:
    """Return round frequencies and where they lie among bands that rise, which are numbered from 0."""
    if len(frequencies) < 2:
        return [(0.0, minus(f"{frequencies[0]:.3g}"))] if len(frequencies) else []
    logs, places = np.log2(positive(frequencies)), np.arange(len(frequencies))
    shown = round_numbers(float(2 ** logs[0]), float(2 ** logs[-1]))
    return [(float(np.interp(math.log2(number), logs, places)), hertz(number)) for number in shown]
