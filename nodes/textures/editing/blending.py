"""Statistics of several sounds made into one: averages, morphs and hybrids."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nodes.textures.domains import LEAST_LEVEL
from nodes.textures.editing.classes import COLOUR, COMPLEX, named
from nodes.textures.editing.natural import natural, statistic
from nodes.textures.editing.parameters import BAND
from nodes.textures.editing.points import moves, refined, resampled, united
from nodes.textures.editing.reach import touched
from nodes.textures.editing.realisable import realised
from nodes.textures.model import Domain
from nodes.textures.value import TextureStatistics
from pipelines.quantities import Envelope
from pipelines.value import Array


class Blending:
    """Several statistics of one front end at the same points, and the share that each has of every path.

    Parameters
    ----------
    statistics
        The inputs; those of one channel go with all channels of the others.
    weights
        Share of each beside the others.
    """

    def __init__(self, statistics: Sequence[TextureStatistics], weights: Sequence[Envelope]) -> None:
        self._inputs = statistics
        self._widest = max(statistics, key=lambda each: each.channels)
        self.domains = {n: d for n, d in self._widest.model.domains.items() if n in self._widest.classes}
        self.times = _points(statistics, weights)
        self._given = [
            {name: self._at_points(number, values, self.domains[name]) for name, values in each.classes.items()}
            for number, each in enumerate(statistics)
        ]
        given = np.stack([weight.at(self.times) for weight in weights])
        self._general = given / given.sum(0)
        self._shares = {name: self._first_shares(name) for name in self.domains}
        bins = max(each.colours.shape[1] for each in statistics)
        self._colours = np.repeat(_mean_over_time(self._general, self.times)[:, None], bins, 1)

    def take_classes(self, sources: Mapping[str, int]) -> None:
        """Take whole classes from inputs, counted from 1; what is named itself goes before what a shorthand names."""
        for asked in sorted(sources, key=lambda name: name in self.domains):
            for name in named([asked], self._domains_of(sources[asked] - 1), "classes"):
                self._take(name, np.ones(self._shares[name].shape[1], bool), sources[asked])
                if name == COLOUR:
                    self._colours[:] = np.arange(len(self._inputs))[:, None] == sources[asked] - 1

    def take_band(self, band: Mapping[str, Any]) -> None:
        """Take what lies in a range from one input, colour included."""
        paths = touched(self._widest, list(self.domains), band, BAND, "bands")
        for name, chosen in paths.items():
            self._take(name, chosen, band["from"])
        if COLOUR in paths:
            low, high = band["frequency"]
            places = np.linspace(0, self._widest.sample_rate / 2, self._colours.shape[1])
            within = (places >= low) & (places <= high)
            self._colours[:, within] = (np.arange(len(self._inputs)) == band["from"] - 1)[:, None]

    def result(self) -> tuple[TextureStatistics, list[str]]:
        """Return the blend, made such as some sound can have it, and notes of what was changed for it."""
        classes, notes = realised({name: self._blended(name) for name in self.domains}, self._given, self._widest)
        weights = {name: self._weights(name) for name in self.domains if self._has(name)}
        blend = dataclasses.replace(
            self._widest,
            classes=classes,
            weights=weights,
            deviations={name: self._deviations(name) for name in self._widest.deviations},
            times=self.times,
            colours=self._colour(),
            samples=max(each.samples for each in self._inputs),
        )
        return blend, notes

    def _first_shares(self, name: str) -> Array:
        """Return inputs × paths × points: the general shares, among those inputs that have the class.

        Of swells among those that are long enough for them, if any is.
        """
        having = np.array([name in each.classes for each in self._inputs])[:, None]
        enough = having & np.array([name not in each.model.lacking(each.samples) for each in self._inputs])[:, None]
        having = enough if enough.any() else having
        shares = self._general
        if not having.all():
            totals = (shares * having).sum(0)
            shares = np.where(totals > 0, shares * having / np.where(totals > 0, totals, 1.0), having / having.sum())
        return np.repeat(shares[:, None], self._widest.classes[name].shape[1], 1)

    def _domains_of(self, index: int) -> dict[str, Domain]:
        """Return the classes of one input: what compares channels is not known of a single one."""
        return {name: domain for name, domain in self.domains.items() if name in self._inputs[index].classes}

    def _take(self, name: str, chosen: Array, number: int) -> None:
        if name in self._inputs[number - 1].classes:
            self._shares[name][:, chosen] = (np.arange(len(self._inputs)) == number - 1)[:, None, None]

    def _blended(self, name: str) -> Array:
        """Return channels × paths × points; where one input has all of a path, at a point, its bits stay."""
        domain, shares = self.domains[name], self._shares[name]
        given = [(share, each[name]) for share, each in zip(shares, self._given, strict=True) if name in each]
        found = statistic(name, np.sum([share * natural(name, values, domain) for share, values in given], 0), domain)
        for share, values in given:
            found = np.where(share == 1, values, found)
        return found

    def _at_points(self, number: int, values: Array, domain: Domain) -> Array:
        """Return values of an input at the points of the blend, for all channels."""
        found = resampled(values, self._inputs[number].times, self.times, domain)
        return np.broadcast_to(found, (self._widest.channels, *found.shape[1:]))

    def _has(self, name: str) -> bool:
        return any(name in each.weights for each in self._inputs)

    def _weights(self, name: str) -> Array:
        total = np.zeros(())
        for number, each in enumerate(self._inputs):
            own = each.weights.get(name)
            values = np.ones(()) if own is None else self._at_points(number, own, "linear")
            total = total + self._shares[name][number] * values
        shape = (self._widest.channels, *self._shares[name].shape[1:])
        return np.asarray(np.broadcast_to(total, shape), np.float32)

    def _deviations(self, name: str) -> Array:
        """Return the root of the mean of squares, with the shares as weights; of no weight is what is not known."""
        total = np.zeros(())
        for number, each in enumerate(self._inputs):
            share = _mean_over_time(self._shares[name][number], self.times)
            if name in each.deviations:
                squares = np.square(each.deviations[name], dtype=np.float64)
                total = total + np.where(share > 0, share * squares, 0.0)
        return np.asarray(np.sqrt(total), np.float32)

    def _colour(self) -> Array:
        """Return the geometric mean of spectra, with the shares of each bin as weights."""
        count, total = self._colours.shape[1], np.zeros(())
        for share, each in zip(self._colours, self._inputs, strict=True):
            own = np.asarray(each.colours, np.float64)
            if own.shape[1] != count:
                places, known = np.linspace(0, 1, count), np.linspace(0, 1, own.shape[1])
                own = np.stack([np.interp(places, known, channel) for channel in own])
            total = total + np.where(share > 0, share * np.log(np.maximum(own, LEAST_LEVEL**2)), 0.0)
        return np.asarray(np.exp(total), self._widest.colours.dtype)


def blended(
    statistics: Sequence[TextureStatistics],
    weights: Sequence[Envelope],
    classes: Mapping[str, int],
    bands: Sequence[Mapping[str, Any]],
) -> tuple[TextureStatistics, list[str]]:
    """Return one statistics of several of the same front end, and notes of what had to be changed to be possible.

    Raises
    ------
    MistakeError
        Where a class or a band is of nothing that there is.
    """
    blending = Blending(statistics, weights)
    blending.take_classes(classes)
    for band in bands:
        blending.take_band(band)
    return blending.result()


def _mean_over_time(values: Array, times: Array) -> Array:
    """Return the mean over the points, straight from one to the next."""
    if len(times) == 1:
        return np.asarray(values[..., 0])
    return np.asarray(np.trapezoid(values, times, axis=-1) / (times[-1] - times[0]))


def _points(statistics: Sequence[TextureStatistics], weights: Sequence[Envelope]) -> Array:
    """Return the points of a blend: more of them where shares and statistics move, or shares are no straight lines."""
    times = united([each.times for each in statistics], weights)
    totals = dict(zip(times, np.sum([weight.at(times) for weight in weights], axis=0), strict=True))
    bends = any(name in each.classes for each in statistics for name in COMPLEX)

    def curved(low: float, high: float) -> bool:
        shares = any(moves(weight, low, high) for weight in weights)
        within = any(a < high and b > low for each in statistics for a, b in itertools.pairwise(each.times))
        uneven = abs(totals[low] - totals[high]) > 1e-9 * totals[low]
        return shares and (within or uneven or bends)

    return refined(times, curved)
