"""Ratios of separated sounds as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nodes.separation_quality.table import TITLES
from nodes.separation_quality.value import SeparationQuality, shown
from nodes.values.drawing import shown_label
from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"sdr": "#1f4e79", "isr": "#7a9e3f", "sir": "#b5442e", "sar": "#8a63a8", "si_sdr": "#d8973c"}
GRID, WIDTH, ROW, MOST = "#cccccc", 11.0, 1.7, 16
LOWEST, HIGHEST = -20.0, 40.0


def draw_separation_quality(quality: SeparationQuality) -> Figure:
    """Return a row for each source (the first 16): the ratios over time, and beside them boxes of their spread.

    A box is the middle half of the windows, its line the median; whiskers reach to the 5th and the 95th of a hundred.
    What is beyond -20 or 40 dB stands at the edge.
    """
    from matplotlib.figure import Figure

    count = min(MOST, len(quality.names))
    figure = Figure(figsize=(WIDTH, ROW * count + 1.0), layout="constrained")
    rows = figure.subplots(count, 2, squeeze=False, width_ratios=(4, 1.4))
    for number, (curves, boxes) in enumerate(rows):
        _curves(curves, quality, number)
        _boxes(boxes, quality, number)
    rows[-1, 0].set_xlabel("seconds", fontsize=8)
    handles, labels = rows[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False, fontsize=8)
    return figure


def _curves(axes: Axes, quality: SeparationQuality, number: int) -> None:
    for ratio, values in quality.windows.items():
        mark = "." if len(quality.times) < 60 else ""
        known = _within(values[number])
        axes.plot(quality.times, known, mark + "-", color=COLOURS[ratio], linewidth=1, label=TITLES[ratio])
    gain = quality.whole["usdr_gain"][number]
    name = shown_label(quality.names[number])
    title = f"{name}: {shown(quality.whole['usdr'][number])} dB, {shown(gain, '+')} dB over the mix"
    axes.set_title(title, loc="left", fontsize=9, parse_math=False)
    axes.set_ylabel("dB", fontsize=8)
    _plain(axes)


def _boxes(axes: Axes, quality: SeparationQuality, number: int) -> None:
    found = {ratio: _within(values[number]) for ratio, values in quality.windows.items()}
    known = {ratio: values[np.isfinite(values)] for ratio, values in found.items()}
    for place, (ratio, values) in enumerate(known.items()):
        if len(values):
            axes.boxplot(
                [values],
                positions=[place],
                widths=0.6,
                whis=(5, 95),
                showfliers=False,
                boxprops={"color": COLOURS[ratio]},
                whiskerprops={"color": COLOURS[ratio]},
                capprops={"color": COLOURS[ratio]},
                medianprops={"color": "black"},
            )
    _plain(axes)
    axes.set_xlim(-0.6, len(known) - 0.4)
    axes.set_xticks(range(len(known)), [TITLES[ratio] for ratio in known], fontsize=7)


def _within(values: Array) -> Array:
    return np.asarray(np.clip(values, LOWEST, HIGHEST))


def _plain(axes: Axes) -> None:
    axes.tick_params(labelsize=8, length=3, color=GRID)
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("bottom", "left"))
        spine.set_color(GRID)
