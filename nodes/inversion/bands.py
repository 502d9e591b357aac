"""Bands in the physical axes of a representation, whose paths count more or less than the others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from nodes.inversion.checks import refuse_unknown_classes
from nodes.values.regions import Axes, Form, inside, no_path, ranges_of, reached
from nodes.values.representation import Representation
from pipelines.mistakes import MistakeError, mistake, shown
from pipelines.quantities import plain, wrong
from pipelines.value import Array

BAND = Form("band", "weight", "{rate: [8, 32], weight: 3}", ("class",))


def read_band(given: Any) -> dict[str, Any]:
    """Return a band as written: {axis: [low, high], …, 'weight': …, 'class': …}, the class only where it is given.

    Raises
    ------
    PydanticCustomError
        Where it is not of this form; says what is allowed.
    """
    band = BAND.read(given)
    band["weight"] = _weight(band["weight"])
    if not isinstance(band.get("class", ""), str):
        raise wrong("the name of a class, such as order2, as the class of a band")
    return band


def _weight(given: Any) -> float:
    try:
        weight = plain(given)
    except PydanticCustomError:
        weight = math.nan
    if not weight >= 0:
        raise wrong("as the weight of a band a number from 0 on that is not infinite")
    return weight


_SCHEMA = BAND.schema(**{"class": {"type": "string"}, "weight": {"type": "number", "minimum": 0}})
Band = Annotated[dict[str, float | str | list[float]], BeforeValidator(read_band), _SCHEMA]
Bands = Annotated[list[Band], BAND.listed]


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
    axes = [target.axes() if bands else {} for target in targets]
    weights: list[dict[str, Array]] = [{} for _ in targets]
    for band in bands:
        ranges, able = ranges_of(band), _able(axes, band)
        touched = {place: inside(told, ranges) for place, told in able.items()}
        if not any(chosen.any() for chosen in touched.values()):
            raise no_path(BAND, "path_weights", band, list(able.values()))
        for (number, name), chosen in touched.items():
            each = weights[number].setdefault(name, np.ones(len(chosen)))
            each[chosen] *= band["weight"]
    return weights


def refuse_unreached(axes: Sequence[Mapping[str, Axes]], bands: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a band in which no path can lie, knowing for each target and class only what values an axis has.

    Raises
    ------
    MistakeError
        As `path_weights`.
    """
    for band in bands:
        able = list(_able(axes, band).values())
        if not reached(able, ranges_of(band)):
            raise no_path(BAND, "path_weights", band, able)


def _able(axes: Sequence[Mapping[str, Axes]], band: Mapping[str, Any]) -> dict[tuple[int, str], Axes]:
    """Return the axes of the classes that a band can touch, by number of the target (from 0) and class."""
    asked, ranges = band.get("class"), ranges_of(band)
    paths = {
        (number, name): {axis: values for axis, values in told.items() if np.isfinite(values).any()}
        for number, classes in enumerate(axes)
        for name, told in classes.items()
        if asked in (None, name, f"{number + 1}.{name}")
    }
    able: dict[tuple[int, str], Axes] = {place: told for place, told in paths.items() if ranges.keys() <= told.keys()}
    if not able:
        raise _no_axis(band, ranges, paths)
    return able


def _no_axis(band: Mapping[str, Any], ranges: Mapping[str, Any], paths: Mapping[tuple[int, str], Axes]) -> MistakeError:
    known = dict.fromkeys(f"{name}: {', '.join(told)}" for (_, name), told in paths.items() if told)
    return mistake(
        f"no class {'of this name ' if 'class' in band else ''}has paths with a {' and a '.join(ranges)}",
        parameter="path_weights",
        given=shown(dict(band)),
        allowed="; ".join(known) or "no band: these classes tell no axis of their paths",
        hint="" if known else "weigh whole classes with class_weights",
    )
