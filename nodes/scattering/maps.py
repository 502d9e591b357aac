"""The energy of the second order by rate and scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nodes.scattering.paths import energies, frames_in, inside_band, paths_of
from pipelines.mistakes import MistakeError, mistake
from pipelines.value import Array

if TYPE_CHECKING:
    from nodes.scattering.value import Scattering


class RateScaleMap(NamedTuple):
    """Energy, scales × rates, NaN where no path lies; the scales in cycles per octave; the rates in Hz."""

    energy: Array
    scales: Array
    rates: Array


def has_map(scattering: Scattering) -> bool:
    """Return whether there is a second order with rates and scales."""
    return scattering.order2.shape[1] > 0 and not bool(np.isnan(scattering.scales2).all())


def no_map(given: str) -> MistakeError:
    """Return the mistake of a scattering without rates and scales; says what was given instead."""
    return mistake(
        "this scattering has no rates and scales",
        parameter="scattering",
        given=given,
        allowed="kind: joint with orders: 2",
        hint="give scatter `kind: joint` and `orders: 2`",
    )


def rate_scale_energy(
    scattering: Scattering, frequencies: Sequence[float] | None = None, times: Sequence[float] | None = None
) -> RateScaleMap:
    """Return the energy at each rate and scale, summed over bands, and its mean over channels and frames.

    Coarse scales have fewer paths than fine ones, as their moduli vary slowly along log-frequency. What is shown is
    the mean of the paths of one rate and scale times the number of bands that the rate follows, so that it does not
    depend on how densely a scale is sampled.

    Parameters
    ----------
    scattering
        One with rates and scales.
    frequencies
        [low, high] in Hz of the bands that count; all unless given.
    times
        [from, to] in seconds of the frames that count; all unless given.

    Raises
    ------
    MistakeError
        Where there are no rates and scales, or nothing lies in a range.
    """
    if not has_map(scattering):
        raise no_map(f"kind {scattering.design.kind}, orders {scattering.design.orders}")
    frames = frames_in(scattering, times)
    paths = paths_of(scattering, "order2")
    chosen = inside_band(paths.frequency, frequencies)
    energy = energies(scattering.order2, frames) / (scattering.channels * (frames.stop - frames.start))
    rates, scales = np.unique(paths.rate), np.unique(paths.scale)
    places = (np.searchsorted(scales, paths.scale[chosen]), np.searchsorted(rates, paths.rate[chosen]))
    sums, counts = np.zeros((2, len(scales), len(rates)))
    np.add.at(sums, places, energy[chosen])
    np.add.at(counts, places, 1)
    mean = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return RateScaleMap(mean * _bands(scattering, rates, frequencies), scales, rates)


def _bands(scattering: Scattering, rates: Array, frequencies: Sequence[float] | None) -> Array:
    """Return how many bands of the first order each rate follows, of those that count; at least one."""
    centres = np.array([carrier.centre for carrier in scattering.design.carriers]) * scattering.sample_rate
    followed = {modulator.centre: bands for modulator, bands in scattering.design.modulators}
    inside = centres >= 0 if frequencies is None else (centres >= frequencies[0]) & (centres <= frequencies[1])
    nearest = [min(followed, key=lambda centre: abs(centre * scattering.sample_rate - rate)) for rate in rates]
    return np.array([max(1, int(inside[: followed[centre]].sum())) for centre in nearest])
