"""Picture of a score of grains: where in the source each moment of the sound comes from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nodes.dictionaries.drawing import SHADES
from nodes.dictionaries.grains.book import GrainBook
from nodes.scattering.drawing import INK, SMALL, Page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT = 4.2
"""Inches of the map."""

MOST_LINES = 20_000


def draw_grains(grains: GrainBook) -> Figure:
    """Return a map of the grains: time in the sound to the right, place in the source upwards, darker where louder.

    Each grain is a line as long as it is; the loudest lie above the others.
    """
    from matplotlib.collections import LineCollection

    page = Page([HEIGHT])
    axes, energies = page.axes[0], grains.energies
    chosen = np.argsort(energies, kind="stable")[-MOST_LINES:]
    chosen = chosen[energies[chosen] > 0]
    if len(chosen):
        first = np.stack([grains.starts[chosen], grains.origins[chosen]], axis=1)
        last = first + grains.lengths[chosen, None]
        lines = LineCollection(list(np.stack([first, last], axis=1) / grains.sample_rate), linewidths=1.6)
        lines.set(cmap=SHADES.colours, clim=(0, 1), rasterized=True, capstyle="round")
        lines.set_array(SHADES.of(np.sqrt(energies[chosen]), math.sqrt(energies.max())))
        axes.add_collection(lines, autolim=False)
        page.add_bar(axes, SHADES)
    axes.set_xlim(0, max(1, grains.samples) / grains.sample_rate)
    axes.set_ylim(0, max(1, grains.source_samples) / grains.sample_rate)
    axes.set_xlabel("time (s)", fontsize=SMALL, color=INK, labelpad=2)
    axes.set_ylabel("place in the source (s)", fontsize=SMALL, color=INK)
    cut = f", the loudest {len(chosen)} of {grains.count}" if len(chosen) < grains.count else ""
    axes.set_title(f"grains by time and by their place in the source{cut}", loc="left", fontsize=9, color=INK)
    return page.figure
