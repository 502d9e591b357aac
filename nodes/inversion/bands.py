"""Bands in the physical axes of a representation, whose paths count more or less than the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, WithJsonSchema

from nodes.inversion.checks import refuse_unknown_classes
from nodes.values.representation import Representation
from pipelines.mistakes import mistake, nearest, shown
from pipelines.quantities import hertz, plain, wrong
from pipelines.value import Array

AXES: dict[str, Callable[[Any], float]] = {"frequency": hertz, "rate": hertz, "scale": plain}
"""The axes in which a band may have a range, and how its ends are read."""

UNITS = {"frequency": "Hz", "rate": "Hz", "scale": "cycles per octave"}

_RANGE = {"type": "array", "items": {"type": ["number", "string"]}, "minItems": 2, "maxItems": 2}
_SCHEMA = {
    "type": "object",
    "properties": {
        **dict.fromkeys(AXES, _RANGE),
        "class": {"type": "string"},
        "weight": {"type": "number", "minimum": 0},
    },
    "required": ["weight"],
    "additionalProperties": False,
}


def read_band(given: Any) -> dict[str, Any]:
    """Return a band as written: {axis: [low, high], …, 'weight': …, 'class': …}, the class only where it is given.

    Raises
    ------
    PydanticCustomError
        Where it is not of this form; says what is allowed.
    """
    if not isinstance(given, Mapping) or not given.keys() & AXES.keys() or "weight" not in given:
        raise wrong("bands with a range and a weight, as [{rate: [8, 32], weight: 3}]")
    for name in given:
        if name not in (known := [*AXES, "class", "weight"]):
            raise wrong(
                f"in a band only {', '.join(known)} (it has '{name}'; {nearest(name, known)})".replace("; )", ")")
            )
    band: dict[str, Any] = {name: _range(name, given[name]) for name in AXES if name in given}
    band["weight"] = plain(given["weight"])
    if band["weight"] < 0:
        raise wrong("weights from 0 on")
    if "class" in given:
        if not isinstance(given["class"], str):
            raise wrong("the name of a class, such as order2, as the class of a band")
        band["class"] = given["class"]
    return band


def _range(axis: str, given: Any) -> list[float]:
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
        raise wrong(f"for the {axis} of a band two ends, as {axis}: [0.5, 4]")
    low, high = (AXES[axis](end) for end in given)
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise wrong(f"for the {axis} of a band its lower end, then its upper one (not {low:g}, {high:g})")
    return [low, high]


Band = Annotated[dict[str, float | str | list[float]], BeforeValidator(read_band), WithJsonSchema(_SCHEMA)]


def path_weights(
    targets: Sequence[Representation], classes: Sequence[Sequence[str]], bands: Sequence[Mapping[str, Any]]
) -> list[dict[str, Array]]:
    """Return for each target the weights of the paths of each class that a band touches.

    Parameters
    ----------
    targets
        What tells the axes.
    classes
        Names of the classes of each target.
    bands
        As `read_band` returns them. Where bands overlap their weights are multiplied.

    Raises
    ------
    MistakeError
        Where a band names an axis or a class that no target has, or matches no path.
    """
    refuse_unknown_classes(classes, [band["class"] for band in bands if "class" in band], "path_weights")
    axes = [_told(target) if bands else {} for target in targets]
    weights: list[dict[str, Array]] = [{} for _ in targets]
    for band in bands:
        ranges = {name: band[name] for name in AXES if name in band}
        paths = _paths(axes, band.get("class"))
        able = {place: told for place, told in paths.items() if ranges.keys() <= told.keys()}
        if not able:
            raise _no_axis(band, ranges, paths)
        touched = {place: _inside(told, ranges) for place, told in able.items()}
        if not any(inside.any() for inside in touched.values()):
            raise _no_path(band, ranges, able.values())
        for (number, name), inside in touched.items():
            each = weights[number].setdefault(name, np.ones(len(inside)))
            each[inside] *= band["weight"]
    return weights


Told = Mapping[str, Array]


def _told(target: Representation) -> dict[str, dict[str, Array]]:
    """Return the axes of each class without those that no path has."""
    each = target.axes().items()
    return {name: {axis: v for axis, v in axes.items() if np.isfinite(v).any()} for name, axes in each}


def _paths(axes: Sequence[Mapping[str, Told]], asked: str | None) -> dict[tuple[int, str], Told]:
    """Return the axes of the classes of which a band speaks, by number of the target (from 0) and class."""
    return {
        (number, name): told
        for number, classes in enumerate(axes)
        for name, told in classes.items()
        if asked in (None, name, f"{number + 1}.{name}")
    }


def _inside(told: Told, ranges: Mapping[str, Sequence[float]]) -> Array:
    """Return which paths lie in all ranges; a path without a place on an axis (NaN) does not."""
    inside = [(told[axis] >= low) & (told[axis] <= high) for axis, (low, high) in ranges.items()]
    return np.asarray(np.logical_and.reduce(inside))


def _no_axis(band: Mapping[str, Any], ranges: Mapping[str, Any], paths: Mapping[tuple[int, str], Told]) -> Exception:
    known = dict.fromkeys(f"{name}: {', '.join(told)}" for (_, name), told in paths.items() if told)
    return mistake(
        f"no class {'of this name ' if 'class' in band else ''}has paths with a {' and a '.join(ranges)}",
        parameter="path_weights",
        given=shown(dict(band)),
        allowed="; ".join(known) or "no band: these classes tell no axis of their paths",
        hint="" if known else "weigh whole classes with class_weights",
    )


def _no_path(band: Mapping[str, Any], ranges: Mapping[str, Any], able: Any) -> Exception:
    extents = {axis: _extent(np.concatenate([told[axis] for told in able])) for axis in ranges}
    real = "; ".join(f"{axis}s of this target: {extent} {UNITS[axis]}" for axis, extent in extents.items())
    each = all(any(_inside(told, {axis: ranges[axis]}).any() for told in able) for axis in ranges)
    return mistake(
        "no path lies in this band",
        parameter="path_weights",
        given=shown(dict(band)),
        allowed=real.replace("frequencys", "frequencies"),
        hint="there are paths in each of the ranges, but none in all of them" if each else "",
    )


def _extent(values: Array) -> str:
    """Return from where to where values go, those below 0 apart: '-4 to -0.5 and 0.5 to 4'."""
    known = values[np.isfinite(values)]
    parts = [part for part in (known[known < 0], known[known >= 0]) if len(part)]
    return " and ".join(f"{part.min():.3g} to {part.max():.3g}" for part in parts)
