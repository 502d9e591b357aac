"""What pictures of texture statistics are made of: a sheet of panels, curves by frequency, matrices and maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nodes.scattering.drawing import CHARACTER, GRID, INK, LINE, SMALL, spaced
from nodes.scattering.scattergrams import hertz, round_numbers
from nodes.textures.model import Domain
from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

    from nodes.textures.value import TextureStatistics

WIDTH, COLUMNS = 11.0, 3
CELL, PLOT, PLOT_WIDTH = 2.85, 2.05, 2.6
LEFT, RIGHT, TOP, BOTTOM, BAR = 0.68, 0.35, 0.4, 0.05, 0.1
"""Inches: of a panel with its labels, of what is drawn in, and of the margins and the scale of colours."""

BLUE, RED, SEVERAL = "#1f4e79", "#b5442e", "viridis"
BRIGHTEST = 0.88
"""Part of the scale of colours of several lines that is used."""

GAP = 0.12
"""Inches between the parts of a panel."""

PARTS = {2: ("real", "imaginary")}
"""What those statistics are called that follow each other at one place."""

FAINT = 0.25
"""How much of a statistic that does not count is seen."""

QUIETEST = 1e-12


class Look(NamedTuple):
    """What is written beside a class, and how it is shown: `decibels` is 10 for powers, 20 for amplitudes, else 0.

    Lines are drawn between the `ends`, where there are some, else as high as they need.
    """

    label: str
    decibels: int = 0
    ends: tuple[float, float] | None = None

    def of(self, values: Array) -> Array:
        """Return what is drawn of statistics, float64."""
        values = np.asarray(values, np.float64)
        return self.decibels * np.log10(np.maximum(values, QUIETEST)) if self.decibels else values


LOOKS = {
    "band_power": Look("mean square (dB)", 10),
    "envelope_mean": Look("compressed amplitude"),
    "envelope_variation": Look("deviation / mean"),
    "envelope_skewness": Look("skewness"),
    "envelope_kurtosis": Look("kurtosis"),
    "envelope_correlation": Look("correlation"),
    "envelope_autocorrelation": Look("correlation"),
    "modulation_power": Look("share of the variance (dB)", 10),
    "modulation_correlation": Look("correlation"),
    "modulation_phase": Look("correlation"),
    "swell_correlation": Look("correlation"),
    "swell_coupling": Look("relative change"),
    "interaural_coherence": Look("coherence", ends=(-1.0, 1.0)),
    "interaural_correlation": Look("correlation", ends=(-1.0, 1.0)),
    "bin_mean": Look("dB of white noise of variance 1", 20),
    "bin_variation": Look("deviation / mean"),
    "bin_skewness": Look("skewness"),
    "bin_kurtosis": Look("kurtosis"),
    "bin_autocorrelation": Look("correlation"),
    "bin_crosscorrelation": Look("correlation"),
}


def look_of(name: str, domain: Domain) -> Look:
    """Return how a class is shown; one that is not known as it is."""
    return LOOKS.get(name) or Look("correlation" if domain == "correlation" else "value")


def rows_of(statistics: TextureStatistics, name: str) -> slice:
    """Return which channels are drawn: of two, both have the same in common."""
    return slice(1 if name in statistics.linked and statistics.channels == 2 else 0, None)


class Sheet:
    """A figure with equal panels side by side and below each other, placed in inches.

    Parameters
    ----------
    cells
        Number of panels.
    head, foot
        Inches that are left above and below them.
    """

    def __init__(self, cells: int, head: float = 0.0, foot: float = 0.0) -> None:
        from matplotlib.figure import Figure

        self.head, self.bottom_of_panels = head, BOTTOM + foot
        self.height = head + CELL * math.ceil(cells / COLUMNS) + BOTTOM + foot
        self.figure = Figure(figsize=(WIDTH, self.height), facecolor="white")

    def cell(self, number: int, title: str) -> Axes:
        """Return the axes of one panel, with its title."""
        row, column = divmod(number, COLUMNS)
        left, top = column * WIDTH / COLUMNS + LEFT, self.height - self.head - row * CELL - TOP
        axes = self.add(left, top - PLOT, PLOT_WIDTH, PLOT)
        head(axes, title)
        return axes

    def stacked(self, axes: Axes, parts: int) -> list[Axes]:
        """Return axes below each other, from the top, in the place of some, which become the first."""
        box, gap = axes.get_position(), GAP / self.height
        height = (box.height - gap * (parts - 1)) / parts
        bottoms = [box.y0 + number * (height + gap) for number in reversed(range(parts))]
        axes.set_position((box.x0, bottoms[0], box.width, height))
        inches = box.x0 * WIDTH, box.width * WIDTH, height * self.height
        below = [self.add(inches[0], bottom * self.height, *inches[1:]) for bottom in bottoms[1:]]
        for each in [axes, *below][:-1]:
            each.tick_params(labelbottom=False)
        return [axes, *below]

    def add(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Return new axes at a place in inches."""
        box = (left / WIDTH, bottom / self.height, width / WIDTH, height / self.height)
        axes = self.figure.add_axes(box)
        axes.tick_params(labelsize=SMALL, length=3, color=GRID, labelcolor=INK, pad=2)
        for spine in axes.spines.values():
            spine.set_color(GRID)
        return axes

    def write(self, text: str) -> None:
        """Write a line at the top of the page."""
        self.figure.text(
            LEFT / WIDTH, 1 - 0.12 / self.height, text, fontsize=9, color=INK, va="top", weight="bold", parse_math=False
        )

    def add_key(self, values: Sequence[float], label: str, whole: bool) -> None:
        """Draw what the colours of lines mean, at the right of the top: numbers from least to greatest."""
        axes = self.add(WIDTH - RIGHT - PLOT_WIDTH, self.height - 0.22, PLOT_WIDTH, BAR)
        low, high = float(min(values)), float(max(values))
        steps = len(values) if whole else 256
        axes.imshow(np.linspace(0, 1, steps)[None], aspect="auto", cmap=dark_to_bright(), extent=(0, 1, 0, 1))
        axes.set_yticks([])
        shown = np.linspace(low, high, min(5, len(values)))
        if whole:
            shown = np.unique(shown.round())
        places = [((value - low + 0.5) / steps) if whole else (value - low) / ((high - low) or 1.0) for value in shown]
        axes.set_xticks(places, [f"{value:.3g}" for value in shown])
        axes.set_xlabel(label, fontsize=SMALL, color=INK, labelpad=1)


