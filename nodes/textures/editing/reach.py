"""Which statistics lie in the ranges of an edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nodes.textures.value import TextureStatistics
from nodes.values.regions import Axes, Form, inside, no_path, ranges_of, reached
from pipelines.mistakes import MistakeError, mistake, shown
from pipelines.value import Array


def touched(
    statistics: TextureStatistics, classes: Sequence[str], region: Mapping[str, Any], form: Form, parameter: str
) -> dict[str, Array]:
    """Return for each class that has all axes of a region which of its paths lie in it.

    A path that compares two bands lies in a range of frequencies where both do.

    Raises
    ------
    MistakeError
        Where no class has these axes, or no path lies in all of the ranges.
    """
    ranges = ranges_of(region)
    if not ranges:
        return {name: np.ones(statistics.classes[name].shape[1], bool) for name in classes}
    axes = statistics.axes()
    able = able_classes({name: axes.get(name, {}) for name in classes}, region, form, parameter)
    found = {name: _within(told, ranges) for name, told in able.items()}
    if not any(paths.any() for paths in found.values()):
        raise no_path(form, parameter, region, list(able.values()))
    return {name: paths for name, paths in found.items() if paths.any()}


def able_classes(axes: Mapping[str, Axes], region: Mapping[str, Any], form: Form, parameter: str) -> dict[str, Axes]:
    """Return the axes of those classes that have all that a region has.

    Raises
    ------
    MistakeError
        Where there is none.
    """
    ranges = ranges_of(region)
    told = {
        name: {axis: values for axis, values in each.items() if np.isfinite(values).any()}
        for name, each in axes.items()
    }
    able: dict[str, Axes] = {name: each for name, each in told.items() if ranges.keys() <= each.keys()}
    if not able:
        raise _no_axis(region, told, form, parameter)
    return able


def refuse_unreached(axes: Mapping[str, Axes], region: Mapping[str, Any], form: Form, parameter: str) -> None:
    """Refuse a region in which no path can lie, knowing for each class only what values an axis has."""
    able = able_classes(axes, region, form, parameter)
    if not reached(list(able.values()), ranges_of(region)):
        raise no_path(form, parameter, region, list(able.values()))


def _within(axes: Axes, ranges: Mapping[str, Sequence[float]]) -> Array:
    found = inside(axes, ranges)
    if "frequency" in ranges and "other" in axes:
        found &= inside({"frequency": axes["other"]}, {"frequency": ranges["frequency"]})
    return found


def _no_axis(region: Mapping[str, Any], axes: Mapping[str, Axes], form: Form, parameter: str) -> MistakeError:
    wanted = " and a ".join(ranges_of(region))
    known = "; ".join(f"{name}: {', '.join(axis for axis in told if axis != 'other')}" for name, told in axes.items())
    return mistake(
        f"no class that this {form.noun} is of has a {wanted}",
        parameter=parameter,
        given=shown({name: region[name] for name in ("class", "frequency", "rate") if name in region}),
        allowed=known,
    )
