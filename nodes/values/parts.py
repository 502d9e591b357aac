"""A sound and its parts in one picture: spectrograms below each other, and beside each part its mask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from nodes.values.axes import COLOURS, GRID, RANGE, add_axes, ceiling_of, name_axes, number, number_times, show_rows
from nodes.values.log_spectra import Levels, sound_levels
from nodes.values.pages import PAGE
from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nodes.values.audio import Audio

FRAMES = 900
"""Places of a sound that are looked at, however long it is."""
HIGHEST = 16_000.0
LEFT, MIDDLE, RIGHT, TOP, BOTTOM, GAP = 0.75, 0.7, 0.2, 0.35, 0.5, 0.12
WIDTH = (PAGE - LEFT - MIDDLE - RIGHT) / 2
ALL, LOWEST_ROW, TALLEST = 9.0, 0.7, 1.6
"""Inches of all rows together, and of one at least and at most."""
BAR = 0.14


def draw_parts(mix: Audio, parts: Mapping[str, Audio]) -> Figure:
    """Return the spectrogram of a sound, and below it that of each part and the part's mask.

    All levels have one scale of colours, in dB of a sine of full scale. A mask is the part's share of the magnitude
    of the mix in each place, 0 to 1; a part that is louder there than the mix has 1. Where nothing of the mix is seen
    it is grey. Frequencies go up to 16 kHz; the power of channels is averaged.

    Parameters
    ----------
    mix
        The sound that was taken apart.
    parts
        Its parts by name, as long as the mix.
    """
    from matplotlib.figure import Figure

    first, *levels = [
        sound_levels(sound.samples, sound.sample_rate, FRAMES, HIGHEST) for sound in (mix, *parts.values())
    ]
    ceiling = ceiling_of([first, *levels])
    tall = min(TALLEST, max(LOWEST_ROW, ALL / (1 + len(levels))))
    height = TOP + BOTTOM + tall + len(levels) * (tall + GAP)
    figure = Figure(figsize=(PAGE, height))
    right = LEFT + WIDTH + MIDDLE
    for row, (name, level) in enumerate([("mix", first), *zip(parts, levels, strict=True)]):
        bottom = height - TOP - tall - row * (tall + GAP)
        panels = [(LEFT, name, (ceiling - RANGE, ceiling), level.decibels)]
        if row:
            panels.append((right, f"mask of {name}", (0.0, 1.0), mask_of(first, level, ceiling - RANGE)))
        for left, label, limits, rows in panels:
            axes = add_axes(figure, left, bottom, WIDTH, tall)
            axes.set_facecolor(GRID)
            show_rows(axes, level, rows, limits, tall > 1)
            number_times(axes, mix.duration, row == len(levels))
            name_axes(axes, label)
    _add_bars(figure, ceiling, height - TOP, tall)
    return figure


def mask_of(mix: Levels, part: Levels, floor: float) -> Array:
    """Return a part's share of the mix's magnitude, 0 to 1; NaN where the mix is at or below a floor in dB."""
    with np.errstate(invalid="ignore"):  # NaN less NaN
        share = np.minimum(10 ** ((part.decibels - mix.decibels) / 20), 1.0)
        return np.where(mix.decibels > floor, share, np.nan)


def _add_bars(figure: Figure, ceiling: float, top: float, tall: float) -> None:
    """Draw the scales of colours beside the mix, which has no mask."""
    left, width = LEFT + WIDTH + MIDDLE + 0.3, WIDTH - 0.6
    levels = [(float(level), f"{level:g}".replace("-", "−")) for level in np.arange(ceiling - RANGE, ceiling + 1, 10)]
    _add_bar(add_axes(figure, left, top - 0.05 - BAR, width, BAR), (ceiling - RANGE, ceiling), levels, "level, dB")
    shares = [(share, f"{share:g}") for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    label = "mask, share of the mix's magnitude (grey: nothing there)"
    _add_bar(add_axes(figure, left, top - 0.05 - tall / 2 - BAR, width, BAR), (0.0, 1.0), shares, label)


def _add_bar(axes: Axes, limits: tuple[float, float], ticks: list[tuple[float, str]], label: str) -> None:
    axes.imshow(np.linspace(0, 1, 256)[None], aspect="auto", cmap=COLOURS, extent=(*limits, 0, 1))
    axes.set_frame_on(False)
    axes.yaxis.set_visible(False)
    number(axes, "bottom", ticks, label)