def head(axes: Axes, title: str) -> None:
    """Write the title of a panel."""
    axes.set_title(title, loc="left", fontsize=9, color=INK, pad=6, parse_math=False)


def label(axes: Axes, right: str, up: str) -> None:
    """Write what the axes are."""
    axes.set_xlabel(right, fontsize=SMALL, color=INK, labelpad=2)
    axes.set_ylabel(up, fontsize=SMALL, color=INK, labelpad=2)


def colours_of(count: int) -> list[str]:
    """Return colours of so many lines: one is blue, more go along a scale."""
    from matplotlib.colors import to_hex

    if count == 1:
        return [BLUE]
    return [to_hex(colour) for colour in dark_to_bright()(np.linspace(0, 1, count))]


def dark_to_bright() -> Colormap:
    """Return the colours of several lines, without those too bright to be seen on white."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps[SEVERAL](np.linspace(0, BRIGHTEST, 256)), "dark_to_bright")


def positive(frequencies: Array) -> Array:
    """Return frequencies that have a logarithm: 0 Hz is drawn an octave below the lowest of the others."""
    above = frequencies[frequencies > 0]
    return np.where(frequencies > 0, frequencies, above.min() / 2 if len(above) else 1.0)


def logarithmic(axes: Axes, low: float, high: float, upright: bool = False) -> None:
    """Give axes a logarithmic scale with round numbers that have room."""
    from matplotlib.ticker import NullLocator

    inches = inches_of(axes)[int(upright)]
    axis = axes.yaxis if upright else axes.xaxis
    (axes.set_yscale if upright else axes.set_xscale)("log")
    (axes.set_ylim if upright else axes.set_xlim)(low, high)
    least = (1.3 * LINE if upright else 4.5 * CHARACTER) * math.log2(high / low) / inches
    ticks = spaced([(math.log2(number), hertz(number)) for number in round_numbers(low, high)], least)
    axis.set_ticks([2**place for place, _ in ticks], [text for _, text in ticks])
    axis.set_minor_locator(NullLocator())


def inches_of(axes: Axes) -> tuple[float, float]:
    """Return width and height of axes."""
    box, figure = axes.get_position(), axes.figure
    assert figure is not None
    width, height = figure.get_size_inches()  # type: ignore[union-attr]
    return box.width * float(width), box.height * float(height)
