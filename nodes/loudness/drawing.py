"""A picture of loudness over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nodes.loudness.value import Loudness

LOWEST = -70.0


def draw_loudness(loudness: Loudness) -> Figure:
    """Return momentary and short-term loudness over time, with the integrated loudness as a line."""
    from matplotlib.figure import Figure

    from nodes.loudness.value import MOMENTARY, SHORT_TERM, STEP

    figure = Figure(figsize=(10, 3.2), layout="constrained")
    axes = figure.add_subplot()
    _curve(axes, loudness.momentary, MOMENTARY, "0.4 s", "#9db7d5", 0.7)
    _curve(axes, loudness.short_term, SHORT_TERM, "3 s", "#1f4e79", 1.4)
    if np.isfinite(loudness.integrated):
        axes.axhline(loudness.integrated, color="#b5442e", linewidth=1, label="whole")
    seconds = len(loudness.momentary) * STEP + MOMENTARY - STEP
    axes.set(xlabel="seconds", ylabel="LUFS", xlim=(0, seconds), ylim=_limits(loudness))
    axes.set_title(loudness.describe().replace("Loudness, ", ""), loc="left", fontsize=10)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1), fontsize=9, borderpad=0)
    return figure


def _curve(axes: Axes, levels: Array, window: float, label: str, color: str, width: float) -> None:
    """Draw one curve; a value stands at the middle of its window, silence is a gap."""
    from nodes.loudness.value import STEP

    if len(levels):
        times = np.arange(len(levels)) * STEP + window / 2
        axes.plot(times, np.where(np.isfinite(levels), levels, np.nan), color=color, linewidth=width, label=label)


def _limits(loudness: Loudness) -> tuple[float, float]:
    levels = np.concatenate([loudness.momentary, loudness.short_term, [loudness.integrated]])
    levels = levels[np.isfinite(levels)]
    if not len(levels):
        return LOWEST, 0.0
    return max(LOWEST, float(levels.min()) - 2), max(LOWEST + 2, float(levels.max())) + 2
