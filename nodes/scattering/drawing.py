"""Pictures of scatterings: scattergrams, paths by frame, and maps of rates and scales."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nodes.scattering.maps import RateScaleMap, has_map, rate_scale_energy
from nodes.scattering.paths import signed
from nodes.scattering.scattergrams import Scattergram, hertz, round_numbers, scattergram_of
from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from nodes.scattering.value import Scattering

WIDTH, TOP, BOTTOM, GAP, RIGHT = 11.0, 0.35, 0.5, 0.6, 0.95
LEFT, LEFT_NAMED = 0.75, 1.8
LINE, CHARACTER = 0.14, 0.065
"""Least distance of two lines of text, and width of a character, in inches."""

INK, GRID, EMPTY, SMALL = "#333333", "#bbbbbb", "#d8d8d8", 8
MARKS = (0, -3, -6, -10, -20, -30, -40, -60, -80, -100)
"""Levels in dB that are numbered beside the colours."""


class Shades(NamedTuple):
    """How coefficients become colours.

    Parameters
    ----------
    colours
        Name of the colours.
    floor
        How far below the loudest coefficient ε lies, in dB.
    compressed
        Whether log(1 + S/ε) is shown, which goes on below ε down to nothing; else the level in dB, which ends there.
    """

    colours: str = "magma_r"
    floor: float = -60.0
    compressed: bool = True

    def of(self, values: Array, peak: float) -> Array:
        """Return what is shown, from 0 to 1 at the peak."""
        epsilon, relative = 10 ** (self.floor / 20), values / (peak if peak > 0 else 1.0)
        if self.compressed:
            return np.asarray(np.log1p(relative / epsilon) / math.log1p(1 / epsilon))
        return np.asarray(1 - 20 * np.log10(np.maximum(relative, epsilon)) / self.floor)

    def marks(self) -> tuple[list[float], list[str]]:
        """Return places of levels on the scale of colours, far enough from each other, and their numbers."""
        levels = [level for level in MARKS if level >= self.floor]
        places = [float(self.of(np.array(10 ** (level / 20)), 1.0)) for level in levels]
        ticks = [(1 - place, minus(f"{level}")) for place, level in zip(places, levels, strict=True)]
        kept = spaced(ticks + [(1.0, "−∞")] * self.compressed, 0.06)
        return [1 - place for place, _ in kept], [text for _, text in kept]


MAPPED = Shades(floor=-40.0, compressed=False)


def draw_scattering(scattering: Scattering) -> Figure:
    """Return one picture for each order, time to the right, and one of the energy by rate and scale.

    Order 1 goes by frequency, order 2 by rate and within each by frequency. Shown is log(1 + S/ε) of the mean of the
    channels, with ε a thousandth of the largest coefficient of the picture; the map is in dB.
    """
    orders = scattering.raw()
    grams = [scattergram_of(scattering, order, "rate") for order in orders]
    return draw_page(grams, rate_scale_energy(scattering) if has_map(scattering) else None, Shades())


def draw_page(
    grams: Sequence[Scattergram], found: RateScaleMap | None, shades: Shades, mapped: Shades = MAPPED
) -> Figure:
    """Return scattergrams, and a map below, each with colours up to its own peak."""
    heights = [2.2 if gram.title.startswith("order 1") else 3.4 for gram in grams] + [2.6] * (found is not None)
    page = Page(heights, left=left_of(grams))
    for axes, gram in zip(page.axes, grams, strict=False):
        draw_scattergram(axes, gram, gram.peak, shades)
        _head(axes, gram.title)
    if grams:
        page.add_bar(page.axes[0], shades)
    if found is not None:
        draw_map(page.axes[len(grams)], found, peak_of(found), mapped)
        _head(page.axes[len(grams)], "order 2: energy by rate and scale; rising sounds above 0, falling ones below")
        page.add_bar(page.axes[len(grams)], mapped)
    return page.figure


def left_of(grams: Sequence[Scattergram]) -> float:
    """Return the room at the left, in inches: more where the names of paths stand there."""
    return LEFT_NAMED if any(gram.side.named and gram.values.shape[1] > 1 for gram in grams) else LEFT


def _head(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=9, color=INK)


class Page:
    """A figure with axes one below the other, placed in inches: quicker than an automatic layout."""

    def __init__(self, heights: Sequence[float], width: float = WIDTH, left: float = LEFT, columns: int = 1) -> None:
        from matplotlib.figure import Figure

        self.width, self.height = width, TOP + BOTTOM + sum(heights) + GAP * (len(heights) - 1)
        self.figure = Figure(figsize=(self.width, self.height), facecolor="white")
        self.axes: list[Axes] = []
        across = (width - left - RIGHT - 0.15 * (columns - 1)) / columns
        bottom = self.height - TOP
        for height in heights:
            bottom -= height
            self.axes += [
                self.add(left + number * (across + 0.15), bottom, across, height) for number in range(columns)
            ]
            bottom -= GAP

    def add(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Return new axes at a place in inches."""
        box = (left / self.width, bottom / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(box)
        axes.tick_params(labelsize=SMALL, length=3, color=GRID, labelcolor=INK, pad=2)
        for spine in axes.spines.values():
            spine.set_color(GRID)
        return axes

    def add_bar(self, beside: Axes, shades: Shades) -> None:
        """Draw the scale of colours at the right of some axes, in dB below the loudest."""
        _, height = _inches(beside)
        bar = self.add(self.width - RIGHT + 0.15, beside.get_position().y0 * self.height, 0.12, height)
        bar.imshow(
            np.linspace(0, 1, 256)[:, None], origin="lower", aspect="auto", cmap=shades.colours, extent=(0, 1, 0, 1)
        )
        bar.yaxis.tick_right()
        bar.yaxis.set_label_position("right")
        bar.set_xticks([])
        bar.set_yticks(*shades.marks())
        bar.set_ylabel("dB below the loudest", fontsize=SMALL, color=INK)


def draw_scattergram(axes: Axes, gram: Scattergram, peak: float, shades: Shades) -> AxesImage | None:
    """Draw an image of paths × time; bars where there is one frame, and then return None."""
    if gram.values.shape[1] == 1:
        _draw_bars(axes, gram, peak, shades)
        return None
    image = axes.imshow(
        shades.of(gram.values, peak),
        origin="lower",
        aspect="auto",
        cmap=shades.colours,
        extent=(gram.start, gram.stop, 0, gram.paths),
        vmin=0,
        vmax=1,
    )
    for border in gram.side.borders:
        axes.axhline(border, color=GRID, linewidth=0.5)
    _, height = _inches(axes)
    ticks = spaced(gram.side.ticks, LINE * (1 + gram.side.named) * gram.paths / height)
    axes.set_yticks([place for place, _ in ticks], [text for _, text in ticks])
    axes.set_ylabel(gram.side.label, fontsize=SMALL, color=INK)
    axes.set_xlabel("time (s)", fontsize=SMALL, color=INK, labelpad=2)
    return image


def _draw_bars(axes: Axes, gram: Scattergram, peak: float, shades: Shades) -> None:
    """Draw the one mean of each path as a bar in dB, paths to the right."""
    from matplotlib import colormaps

    values = gram.values[:, 0]
    rows = np.linspace(0, gram.paths, len(values) + 1)
    levels = 20 * np.log10(np.maximum(values / (peak if peak > 0 else 1.0), 10 ** (shades.floor / 20)))
    colours = colormaps[shades.colours](shades.of(values, peak))
    axes.bar(rows[:-1], levels - shades.floor, np.diff(rows), shades.floor, align="edge", color=colours, linewidth=0)
    for border in gram.side.borders:
        axes.axvline(border, color=GRID, linewidth=0.5)
    width, _ = _inches(axes)
    ticks = [(place, text.replace(", ", "\n")) for place, text in gram.side.ticks]
    longest = max((len(line) for _, text in ticks for line in text.split("\n")), default=1)
    ticks = spaced(ticks, CHARACTER * (longest + 1) * gram.paths / width)
    axes.set_xticks([place for place, _ in ticks], [text for _, text in ticks])
    axes.set(xlim=(gram.paths, 0) if gram.side.named else (0, gram.paths), ylim=(shades.floor, 0))
    axes.set_ylabel("dB", fontsize=SMALL, color=INK)
    axes.set_xlabel(gram.side.label, fontsize=SMALL, color=INK, labelpad=2)


def peak_of(found: RateScaleMap) -> float:
    """Return the greatest amplitude in a map."""
    return float(np.sqrt(np.nan_to_num(found.energy).max(initial=0.0)))


def draw_map(axes: Axes, found: RateScaleMap, peak: float, shades: Shades) -> None:
    """Draw energy by rate, to the right, and scale: rising sounds above, falling ones below."""
    from matplotlib import colormaps

    edges = _edges(np.log2(found.rates))
    count = len(found.scales)
    axes.set_facecolor(EMPTY)
    axes.pcolormesh(
        edges,
        np.arange(count + 1),
        np.ma.masked_invalid(shades.of(np.sqrt(found.energy), peak)),
        cmap=colormaps[shades.colours],
        vmin=0,
        vmax=1,
        linewidth=0.4,
        edgecolor="white",
    )
    shown = round_numbers(2.0 ** edges[0], 2.0 ** edges[-1])
    axes.set_xticks(np.log2(shown), [hertz(rate) for rate in shown])
    _, height = _inches(axes)
    names = [(row + 0.5, minus(signed(float(scale)))) for row, scale in enumerate(found.scales)]
    ticks = spaced(names, LINE * count / height)
    axes.set_yticks([place for place, _ in ticks], [text for _, text in ticks])
    axes.set_xlabel("rate (Hz)", fontsize=SMALL, color=INK, labelpad=2)
    axes.set_ylabel("scale (cycles per octave)", fontsize=SMALL, color=INK)


def _edges(centres: Array) -> Array:
    """Return where neighbouring cells meet, and as much outside."""
    if len(centres) == 1:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middle = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def _inches(axes: Axes) -> tuple[float, float]:
    """Return width and height of axes."""
    box, figure = axes.get_position(), axes.figure
    assert figure is not None
    width, height = figure.get_size_inches()  # type: ignore[union-attr]
    return box.width * float(width), box.height * float(height)


def spaced(ticks: Sequence[tuple[float, str]], least: float) -> list[tuple[float, str]]:
    """Return those ticks that are at least so far from the one kept before."""
    kept: list[tuple[float, str]] = []
    for place, text in ticks:
        if not kept or abs(place - kept[-1][0]) >= least:
            kept.append((place, text))
    return kept


def minus(text: str) -> str:
    """Return a number as it is set: with a minus sign in place of the hyphen."""
    return text.replace("-", "−")
