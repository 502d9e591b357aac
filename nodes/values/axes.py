"""What stands beside and in the axes of pictures of sounds: times, frequencies, scales of colours, names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nodes.values.log_spectra import ROWS, Levels
from pipelines.value import Array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nodes.values.scales import Side, Ticks

GRID = "#cccccc"
COLOURS = "magma"
RANGE = 90.0
"""Decibels from the darkest colour of a spectrogram to the lightest."""
FREQUENCIES = (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)


def add_axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Return new axes with pale borders, placed in inches: quicker than an automatic layout."""
    across, up = figure.get_size_inches()
    axes = figure.add_axes((left / across, bottom / up, width / across, height / up))
    for spine in axes.spines.values():
        spine.set_color(GRID)
    return axes


def ceiling_of(levels: Sequence[Levels]) -> float:
    """Return the level of the lightest colour for some spectrograms, a multiple of 10 dB."""
    top = max((level.top for level in levels), default=0.0)
    return 0.0 if top < -150 else 10 * float(np.ceil(top / 10))


def show_levels(axes: Axes, level: Levels, ceiling: float, tall: bool = True) -> None:
    """Draw a spectrogram with its frequencies; fewer of them where it is not tall."""
    show_rows(axes, level, level.decibels, (ceiling - RANGE, ceiling), tall)


def show_rows(axes: Axes, level: Levels, rows: Array, limits: tuple[float, float], tall: bool = True) -> None:
    """Draw numbers in the places of a spectrogram's, between two limits of the colours."""
    extent = (level.start, level.stop, 0, ROWS)
    low, high = limits
    axes.imshow(rows, origin="lower", aspect="auto", cmap=COLOURS, extent=extent, vmin=low, vmax=high)
    wanted = FREQUENCIES if tall else FREQUENCIES[2::3]
    shown = [frequency for frequency in wanted if level.low < frequency < level.high]
    axes.set_ylim(0, ROWS)
    number(axes, "left", [(level.row(frequency), _hertz(frequency)) for frequency in shown], "Hz")


def number(axes: Axes, side: Side, ticks: Ticks, label: str = "") -> None:
    """Draw ticks, numbers and a label at a side of axes."""
    from nodes.values.scales import Scale

    Scale(axes, side, ticks, label, ink="black", pale=GRID)


def number_times(axes: Axes, duration: float, last: bool) -> None:
    """Give axes the time from 0 to a duration, numbered where they are the last ones of a column."""
    times, label = _times(duration)
    axes.set_xlim(0, duration or 1.0)
    texts = [(_clock(time) if duration >= 90 else f"{time:g}") if last else "" for time in times]
    number(axes, "bottom", list(zip(times, texts, strict=True)), label if last else "")


def name_axes(axes: Axes, text: str) -> None:
    """Write a name into the upper left corner of a picture."""
    box = {"facecolor": "black", "alpha": 0.5, "linewidth": 0, "pad": 2}
    where = axes.transAxes
    axes.text(0.006, 0.95, text, transform=where, va="top", fontsize=8, color="white", bbox=box, parse_math=False)


def _times(duration: float) -> tuple[list[float], str]:
    """Return times to number, 5 to 12 of them, and what the numbers are."""
    if duration <= 0:
        return [0.0], "seconds"
    if duration >= 90:
        steps = [15, 30, 60, 120, 300, 600, 1200, 1800, 3600]
        step = next((step for step in steps if duration / step <= 12), 3600 * np.ceil(duration / 43_200))
        return [float(time) for time in np.arange(0, duration, step)], "minutes:seconds"
    decade = 10 ** np.floor(np.log10(duration))
    step = next(decade * part for part in (0.1, 0.2, 0.5, 1.0) if duration / (decade * part) <= 12)
    return [float(f"{time:.6g}") for time in np.arange(0, duration, step)], "seconds"


def _clock(time: float) -> str:
    return f"{int(time) // 60}:{int(time) % 60:02d}"


def _hertz(frequency: float) -> str:
    return f"{frequency / 1000:g}k" if frequency >= 1000 else f"{frequency:g}"
