"""Regions of a representation: ranges of the frequency, the rate and the scale of its paths."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from pydantic import BeforeValidator, WithJsonSchema

from pipelines.mistakes import MistakeError, mistake, nearest, shown
from pipelines.quantities import hertz, plain, wrong
from pipelines.value import Array

AXES: dict[str, Callable[[Any], float]] = {"frequency": hertz, "rate": hertz, "scale": plain}
"""The axes in which a region may have a range, and how its ends are read."""

UNITS = {"frequency": "Hz", "rate": "Hz", "scale": "cycles per octave"}

Ranges = Mapping[str, Sequence[float]]
"""[low, high] for some axes."""

Axes = Mapping[str, Array]
"""One value for each path, NaN where it has none, for each axis: a class of `Representation.axes`."""


class Form(NamedTuple):
    """How a region is written.

    Parameters
    ----------
    noun
        What it is called: 'band', 'region'.
    value
        Name of what holds in it: 'weight', 'gain'.
    example
        One of them, as a composer writes it.
    optional
        Names of what else it may have.
    """

    noun: str
    value: str
    example: str
    optional: tuple[str, ...] = ()

    def read(self, given: Any) -> dict[str, Any]:
        """Return a region with its ranges read: {axis: [low, high], …}; what else was given is as it was.

        Raises
        ------
        PydanticCustomError
            Where it is not of this form; says what is allowed.
        """
        known = [*AXES, *self.optional, self.value]
        for name in given if isinstance(given, Mapping) else ():
            if name not in known:
                near = nearest(str(name), known)
                raise wrong(f"in {self._one} only {', '.join(known)} (it has '{name}'{near and '; '}{near})")
        if not isinstance(given, Mapping) or not given.keys() & AXES.keys() or self.value not in given:
            raise wrong(f"{self.noun}s with a range and a {self.value}, as [{self.example}]")
        return {name: self._range(name, value) if name in AXES else value for name, value in given.items()}

    @property
    def _one(self) -> str:
        return f"{'an' if self.noun[0] in 'aeiou' else 'a'} {self.noun}"

    def _range(self, axis: str, given: Any) -> list[float]:
        if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
            raise wrong(f"for the {axis} of {self._one} two ends, as {axis}: [0.5, 4]")
        low, high = (AXES[axis](end) for end in given)
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            ends = f"not {low:g}, {high:g}"
            raise wrong(f"for the {axis} of {self._one} its lower end, then its upper one, both finite ({ends})")
        return [low, high]

    @property
    def listed(self) -> BeforeValidator:
        """The validator of a list of such regions, which says so where there is one without a list."""

        def read(given: Any) -> Any:
            if not isinstance(given, list | tuple):
                raise wrong(f"a list of {self.noun}s, even of one, as [{self.example}]")
            return given

        return BeforeValidator(read)

    def schema(self, **properties: Any) -> WithJsonSchema:
        """Return the JSON Schema; `properties` are those of all that is no range."""
        ends = {"type": "array", "items": {"type": ["number", "string"]}, "minItems": 2, "maxItems": 2}
        return WithJsonSchema(
            {
                "type": "object",
                "properties": {**dict.fromkeys(AXES, ends), **properties},
                "required": [self.value],
                "additionalProperties": False,
            }
        )


def ranges_of(region: Mapping[str, Any]) -> dict[str, Sequence[float]]:
    """Return the ranges of a region without what holds in it."""
    return {axis: region[axis] for axis in AXES if axis in region}


def inside(axes: Axes, ranges: Ranges) -> Array:
    """Return which paths lie in all ranges, ends included; a path without a place on an axis does not."""
    each = [(axes[axis] >= low) & (axes[axis] <= high) for axis, (low, high) in ranges.items()]
    return np.asarray(np.logical_and.reduce(each))


def reached(classes: Sequence[Axes], ranges: Ranges) -> bool:
    """Return whether a class has values within every range, though perhaps no path within all of them."""
    return any(all(inside(axes, {axis: ends}).any() for axis, ends in ranges.items()) for axes in classes)


def no_path(form: Form, parameter: str, region: Mapping[str, Any], classes: Sequence[Axes]) -> MistakeError:
    """Return the mistake of a region in which no path of these classes lies; it tells where there are some."""
    ranges = ranges_of(region)
    places = {axis: _extent(np.concatenate([axes[axis] for axes in classes])) for axis in ranges}
    each = all(reached(classes, {axis: ends}) for axis, ends in ranges.items())
    return mistake(
        f"no path lies in this {form.noun}",
        parameter=parameter,
        given=shown({name: value for name, value in region.items() if name in ranges or name in form.optional}),
        allowed="paths have "
        + "; ".join(f"{axis} {p} {UNITS[axis]}" if p else f"no {axis}" for axis, p in places.items()),
        hint="there are paths in each of the ranges, but none in all of them" if each else "",
    )


def _extent(values: Array) -> str:
    """Return from where to where values go, those below 0 apart: '-4 to -0.5 and 0.5 to 4'."""
    known = values[np.isfinite(values)]
    parts = [part for part in (known[known < 0], known[known >= 0]) if len(part)]
    return " and ".join(f"{_short(part.min())} to {_short(part.max())}" for part in parts)


def _short(number: float) -> str:
    return f"{float(f'{number:.3g}'):g}"
