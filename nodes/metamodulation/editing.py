"""All edits of a scattering, in their order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nodes.metamodulation.edits import blurred, following, spun
from nodes.metamodulation.hybrid import crossed, imposed_ratio
from nodes.metamodulation.parameters import REGION
from nodes.metamodulation.plane import lines_along_rate, lines_along_scale, plane_of
from nodes.metamodulation.transposition import transposed, transposed_frequency, transposed_spectrum
from nodes.mixing.gains import level_gain
from nodes.scattering.value import Scattering
from nodes.values.regions import inside, no_path, ranges_of
from pipelines.quantities import Envelope
from pipelines.value import Array


class Editing:
    """A scattering under the knife: each edit changes `result`, whose paths and frames stay where they are."""

    def __init__(self, scattering: Scattering) -> None:
        self.result = scattering
        self._axes = scattering.axes()
        self._planes = {order: plane_of(axes) for order, axes in self._axes.items()}
        self._plane = self._planes.get("order2", {})

    def cross(self, other: Scattering, amount: Envelope, levels: str) -> None:
        """Take the second order, or a part of it, from another scattering."""
        order2 = imposed_ratio(self.result, other, self._plane) if levels == "ratio" else other.order2
        self._set(order2=crossed(self.result, order2, self._at(amount)))

    def transpose_rate(self, octaves: Envelope) -> None:
        """Make modulations faster."""
        lines = lines_along_rate(self._plane)
        self._set(order2=transposed(self.result.order2, self._plane, lines, self._at(octaves)))

    def transpose_scale(self, octaves: Envelope) -> None:
        """Make modulations finer."""
        lines = lines_along_scale(self._plane)
        self._set(order2=transposed(self.result.order2, self._plane, lines, self._at(octaves)))

    def transpose_frequency(self, octaves: Envelope) -> None:
        """Move bands with their modulations upwards, and the spectrum from which an inversion starts."""
        for order in self._planes:
            self._each_point(order, transposed_frequency, octaves)
        self._set(colours=transposed_spectrum(self.result.colours, self._at(octaves)))

    def spin(self, spin: Envelope) -> None:
        """Turn rising sounds into falling ones."""
        self._set(order2=spun(self.result.order2, self._plane, self._at(spin)))

    def blur(self, octaves: Envelope) -> None:
        """Blur the bands along log-frequency."""
        before = self.result.order1
        self._each_point("order1", blurred, octaves)
        self._colour(before)

    def blur_order2(self, octaves: Envelope) -> None:
        """Blur the modulations along log-frequency."""
        self._each_point("order2", blurred, octaves)

    def gain(self, region: Mapping[str, Any]) -> None:
        """Raise or lower what lies in a region, in every order that has all its axes."""
        ranges, before = ranges_of(region), self.result.order1
        factors = np.broadcast_to(level_gain(region["gain"], 1)(self.result.times), self.result.times.shape)
        able = {order: axes for order, axes in self._axes.items() if ranges.keys() <= axes.keys()}
        touched = {order: inside(axes, ranges) for order, axes in able.items()}
        if not any(paths.any() for paths in touched.values()):
            raise no_path(REGION, "gains", region, list(able.values()))
        for order, paths in touched.items():
            values = getattr(self.result, order).copy()
            values[:, paths] *= factors.astype(values.dtype)
            self._set(**{order: values})
        self._colour(before)

    def _colour(self, before: Array) -> None:
        """Let the spectrum from which an inversion starts follow the bands, where they have changed."""
        found, half = self.result, self.result.sample_rate / 2
        if found.order1 is not before:
            self._set(colours=following(found.colours, found.frequencies1, half, before, found.order1))

    def _each_point(self, order: str, edit: Callable[[Array, Array, Array], Array], octaves: Envelope) -> None:
        values = getattr(self.result, order).copy()
        for rows in self._planes[order].values():
            values[:, rows.paths] = edit(values[:, rows.paths], rows.places, self._at(octaves))
        self._set(**{order: values})

    def _at(self, envelope: Envelope) -> Array:
        return envelope.at(self.result.times)

    def _set(self, **arrays: Any) -> None:
        self.result = dataclasses.replace(self.result, **arrays)


ORDER = ("transpose_frequency", "transpose_rate", "transpose_scale", "spin", "blur", "blur_order2")
"""The order of edits between a hybrid, which is first, and gains, which are last."""


def edited(
    scattering: Scattering,
    other: Scattering | None,
    *,
    hybrid: Envelope,
    levels: str,
    envelopes: Mapping[str, Envelope],
    gains: Sequence[Mapping[str, Any]],
) -> Scattering:
    """Return an edited scattering; only those of the envelopes that are given are applied, in the order of `ORDER`."""
    editing = Editing(scattering)
    if other is not None:
        editing.cross(other, hybrid, levels)
    for name in ORDER:
        if name in envelopes:
            getattr(editing, name)(envelopes[name])
    for region in gains:
        editing.gain(region)
    return editing.result


LOST = 1e-3
"""Part of an order's energy below which a note says how little is left, -30 dB."""


def notes_of(before: Scattering, after: Scattering, envelopes: Mapping[str, Envelope]) -> list[str]:
    """Return what a composer should know of an edit: envelopes that outlast the sound, and orders that became empty."""
    duration = before.samples / before.sample_rate
    late = {name: each.points[-1][0] for name, each in envelopes.items() if each.points[-1][0] > duration}
    notes = [f"{name} goes on until {end:.6g} s, the sound until {duration:.6g} s" for name, end in late.items()]
    for order, values in before.raw().items():
        energies = [float(np.square(each, dtype=np.float64).sum()) for each in (values, after.raw()[order])]
        if energies[1] < LOST * energies[0]:
            left = f"{10 * np.log10(energies[1] / energies[0]):.0f} dB" if energies[1] else "nothing"
            notes.append(f"{left} is left of the energy of {order}: it was moved beyond the filters, or turned down")
    return notes
