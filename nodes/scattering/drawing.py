"""Scattergrams: the coefficients of each order, path by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nodes.scattering.value import Scattering

COLOURS = "magma_r"
QUIETEST = 1e-3
"""Coefficients this far below the largest one are drawn as almost nothing."""


def draw_scattering(scattering: Scattering) -> Figure:
    """Return one picture for each order: time to the right, paths upwards, the strongest (l1 norm) at the bottom.

    Shown is log(1 + S/ε) of the mean of the channels, with ε a thousandth of the order's largest coefficient.
    """
    from matplotlib.figure import Figure

    orders = {"order 1": scattering.order1, "order 2": scattering.order2}
    shown = {name: values for name, values in orders.items() if values.shape[1]}
    figure = Figure(figsize=(11.0, 3.6 * len(shown)), layout="constrained")
    duration = scattering.length / scattering.sample_rate
    for axes, (name, values) in zip(figure.subplots(len(shown), 1, squeeze=False)[:, 0], shown.items(), strict=True):
        image = axes.imshow(
            _sorted_logarithms(values.mean(0)),
            aspect="auto",
            origin="lower",
            cmap=COLOURS,
            extent=(0, duration, 0, values.shape[1]),
            interpolation="nearest",
        )
        axes.set_title(f"{name}: {values.shape[1]} paths", loc="left", fontsize=9)
        axes.set_ylabel("path, by falling l1 norm")
        figure.colorbar(image, ax=axes, label="log(1 + S/ε)", pad=0.01)
    axes.set_xlabel("time (s)")
    return figure


def _sorted_logarithms(values: Array) -> Array:
    """Return log(1 + S/ε) with the rows in the order of falling l1 norm."""
    order = np.argsort(-np.abs(values).sum(-1), kind="stable")
    peak = float(np.abs(values).max())
    return np.asarray(np.log1p(values[order] / (QUIETEST * peak if peak > 0 else 1.0)))
