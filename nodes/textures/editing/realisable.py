"""Statistics that no sound can have, made such as one can; what a measured sound has counts as possible.

Autocorrelations stay between -1 and 1 by the scale on which they are edited. Whether those of one band at several lags
can be had together (a spectrum that is nowhere negative) is not looked into: their lags are few and far between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from nodes.textures.editing.classes import COMPLEX, KURTOSIS, SKEWNESS, interaural
from nodes.textures.editing.correlations import Pairs, cycle_of, matrices_of, nearest_possible
from nodes.textures.value import TextureStatistics
from nodes.values.regions import Axes
from pipelines.value import Array

Classes = dict[str, Array]

ROUNDING = 1e-4
"""Excess that does not count."""


class Realised(NamedTuple):
    """Classes that are possible, and what was changed for it."""

    classes: Classes
    notes: list[str]


def realised(classes: Classes, before: Sequence[Mapping[str, Array]], statistics: TextureStatistics) -> Realised:
    """Return statistics with kurtosis and correlations that are possible, and notes of how much was changed.

    Parameters
    ----------
    classes
        Channels × paths × points for each class.
    before
        The classes of all that they were made of, at the same points: each of these is taken to be possible.
    statistics
        Tells the axes.
    """
    notes: list[str] = []
    axes, found = statistics.axes(), dict(classes)
    for name in classes:
        skewness = name.removesuffix(KURTOSIS) + SKEWNESS
        if name.endswith(KURTOSIS) and skewness in classes:
            moments = [(each[name], each[skewness]) for each in before if name in each and skewness in each]
            found[name] = _raised(name, classes[name], classes[skewness], moments, notes)
            continue
        own = [each[name] for each in before if name in each]
        if name == "modulation_power":
            found[name] = _shared(classes[name], own, axes[name], notes)
        elif interaural(name):
            found[name] = _possible_among_channels(name, classes[name], own, notes)
        elif statistics.model.domains[name] == "correlation":
            found[name] = _possible(name, classes[name], own, axes.get(name, {}), notes)
    return Realised(found, notes)


def _raised(
    name: str, kurtosis: Array, skewness: Array, before: Sequence[tuple[Array, Array]], notes: list[str]
) -> Array:
    """Return a kurtosis of at least skewness² + 1, or as far below as one was: that of silence is 0."""
    least = np.square(skewness, dtype=np.float64) + 1
    lacks = [np.square(skew, dtype=np.float64) + 1 - values for values, skew in before]
    least -= np.maximum.reduce([np.zeros_like(least), *lacks])
    excess = least - kurtosis
    low = excess > ROUNDING
    if not low.any():
        return kurtosis
    notes.append(
        f"{name} was raised to skewness² + 1, the least there can be, in {int(low.any(axis=(0, 2)).sum())} of "
        f"{low.shape[1]} paths, by up to {excess.max():.3g}"
    )
    return np.where(low, least, kurtosis).astype(np.float32)


def _shared(values: Array, before: Sequence[Array], axes: Axes, notes: list[str]) -> Array:
    """Return parts of a band's variance that add up to no more than 1, or than they did."""
    found, most = values.copy(), 1.0
    for frequency in np.unique(axes["frequency"]):
        paths = axes["frequency"] == frequency
        sums = [each[:, paths].sum(1, dtype=np.float64, keepdims=True) for each in before]
        allowed = np.maximum(np.maximum.reduce(sums), 1.0)
        factor = allowed / np.maximum(values[:, paths].sum(1, dtype=np.float64, keepdims=True), 1e-12)
        if factor.min() < 1 - ROUNDING:
            most = min(most, float(factor.min()))
            found[:, paths] = np.where(factor < 1 - ROUNDING, values[:, paths] * factor, values[:, paths])
    if most < 1:
        notes.append(
            f"modulation_power was lowered, down to {most:.3g} times, where the modulation bands of one band had "
            f"more than all of its variance"
        )
    return found


def _possible(name: str, values: Array, before: Sequence[Array], axes: Axes, notes: list[str]) -> Array:
    """Return correlations that are possible together, point by point, where they were changed."""
    found = values.copy()
    for pairs in matrices_of(axes):
        own, *were = (
            np.moveaxis(each[:, pairs.paths], 1, 2).reshape(-1, len(pairs.paths)) for each in (values, *before)
        )
        rows = _nearest(own, were, pairs)
        found[:, pairs.paths] = np.moveaxis(rows.reshape(len(values), -1, len(pairs.paths)), 2, 1)
    _note_change(name, values, found, "bands", notes)
    return found


def _possible_among_channels(name: str, values: Array, before: Sequence[Array], notes: list[str]) -> Array:
    """Return what channels may have in common, each with the one before, band by band where it was changed."""
    channels = len(values)
    if channels < 2:
        return values
    pairs = cycle_of(channels)
    own, *were = (_entries(name, each)[pairs.paths].reshape(len(pairs.paths), -1).T for each in (values, *before))
    rows = _nearest(own, were, pairs).T
    if channels == 2:
        rows = np.concatenate([rows.conj(), rows])
    parts = rows.reshape(channels, -1, values.shape[2])
    if name in COMPLEX:
        parts = np.stack([parts.real, parts.imag], 2).reshape(values.shape)
    found = np.where(np.abs(parts - values) > ROUNDING, parts, values).astype(values.dtype)
    _note_change(name, values, found, "channels", notes)
    return found


def _entries(name: str, values: Array) -> Array:
    """Return channels × bands × points, complex where real and imaginary parts follow each other."""
    return values[:, 0::2] + 1j * values[:, 1::2] if name in COMPLEX else values


def _nearest(own: Array, were: Sequence[Array], pairs: Pairs) -> Array:
    """Return the nearest possible of matrices × pairs, those that were so before as they are."""
    edited = np.logical_and.reduce([(own != was).any(axis=1) for was in were])
    rows = own.copy()
    if edited.any():
        rows[edited] = nearest_possible(own[edited], pairs)
    return rows


def _note_change(name: str, before: Array, after: Array, what: str, notes: list[str]) -> None:
    changes = np.abs(after - before).max(axis=(0, 2), initial=0.0)
    if changes.any():
        notes.append(
            f"{name} was changed in {int((changes > 0).sum())} of {before.shape[1]} paths, by up to "
            f"{changes.max():.3g}: no {what} have these correlations with each other all at once"
        )
