"""The scores of textures as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nodes.textures.quality.table import NAMES, class_rows, other_rows
from nodes.textures.quality.value import TextureQuality
from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, NATURAL, RULE = "#1f4e79", "#b5442e", "#cccccc"
LINE, MARGIN, WIDTH = 0.27, 0.55, 11.0
"""Inches of a row, above and below, and of the picture."""

LOWEST = -10.0
"""dB at the left edge of the bars."""


def draw_quality(quality: TextureQuality) -> Figure:
    """Return the table of classes with bars of their signal-to-noise ratio, and below it the other scores.

    A bar is the mean over takes, with a dot for each take; the mark in the other colour is what the halves of the
    source have between each other.
    """
    from matplotlib.figure import Figure

    tables = class_rows(quality), other_rows(quality)
    heights = [LINE * len(table) for table in tables]
    height = sum(heights) + 3 * MARGIN
    figure = Figure(figsize=(WIDTH, height))
    upper = 1 - (MARGIN + heights[0]) / height
    lower = MARGIN / height
    _write(figure.add_axes((0.02, upper, 0.60, heights[0] / height)), tables[0], 0.28)
    _write(figure.add_axes((0.02, lower, 0.60, heights[1] / height)), tables[1], 0.40)
    _bars(figure.add_axes((0.65, upper, 0.33, heights[0] / height)), quality, len(tables[0]))
    _pairs(figure.add_axes((0.65, lower, 0.33, heights[1] / height)), quality, len(tables[1]))
    figure.text(0.02, 1 - 0.5 * MARGIN / height, quality.describe(), fontsize=10, va="center", parse_math=False)
    return figure


def _write(axes: Axes, rows: list[list[str]], first: float) -> None:
    """Write cells, the first column in `first` of the width."""
    axes.set_xlim(0, 1)
    axes.set_ylim(len(rows), 0)
    axes.set_axis_off()
    width = (1 - first) / (len(rows[0]) - 1)
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            place, side = (0.0, "left") if column == 0 else (first + column * width - 0.01, "right")
            colour = NATURAL if column and column % 2 == 0 else "black"
            axes.text(place, number + 0.5, cell, fontsize=9, ha=side, va="center", color=colour, parse_math=False)
        axes.axhline(number + 1, color=RULE, linewidth=0.6)


def _bars(axes: Axes, quality: TextureQuality, rows: int) -> None:
    for number, (name, values) in enumerate(quality.scores["snr"].items(), 1):
        _bar(axes, number + 0.5, values, quality.natural["snr"][name], LOWEST)
    _plain(axes, rows)
    axes.set_xlim(LOWEST, quality.cap)
    axes.set_xlabel("SNR (dB)", fontsize=8)


def _pairs(axes: Axes, quality: TextureQuality, rows: int) -> None:
    """Draw what lies between 0 and 1: how like the source, and how like itself, a sound is."""
    for number, name in enumerate(NAMES["copying"], 1):
        _bar(axes, number + 0.5, quality.scores["copying"][name], quality.natural["copying"][name], 0.0)
    _plain(axes, rows)
    axes.set_xlim(0, 1)
    axes.set_xlabel("correlation", fontsize=8)


def _bar(axes: Axes, place: float, values: Array, natural: Array, left: float) -> None:
    known = np.maximum(values[np.isfinite(values)], left)
    if len(known):
        axes.barh(place, known.mean() - left, left=left, height=0.62, color=INK, alpha=0.85)
    if len(known) > 1:
        axes.plot(known, np.full(len(known), place), ".", color="black", markersize=4)
    own = natural[np.isfinite(natural)]
    if len(own):
        axes.plot([max(own.mean(), left)], [place], "|", color=NATURAL, markersize=13, markeredgewidth=2.2)


def _plain(axes: Axes, rows: int) -> None:
    axes.set_ylim(rows, 0)
    axes.set_yticks([])
    axes.tick_params(labelsize=8, length=3, color=RULE)
    axes.grid(axis="x", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(RULE)
