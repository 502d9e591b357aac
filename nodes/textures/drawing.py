"""Pictures of texture statistics: colour, and correlation matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nodes.textures.value import TextureStatistics

COLOURS = "inferno"
INK = "#1f4e79"
QUIETEST = 1e-6
MATRICES_IN_ROW = 4
TICKS = 6


def draw_statistics(statistics: TextureStatistics) -> Figure:
    """Return the level of the bands, their correlation, and for each kernel the correlation of its filters.

    Shown is the mean of the channels; the correlation of filters is the mean over all bands.
    """
    from matplotlib.figure import Figure

    matrices = list(statistics.correlations.items())
    rows = 1 + -(-len(matrices) // MATRICES_IN_ROW)
    figure = Figure(figsize=(11.0, 3.4 * rows), layout="constrained")
    grid = figure.add_gridspec(rows, MATRICES_IN_ROW)
    _draw_levels(figure.add_subplot(grid[0, :2]), statistics)
    _draw_bands(figure.add_subplot(grid[0, 2:]), statistics)
    for number, (name, products) in enumerate(matrices, MATRICES_IN_ROW):
        axes = figure.add_subplot(grid[number // MATRICES_IN_ROW, number % MATRICES_IN_ROW])
        _draw_matrix(axes, normalised(products.mean((0, 1))), name.replace("kernel_", "kernel "))
        axes.set_xlabel("filter")
        axes.set_ylabel("filter")
    return figure


def normalised(products: Array) -> Array:
    """Return products divided by the roots of their diagonal; 0 where a row never does anything."""
    roots = np.sqrt(np.maximum(np.diagonal(products), 0))
    scale = np.outer(roots, roots)
    return np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)


def _draw_levels(axes: Axes, statistics: TextureStatistics) -> None:
    decibels = 20 * np.log10(np.maximum(statistics.level * statistics.reference, QUIETEST))
    for level in decibels:
        axes.semilogx(statistics.frequencies, level, color=INK, linewidth=1.2, alpha=0.7)
    axes.set_title("level of the bands", loc="left", fontsize=9)
    axes.set_xlabel("frequency (Hz)")
    axes.set_ylabel("power density (dB)")


def _draw_bands(axes: Axes, statistics: TextureStatistics) -> None:
    _draw_matrix(axes, normalised(statistics.covariance.mean(0)), "correlation of bands")
    places = np.linspace(0, len(statistics.frequencies) - 1, min(TICKS, len(statistics.frequencies))).astype(int)
    labels = [f"{statistics.frequencies[place]:.0f}" for place in places]
    axes.set_xticks(places, labels)
    axes.set_yticks(places, labels)
    axes.set_xlabel("band (Hz)")
    axes.set_ylabel("band (Hz)")


def _draw_matrix(axes: Axes, matrix: Array, title: str) -> None:
    image = axes.imshow(matrix, origin="lower", cmap=COLOURS, vmin=min(0.0, float(matrix.min())), vmax=1.0)
    axes.set_title(title, loc="left", fontsize=9)
    axes.figure.colorbar(image, ax=axes, fraction=0.046, pad=0.02)
