"""Pictures of texture correlations: colour, correlation matrices, and autocorrelations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nodes.textures.correlations.value import TextureCorrelations

COLOURS = "inferno"
INK = "#1f4e79"
QUIETEST = 1e-6
PANELS_IN_ROW = 4
TICKS = 6


def draw_correlations(target: TextureCorrelations) -> Figure:
    """Return the level of the bands, their correlation, and for each kernel what is correlated.

    Shown is the mean of the channels; the correlation of filters is the mean over all positions along frequency,
    that of frequencies the mean over all filters, and autocorrelations are the mean over both.
    """
    from matplotlib.figure import Figure

    panels = [name for name in target.classes if name.startswith(("kernel_", "autocorrelation_"))]
    rows = 1 + -(-len(panels) // PANELS_IN_ROW)
    figure = Figure(figsize=(11.0, 3.4 * rows), layout="constrained")
    grid = figure.add_gridspec(rows, PANELS_IN_ROW)
    beside = 2 if "covariance" in target.classes else PANELS_IN_ROW
    _draw_levels(figure.add_subplot(grid[0, :beside]), target)
    if "covariance" in target.classes:
        _draw_bands(figure.add_subplot(grid[0, beside:]), target)
    for number, name in enumerate(panels, PANELS_IN_ROW):
        axes = figure.add_subplot(grid[number // PANELS_IN_ROW, number % PANELS_IN_ROW])
        (_draw_kernel if name.startswith("kernel_") else _draw_lags)(axes, target, name)
    return figure


def normalised(products: Array) -> Array:
    """Return products divided by the roots of their diagonal; 0 where a row never does anything."""
    roots = np.sqrt(np.maximum(np.diagonal(products), 0))
    scale = np.outer(roots, roots)
    return np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)


def _draw_levels(axes: Axes, target: TextureCorrelations) -> None:
    decibels = 20 * np.log10(np.maximum(target.classes["level"] * target.reference, QUIETEST))
    audible = target.model.frequencies > 0
    for level in decibels:
        axes.semilogx(target.model.frequencies[audible], level[audible], color=INK, linewidth=1.2, alpha=0.7)
    axes.set_title("level of the bands", loc="left", fontsize=9)
    axes.set_xlabel("frequency (Hz)")
    axes.set_ylabel("power density (dB)")


def _draw_bands(axes: Axes, target: TextureCorrelations) -> None:
    frequencies = target.model.frequencies
    _draw_matrix(axes, normalised(target.classes["covariance"].mean(0)), "correlation of bands")
    places = np.linspace(0, len(frequencies) - 1, min(TICKS, len(frequencies))).astype(int)
    labels = [f"{frequencies[place]:.0f}" for place in places]
    axes.set_xticks(places, labels)
    axes.set_yticks(places, labels)
    axes.set_xlabel("band (Hz)")
    axes.set_ylabel("band (Hz)")


def _draw_kernel(axes: Axes, target: TextureCorrelations, name: str) -> None:
    _draw_matrix(axes, normalised(target.classes[name].mean((0, 1))), name.replace("kernel_", "kernel "))
    label = "position along frequency" if target.model.correlate == "frequencies" else "filter"
    axes.set_xlabel(label)
    axes.set_ylabel(label)


def _draw_lags(axes: Axes, target: TextureCorrelations, name: str) -> None:
    """Draw the mean product at each lag relative to that without lag."""
    size = name.removeprefix("autocorrelation_")
    power = float(np.diagonal(target.classes[f"kernel_{size}"], axis1=2, axis2=3).mean())
    lags = np.array(target.model.lags) * target.model.hop / target.sample_rate
    products = target.classes[name].mean((0, 1, 2))
    axes.plot(lags, products / power if power > 0 else products, color=INK, marker=".", linewidth=1.2)
    axes.set_title(f"autocorrelation {size}", loc="left", fontsize=9)
    axes.set_xlabel("lag (s)")
    axes.set_ylabel("relative to no lag")


def _draw_matrix(axes: Axes, matrix: Array, title: str) -> None:
    image = axes.imshow(matrix, origin="lower", cmap=COLOURS, vmin=min(0.0, float(matrix.min())), vmax=1.0)
    axes.set_title(title, loc="left", fontsize=9)
    axes.figure.colorbar(image, ax=axes, fraction=0.046, pad=0.02)
