"""A picture of a pool: how loud every iterate of every segment is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nodes.values.drawing import shown_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nodes.takes.pool import Pool

MOST_TICKS = 12
SILENT = "#222222"


def draw_pool(pool: Pool) -> Figure:
    """Return RMS levels as a grid of segments × iterates; silence is dark grey."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    axes = figure.add_subplot()
    levels = np.where(np.isfinite(pool.levels), pool.levels, np.nan).T
    found = levels[np.isfinite(levels)]
    low, high = (float(found.min()), float(found.max())) if found.size else (-1.0, 0.0)
    image = axes.imshow(
        np.ma.masked_invalid(levels),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap=colormaps["magma"].with_extremes(bad=SILENT),
        vmin=low - 0.5,
        vmax=high + 0.5,
    )
    columns, rows = _ticks(pool.segments), _ticks(len(pool.iterates))
    axes.set_xticks(columns, [str(column + 1) for column in columns])
    axes.set_yticks(rows, [shown_label(pool.iterates[row]) for row in rows], parse_math=False)
    axes.set(xlabel="segment", ylabel="iterate")
    figure.colorbar(image, ax=axes, label="RMS, dB")
    return figure


def _ticks(count: int) -> list[int]:
    """Return places to name, evenly chosen from the first on, at most twelve."""
    return list(range(0, count, -(-count // MOST_TICKS)))
