"""Spectra and their levels over time as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nodes.values.pages import PAGE
from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nodes.factorisation.value import Activations, Bases

RANGE, LOWEST, ROWS, COLUMNS = 60.0, 30.0, 300, 1500
GRID = "#cccccc"


def draw_bases(bases: Bases) -> Figure:
    """Return a column for each spectrum, frequency upwards in octaves, in dB of its strongest bin."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(PAGE, 5.0), layout="constrained")
    axes = figure.add_subplot()
    last, half = bases.spectra.shape[1] - 1, bases.sample_rate / 2
    low = min(LOWEST, half / 8)
    edges = low / half * last * (half / low) ** (np.arange(ROWS + 1) / ROWS)
    starts = np.minimum(edges[:-1].round(), last).astype(int)
    picture = np.maximum.reduceat(_decibels(bases.spectra, bases.power, axis=1), starts, axis=1).T
    count = len(bases)
    _paint(axes, picture, (0.5, count + 0.5, 0, ROWS))
    shown = [hertz for hertz in (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000) if low < hertz < half]
    axes.set_yticks([ROWS * np.log(hertz / low) / np.log(half / low) for hertz in shown], [f"{h:g}" for h in shown])
    axes.set_ylabel("Hz", fontsize=8)
    _finish(axes, "component")
    return figure


def draw_activations(activations: Activations) -> Figure:
    """Return for each channel (the first 8) the levels over time, in dB of the highest, component 1 at the bottom."""
    from matplotlib.figure import Figure

    channels, components, frames = activations.levels.shape
    count = min(8, channels)
    figure = Figure(figsize=(PAGE, min(12.0, 1.0 + 4.0 * count)), layout="constrained")
    decibels = _decibels(_thinned(activations.levels[:count]), activations.power, axis=None)
    stop = frames * activations.hop / activations.sample_rate
    for axes, picture in zip(figure.subplots(count, 1, squeeze=False)[:, 0], decibels, strict=True):
        _paint(axes, picture, (0, stop, 0.5, components + 0.5))
        axes.set_ylabel("component", fontsize=8)
        _finish(axes, "seconds")
    return figure


def _paint(axes: Axes, decibels: Array, extent: tuple[float, float, float, float]) -> None:
    """Show levels as colours, 60 dB of them, from left to right and from the bottom up."""
    axes.imshow(
        decibels,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=-RANGE,
        vmax=0,
        extent=extent,
        interpolation="nearest",
    )


def _thinned(levels: Array) -> Array:
    """Return the highest level of each of at most 1500 stretches."""
    frames = levels.shape[2]
    return np.maximum.reduceat(levels, np.arange(0, frames, -(-frames // COLUMNS)), axis=2)


def _decibels(values: Array, power: int, axis: int | None) -> Array:
    tiny = np.finfo(np.float32).tiny
    top = np.max(values, axis=axis, keepdims=True)
    return np.asarray(20 / power * np.log10(np.maximum(values, tiny) / np.maximum(top, tiny)))


def _finish(axes: Axes, label: str) -> None:
    axes.set_xlabel(label, fontsize=8)
    axes.tick_params(labelsize=8, length=3, color=GRID)
    for spine in axes.spines.values():
        spine.set_color(GRID)
