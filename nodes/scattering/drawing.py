"""Scattergrams, the coefficients of each order path by frame, and the map of rates and scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nodes.scattering.value import Scattering

COLOURS = "magma_r"
QUIETEST = 1e-3
"""Coefficients this far below the largest one are drawn as almost nothing."""


def draw_scattering(scattering: Scattering) -> Figure:
    """Return one picture for each order, time to the right, and one of the energy by rate and scale.

    Order 1 goes by frequency; paths of order 2 go by their l1 norm, the strongest at the bottom. Shown is log(1 + S/ε)
    of the mean of the channels, with ε a thousandth of the order's largest coefficient.
    """
    from matplotlib.figure import Figure

    orders = scattering.raw()
    mapped = len(orders) > 1 and not np.isnan(scattering.scales2).all()
    figure = Figure(figsize=(11.0, 3.6 * (len(orders) + mapped)), layout="constrained")
    places = figure.subplots(len(orders) + mapped, 1, squeeze=False)[:, 0]
    _scattergram(places[0], scattering, orders["order1"].mean(0)[::-1], "order 1", "band, from low to high")
    if "order2" in orders:
        order2 = orders["order2"].mean(0)
        falling = np.argsort(-np.abs(order2).sum(-1), kind="stable")
        _scattergram(places[1], scattering, order2[falling], "order 2", "path, by falling l1 norm")
    if mapped:
        draw_rates_and_scales(places[2], scattering)
    return figure


def _scattergram(axes: Axes, scattering: Scattering, values: Array, title: str, label: str) -> None:
    peak = float(np.abs(values).max(initial=0))
    image = axes.imshow(
        np.log1p(values / (QUIETEST * peak if peak > 0 else 1.0)),
        aspect="auto",
        origin="lower",
        cmap=COLOURS,
        extent=(0, scattering.length / scattering.sample_rate, 0, max(1, values.shape[0])),
        interpolation="nearest",
    )
    axes.set_title(f"{title}: {values.shape[0]} paths", loc="left", fontsize=9)
    axes.set_ylabel(label)
    axes.set_xlabel("time (s)")
    axes.figure.colorbar(image, ax=axes, label="log(1 + S/ε)", pad=0.01)


def rates_and_scales(scattering: Scattering) -> tuple[Array, Array, Array]:
    """Return the energy of the second order by scale and rate (scales × rates), with its scales and rates."""
    energy = np.square(scattering.order2, dtype=np.float64).sum((0, 2))
    rates, scales = np.unique(scattering.rates2), np.unique(scattering.scales2)
    found = np.zeros((len(scales), len(rates)))
    np.add.at(found, (np.searchsorted(scales, scattering.scales2), np.searchsorted(rates, scattering.rates2)), energy)
    return found, scales, rates


def draw_rates_and_scales(axes: Axes, scattering: Scattering) -> None:
    """Draw the energy of the second order by rate and scale, falling sounds below and rising ones above."""
    energy, scales, rates = rates_and_scales(scattering)
    peak = energy.max(initial=0)
    image = axes.imshow(
        10 * np.log10(np.maximum(energy / (peak if peak > 0 else 1.0), QUIETEST**2)),
        aspect="auto",
        origin="lower",
        cmap=COLOURS,
        interpolation="nearest",
    )
    axes.set_xticks(range(len(rates)), [f"{rate:.3g}" for rate in rates], fontsize=7)
    axes.set_yticks(range(len(scales)), [f"{scale:+.2g}" for scale in scales], fontsize=7)
    axes.set_xlabel("rate (Hz)")
    axes.set_ylabel("scale (cycles per octave)")
    axes.set_title("order 2: energy by rate and scale; rising sounds above, falling ones below", loc="left", fontsize=9)
    axes.figure.colorbar(image, ax=axes, label="dB", pad=0.01)
